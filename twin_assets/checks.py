"""The gate's verdicts as blocking asset checks, one a stage, partitioned by author."""

import warnings
from collections.abc import Callable

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from twin_assets.artifacts import artifact_path, is_readable, read_rows, read_vectors
from twin_assets.assets import INDEXES, chunks, embeddings, windows
from twin_assets.assets.provenance import (
    INDEX_VERSION,
    INPUT_DATA_VERSION,
    Materialization,
    materializations,
    naming_version,
)
from twin_assets.assets.verdicts import INDEX_CHECK
from twin_assets.documents import Chunk, CleanedDocument, Window
from twin_assets.errors import TwinError
from twin_assets.gate import (
    Verdict,
    chunks_cover_text,
    index_holds_windows,
    index_is_whole,
    vectors_are_sound,
    windows_hold_every_token,
)
from twin_assets.model_folder import find_model, load_tokenizer
from twin_assets.partitions import authors
from twin_assets.settings import TwinSettings
from twin_assets.stores import VectorStore, create_store

Judge = Callable[[str, TwinSettings], Verdict]
Judged = tuple[Materialization | None, Verdict]  # what a verdict is about, and the verdict
# Verdicts on an author's partition; the last is about the latest materialization.
Verdicts = Callable[[dg.DagsterInstance, str, TwinSettings], list[Judged]]


def judge_chunks(author: str, settings: TwinSettings) -> Verdict:
    """Judge the author's chunks at rest."""
    folder = settings.artifacts_path
    documents = read_rows(artifact_path(folder, "cleaned_documents", author), CleanedDocument)
    return chunks_cover_text(documents, read_rows(artifact_path(folder, "chunks", author), Chunk))


def judge_windows(author: str, settings: TwinSettings) -> Verdict:
    """Judge the author's windows at rest."""
    folder = settings.artifacts_path
    model = find_model(settings.embedding_model)
    return windows_hold_every_token(
        read_rows(artifact_path(folder, "chunks", author), Chunk),
        read_rows(artifact_path(folder, "windows", author), Window),
        load_tokenizer(model.path),
        model.max_tokens,
    )


def judge_vectors(author: str, settings: TwinSettings) -> Verdict:
    """Judge the author's vectors at rest."""
    folder = settings.artifacts_path
    ids, vectors = read_vectors(artifact_path(folder, "embeddings", author))
    return vectors_are_sound(
        read_rows(artifact_path(folder, "windows", author), Window), ids, vectors
    )


def of_files(asset: str, judge: Judge) -> Verdicts:
    """Return what judges an author's files at rest."""

    def verdicts(instance: dg.DagsterInstance, author: str, settings: TwinSettings) -> list[Judged]:
        try:
            verdict = judge(author, settings)
        except TwinError as error:
            verdict = Verdict(False, str(error))
        latest = materializations(instance, asset, author)
        return [(latest[0] if latest else None, verdict)]

    return verdicts


def of_versions(backend: str) -> Verdicts:
    """Return what judges an author's served version in the backend, and the latest one."""

    def verdicts(instance: dg.DagsterInstance, author: str, settings: TwinSettings) -> list[Judged]:
        index = f"{backend}_index"
        latest = materializations(instance, index, author)
        if not latest:
            return [(None, Verdict(False, "no index version is materialized"))]
        store = create_store(backend, settings)
        served = store.serving(author)
        if served is not None and served != latest[0].tags.get(INDEX_VERSION):
            voucher = naming_version(instance, index, author, served)
            latest = [voucher, *latest] if voucher else latest
        return [(made, _judge_version(instance, store, made, settings)) for made in latest]

    return verdicts


def _judge_version(
    instance: dg.DagsterInstance, store: VectorStore, made: Materialization, settings: TwinSettings
) -> Verdict:
    """Judge the version that the materialization names, on the vectors that it was made from."""
    author, version = made.author, made.tags.get(INDEX_VERSION, "")
    made_from = made.tags.get(INPUT_DATA_VERSION + "embeddings")
    at_rest = [m.data_version for m in materializations(instance, "embeddings", author)]
    path = artifact_path(settings.artifacts_path, "embeddings", author)
    try:
        if made_from in at_rest and is_readable(path):
            return index_holds_windows(store, author, version, *read_vectors(path))
        return index_is_whole(store, author, version)
    except TwinError as error:
        return Verdict(False, str(error))


def _check(
    asset: dg.AssetsDefinition, name: str, judge: Verdicts, description: str
) -> dg.AssetChecksDefinition:
    def evaluation(
        author: str, made: Materialization | None, verdict: Verdict
    ) -> dg.AssetCheckEvaluation:
        return dg.AssetCheckEvaluation(
            asset_key=asset.key,
            check_name=name,
            passed=verdict.passed,
            description=verdict.reason,
            metadata=dict(verdict.numbers),
            partition=author,
            blocking=True,
            target_materialization_data=_target(made),
        )

    def check(
        context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[TwinSettings]
    ) -> dg.AssetCheckResult:
        op = context.op_execution_context
        latest: dict[str, Verdict] = {}
        for author in op.partition_keys:
            *earlier, (made, latest[author]) = judge(op.instance, author, settings)
            for target, verdict in earlier:  # of a run, Dagster keeps one verdict an author
                op.instance.report_runless_asset_event(evaluation(author, target, verdict))
            # Of a run over a range of authors, even of one, Dagster keeps one result that belongs
            # to no partition; each author gets a verdict of his own here.
            op.log_event(evaluation(author, made, latest[author]))  # type: ignore[arg-type]  # its hint lacks what it takes
        failed = [f"{author}: {v.reason}" for author, v in latest.items() if not v.passed]
        only = next(iter(latest.values())) if len(latest) == 1 else None
        return dg.AssetCheckResult(
            passed=not failed,
            description="; ".join(failed) or (only.reason if only else "all authors pass"),
            metadata=dict(only.numbers) if only else {"authors": len(latest)},
        )

    with warnings.catch_warnings():
        # Partitioned checks are in preview in Dagster 1.13; a verdict an author needs them.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        decorate = dg.asset_check(
            asset=asset,
            name=name,
            description=description,
            partitions_def=authors,
            blocking=True,
        )
        return decorate(check)


def _target(made: Materialization | None) -> AssetCheckEvaluationTargetMaterializationData | None:
    """Return the materialization that a verdict is about, as Dagster names it."""
    if made is None:
        return None
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=made.storage_id, run_id=made.run_id, timestamp=made.timestamp
    )


CHECKS = (
    _check(
        chunks,
        "chunks_cover_text",
        of_files("chunks", judge_chunks),
        "Every character stands in some chunk.",
    ),
    _check(
        windows,
        "windows_hold_every_token",
        of_files("windows", judge_windows),
        "Every token stands in some window.",
    ),
    _check(
        embeddings,
        "vectors_are_sound",
        of_files("embeddings", judge_vectors),
        "Vectors are finite and of length 1.",
    ),
    *(
        _check(asset, INDEX_CHECK, of_versions(backend), "The index holds each window, unharmed.")
        for backend, asset in INDEXES.items()
    ),
)
