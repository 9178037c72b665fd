"""What the catalog says of versions that cannot be served, in each index backend."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import dagster as dg
import pytest
from builders import raw_document

from twin_assets.assets import provenance
from twin_assets.assets.provenance import INDEX_VERSION
from twin_assets.documents import Author
from twin_assets.embedding import embedder_for
from twin_assets.errors import NothingServedError
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings, load_settings
from twin_assets.stores import BACKENDS, create_store
from twin_serving.catalog import Catalog, open_instance
from twin_serving.cli.launch import build


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> TwinSettings:
    """A home with two authors in every index backend."""
    settings = load_settings(home=tmp_path_factory.mktemp("built") / "home", _env_file=None)
    with closing(open_raw_store(settings)) as store:
        for slug in ("ada", "bob"):
            store.put_author(Author(slug, slug.title()))
            link = f"https://example.com/{slug}"
            store.upsert([raw_document(link, "The harbour wall is white.", author=slug)])
    with open_instance(settings) as instance:
        assert not build(settings, instance, [], lambda event: None, indexes=BACKENDS).failed
    return settings


@pytest.fixture
def instance(built: TwinSettings) -> Iterator[dg.DagsterInstance]:
    with open_instance(built) as opened:
        yield opened


@pytest.mark.parametrize("backend", BACKENDS)
def test_versions_of_another_model_are_not_served_and_it_is_said(
    built: TwinSettings, instance: dg.DagsterInstance, backend: str
) -> None:
    model = embedder_for(built)
    catalog = Catalog(instance, create_store(backend, built))
    with pytest.raises(NothingServedError) as caught:
        catalog.served("1" * 64)
    assert str(caught.value) == " ".join(
        f"The index of {slug} was made with the model {model.folder.name}, which is not the "
        "configured one. Run `twin build`."
        for slug in ("ada", "bob")
    )
    served = catalog.served(model.weights_sha256)
    assert [part.author.slug for part in served.partitions] == ["ada", "bob"]
    assert served.faults == ()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_damaged_pointer_is_said_and_the_others_are_served_and_a_build_repairs_it(
    built: TwinSettings, instance: dg.DagsterInstance, backend: str
) -> None:
    (built.indexes_path / backend / "ada" / "serving.json").write_text("{")
    served = Catalog(instance, create_store(backend, built)).served()
    assert [part.author.slug for part in served.partitions] == ["bob"]
    assert served.faults == (
        "The serving pointer of ada cannot be read. Run `twin build --author ada`.",
    )
    assert build(built, instance, ["ada"], lambda event: None, indexes=[backend]).built == ["ada"]
    served = Catalog(instance, create_store(backend, built)).served()
    assert [part.author.slug for part in served.partitions] == ["ada", "bob"]


def test_what_was_published_since_is_read_and_nothing_else(
    built: TwinSettings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, read = provenance._read, []

    def counted(serialized: str) -> Any:
        read.append(serialized)
        return reading(serialized)

    monkeypatch.setattr(provenance, "_read", counted)
    store = create_store("faiss", built)
    opened = Catalog(instance, store)
    before = opened.served().partition("ada")
    assert (before is not None, len(read)) == (True, 2)  # both authors
    version = store.serving("ada")
    assert version is not None
    instance.report_runless_asset_event(
        dg.AssetMaterialization("faiss_index", partition="ada", tags={INDEX_VERSION: version})
    )
    opened._checked_at = float("-inf")  # as after ten seconds
    after = opened.served().partition("ada")
    assert len(read) == 3
    assert after is not None
    assert after != before


def test_who_asks_no_question_has_nothing_opened_anew(
    built: TwinSettings, instance: dg.DagsterInstance
) -> None:
    catalog = Catalog(instance, create_store("faiss", built))
    opened = catalog.served(embedder_for(built).weights_sha256)
    assert catalog.served() is opened


def test_an_author_who_was_rolled_back_is_served_however_often_he_is_crawled(
    built: TwinSettings, instance: dg.DagsterInstance
) -> None:
    store = create_store("faiss", built)
    first = store.serving("ada")
    assert first is not None
    latest = store.publish(store.read("ada", first)).version
    for _ in range(60):
        instance.report_runless_asset_event(
            dg.AssetMaterialization("faiss_index", partition="ada", tags={INDEX_VERSION: latest})
        )
    store.serve("ada", latest)
    store.roll_back("ada")
    served = Catalog(instance, store).served()
    part = served.partition("ada")
    assert part is not None
    assert part.version == first
    assert served.faults == ()
