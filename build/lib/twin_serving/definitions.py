"""The second code location: what is measured on the served indexes, as assets with a history."""

from dataclasses import asdict

import dagster as dg

from twin_assets.assets.previews import table
from twin_assets.embedding import embedder_for
from twin_assets.errors import NothingServedError
from twin_assets.settings import TwinSettings, load_settings
from twin_assets.stores import BACKENDS, create_store
from twin_serving.catalog import Catalog
from twin_serving.comparison import TOP, BackendFigures, compare
from twin_serving.evaluation.history import history_image
from twin_serving.evaluation.quality import Quality, baseline, measure_quality, regressions
from twin_serving.twin import Twin

_LEAST_OVERLAP = 0.95
_HISTORY = 50  # measurements that are looked back on and plotted


@dg.asset(
    deps=[dg.AssetKey(f"{backend}_index") for backend in BACKENDS],
    group_name="quality",
    kinds={"python"},
    owners=["team:ml"],
    code_version="1",
    check_specs=[
        dg.AssetCheckSpec(
            "backends_agree",
            asset="index_comparison",
            description=f"Every backend finds {_LEAST_OVERLAP:.0%} of the baseline's ten best.",
        )
    ],
)
def index_comparison(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[TwinSettings]
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads it bare only
    """The same questions to every index backend: overlap@10, and milliseconds a question."""
    embedder = embedder_for(settings)
    stores = [create_store(backend, settings) for backend in BACKENDS]
    served = {
        store.name: _served(Catalog(context.instance, store), embedder.weights_sha256)
        for store in stores
    }
    figures = compare([store for store in stores if served[store.name]], served, embedder)
    compared = {one.backend for one in figures}
    left_out = [backend for backend in BACKENDS if served[backend] and backend not in compared]
    note = f"; {', '.join(left_out)} serves no data of the others" if left_out else ""
    worst = min(min(one.overlap, one.overlap_by_author) for one in figures)
    return dg.MaterializeResult(
        metadata={
            "comparison": dg.MetadataValue.md(markdown(figures)),
            **{f"{one.backend} overlap@{TOP}": one.overlap for one in figures},
            **{f"{one.backend} p50 ms": one.p50_ms for one in figures},
            "figures": dg.MetadataValue.json([asdict(one) for one in figures]),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="backends_agree",
                passed=worst >= _LEAST_OVERLAP,
                description=f"the least overlap with {figures[0].backend} is {worst:.3f}{note}",
                metadata={"least overlap": worst},
            )
        ],
    )


def _served(catalog: Catalog, weights_sha256: str) -> dict[str, str]:
    """Return the served version of each author."""
    try:
        partitions = catalog.served(weights_sha256).partitions
    except NothingServedError:
        return {}
    return {partition.author.slug: partition.version for partition in partitions}


def markdown(figures: list[BackendFigures]) -> str:
    """Return the figures as a Markdown table."""
    head = [
        f"index | overlap@{TOP} | of one author | p50 ms | p95 ms | p50 ms of one author",
        "--- | ---: | ---: | ---: | ---: | ---:",
    ]
    rows = [
        f"{f.backend} | {f.overlap:.3f} | {f.overlap_by_author:.3f} | {f.p50_ms:.2f} | "
        f"{f.p95_ms:.2f} | {f.p50_by_author_ms:.2f}"
        for f in figures
    ]
    first = figures[0]
    of = f"{first.questions} questions, {first.authors} authors"
    return "\n".join([*head, *rows, "", f"{of}; {first.backend} is the baseline."])


@dg.asset(
    deps=[dg.AssetKey(f"{backend}_index") for backend in BACKENDS],
    group_name="quality",
    kinds={"python"},
    owners=["team:ml"],
    code_version="1",
    check_specs=[
        dg.AssetCheckSpec(
            "no_worse_than_before",
            asset="retrieval_quality",
            description="No figure lies below the 95 % interval of the index version before.",
        )
    ],
)
def retrieval_quality(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[TwinSettings]
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads it bare only
    """Titles and headings asked of the index that answers: recall@3 and MRR@10, over time."""
    store = create_store(settings.index, settings)
    twin = Twin(settings, Catalog(context.instance, store))
    served = twin.catalog.served(embedder_for(settings).weights_sha256)
    versions = {partition.author.slug: partition.version for partition in served.partitions}
    documents = [
        document
        for author, version in versions.items()
        for document in store.read(author, version).documents
    ]
    now = measure_quality(twin.retriever, documents, versions)
    before = _measured_before(context.instance)
    earlier = baseline(now, before)
    worse = regressions(now, earlier) if earlier else []
    judged = f"compared with {earlier.at}" if earlier else "there is nothing to compare with yet"
    return dg.MaterializeResult(
        metadata={
            "history": dg.MetadataValue.md(history_image([*reversed(before), now])),
            **{name: figure.mean for name, figure in now.figures.items()},
            "questions": now.questions,
            "missed": table([{"question": question} for question in now.missed]),
            "measured": dg.MetadataValue.json(now.as_json()),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="no_worse_than_before",
                passed=not worse,
                description="; ".join(worse) or judged,
            )
        ],
    )


def _measured_before(instance: dg.DagsterInstance) -> list[Quality]:
    """Return earlier measurements, newest first."""
    records = instance.fetch_materializations(
        dg.AssetKey("retrieval_quality"), limit=_HISTORY
    ).records
    events = [record.asset_materialization for record in records]
    values = [event.metadata["measured"].value for event in events if event]
    return [Quality.of_json(value) for value in values if isinstance(value, dict)]


def build_definitions(settings: TwinSettings) -> dg.Definitions:
    """Return the definitions for these settings."""
    return dg.Definitions(
        assets=[index_comparison, retrieval_quality],
        resources={"settings": settings},
        executor=dg.in_process_executor,
    )


defs = build_definitions(load_settings())
