"""What is stale, as Dagster's UI computes it and as `twin status` does: no more, no less."""

from collections.abc import Iterator
from contextlib import closing

import dagster as dg
import pytest
from builders import raw_document
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest
from tiny_model import build_tiny_model

from twin_assets.assets import chain
from twin_assets.definitions import build_definitions
from twin_assets.documents import Author
from twin_assets.partitions import JOB, range_tags, register_authors
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings, load_settings
from twin_serving.catalog import open_instance
from twin_serving.cli.plan import plan_build

ASSETS = [asset.key for asset in chain(["faiss"])]
TEXT = "the fox jumps over the lazy dog, and the quick brown dog sleeps. " * 20


def write(settings: TwinSettings, text: str) -> None:
    with closing(open_raw_store(settings)) as store:
        store.put_author(Author("ada", "Ada"))
        store.upsert([raw_document(text=text)])


def run(settings: TwinSettings, instance: dg.DagsterInstance, *names: str) -> None:
    job = build_definitions(settings).resolve_job_def(JOB)
    chosen = [dg.AssetKey(name) for name in names] or None
    assert job.execute_in_process(
        instance=instance, tags=range_tags(["ada"]), asset_selection=chosen
    ).success


def in_the_ui(settings: TwinSettings, instance: dg.DagsterInstance) -> dict[str, str]:
    """Return the stale assets of the author with the reasons that the UI shows."""
    graph = build_definitions(settings).resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    causes = {key: resolver.get_stale_causes(key, "ada") for key in ASSETS}
    return {
        key.to_user_string(): "; ".join(cause.reason for cause in of)
        for key, of in causes.items()
        if of
    }


def first_in_ours(settings: TwinSettings, instance: dg.DagsterInstance) -> str | None:
    (plan,) = plan_build(settings, instance, [])
    return plan.stale.asset if plan.stale else None


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The folders of two small models."""
    folder = tmp_path_factory.mktemp("models")
    for seed in (0, 1):
        build_tiny_model(folder / f"tiny-{seed}", seed=seed)
    return [str(folder / "tiny-0"), str(folder / "tiny-1")]


@pytest.fixture(scope="module")
def built(
    models: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TwinSettings, dg.DagsterInstance]]:
    """A home with one author built. Shared: tests only read it."""
    home = tmp_path_factory.mktemp("built") / "home"
    settings = load_settings(
        home=home, embedding_model=models[0], embedding_precision="float32", _env_file=None
    )
    write(settings, TEXT)
    with open_instance(settings) as instance:
        register_authors(instance, ["ada"])
        run(settings, instance)
        yield settings, instance


@pytest.mark.parametrize(
    ("change", "stale"),
    [
        ({}, []),
        ({"article_chunk_characters": 700}, ["chunks"]),
        ({"post_chunk_tokens": 100}, ["chunks"]),
        ({"repository_chunk_overlap": 10}, ["chunks"]),
        ({"window_overlap": 3}, ["windows"]),
        ({"embedding_precision": "bfloat16"}, ["embeddings"]),
        ({"embedding_model": 1}, ["chunks", "windows", "embeddings"]),
        ({"keep_versions": 2}, []),
        ({"context_tokens": 999}, []),
    ],
    ids=str,
)
def test_a_setting_makes_stale_what_depends_on_it(built, models, change, stale):
    settings, instance = built
    if "embedding_model" in change:
        change = {"embedding_model": models[1]}
    changed = settings.model_copy(update=change)
    assert in_the_ui(changed, instance) == dict.fromkeys(stale, "has a new code version")
    assert first_in_ours(changed, instance) == (stale[0] if stale else None)


def test_a_change_goes_as_far_as_data_versions_change(
    models: list[str], settings: TwinSettings, instance: dg.DagsterInstance
) -> None:
    settings = settings.model_copy(update={"embedding_model": models[0]})
    write(settings, TEXT)
    register_authors(instance, ["ada"])
    run(settings, instance)

    write(settings, TEXT + "  \n")  # what cleaning takes away
    run(settings, instance, "raw_documents")
    reason = "has a new dependency data version"
    assert in_the_ui(settings, instance) == {"cleaned_documents": reason}
    assert first_in_ours(settings, instance) == "cleaned_documents"
    run(settings, instance, "cleaned_documents")
    assert in_the_ui(settings, instance) == {}
    assert first_in_ours(settings, instance) is None

    write(settings, TEXT + "and the fox.")
    run(settings, instance, "raw_documents", "cleaned_documents")
    assert in_the_ui(settings, instance) == {"chunks": reason, "faiss_index": reason}
    run(settings, instance, "chunks", "windows", "embeddings", "faiss_index")
    assert in_the_ui(settings, instance) == {}
