"""How authors stand altogether, read again only where something happened."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from app_servers import SERVED
from dagster_services import CUT, build_home, settings_of
from faults import flip

from twin_assets.assets import provenance
from twin_assets.settings import TwinSettings
from twin_serving.catalog import Catalog, open_catalog
from twin_serving.cli.launch import build
from twin_serving.overview import Overview, State
from twin_serving.rollback import roll_back

pytestmark = SERVED


@pytest.fixture
def settings(tmp_path: Path) -> TwinSettings:
    settings = settings_of(tmp_path / "home")
    build_home(settings, {"ada": "Ada", "bob": "Bob"})
    return settings


@pytest.fixture
def catalog(settings: TwinSettings) -> Iterator[Catalog]:
    catalog = open_catalog(settings)
    with catalog.instance:
        yield catalog


def test_states_follow_what_happens_and_only_that_is_read(
    settings: TwinSettings, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, read = provenance._read, []

    def counted(serialized: str) -> object:
        read.append(serialized)
        return reading(serialized)

    overview = Overview(settings, catalog.instance, catalog.store)
    monkeypatch.setattr(provenance, "_read", counted)
    assert overview.states() == {"ada": State.CURRENT, "bob": State.CURRENT}
    assert len(read) == 2 * len(overview.assets)
    catalog.instance.report_runless_asset_event(
        dg.AssetMaterialization("chunks", partition="bob", tags={"dagster/data_version": "other"})
    )
    assert overview.states() == {"ada": State.CURRENT, "bob": State.STALE}
    (newer,) = read[2 * len(overview.assets) :]
    assert '"chunks"' in newer


def test_a_row_says_what_its_author_serves_and_which_versions_may_be(
    settings: TwinSettings, catalog: Catalog
) -> None:
    cut = settings.model_copy(update=CUT)
    assert build(cut, catalog.instance, ["ada"], lambda event: None).built == ["ada"]
    overview = Overview(cut, catalog.instance, catalog.store)
    (row,) = overview.read(["ada"])
    newest, first = row.versions
    assert (row.state, row.stale, row.served) == (State.CURRENT, None, newest)
    assert [asset.passed for asset in row.assets] == [None, None, True, True, True, True]
    assert [asset.doubts for asset in row.assets] == [()] * 6
    assert all(asset.run_id and asset.materialized_at for asset in row.assets)
    assert overview.details(row).refused == {}

    done = roll_back(catalog.instance, catalog.store, "Ada", first.version)
    assert (done.before, done.serves) == (newest.version, first.version)
    folder = settings.indexes_path / "faiss" / "ada" / "versions" / newest.version
    flip(folder / "article_chunks_embedded.npy")
    (row,) = overview.read(["ada"])
    assert (row.served, row.pinned) == (first, True)
    assert "does not match its checksum" in overview.details(row).refused[newest.version]


def test_an_author_of_whom_nothing_was_built_is_missing(
    settings: TwinSettings, catalog: Catalog
) -> None:
    catalog.instance.wipe_assets(
        [dg.AssetKey(asset) for asset in Overview(settings, catalog.instance, catalog.store).assets]
    )
    overview = Overview(settings, catalog.instance, catalog.store)
    assert set(overview.states().values()) == {State.MISSING}
    (row,) = overview.read(["bob"])
    assert {asset.state for asset in row.assets} == {State.MISSING}
    assert (row.stale.reason if row.stale else None) == "never materialized"
