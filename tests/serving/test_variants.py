"""The same twin with earlier versions, another index, or no language model."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from app_servers import SERVED
from dagster_services import CUT, build_home, settings_of

from twin_assets.errors import BadInputError, NothingServedError
from twin_serving.catalog import open_catalog
from twin_serving.cli.launch import build
from twin_serving.twin import Twin
from twin_serving.variants import Variant, Variants

pytestmark = SERVED


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """Two authors, of whom Ada has an earlier version."""
    settings = settings_of(tmp_path_factory.mktemp("variants") / "home")
    build_home(settings, {"ada": "Ada", "bob": "Bob"})
    catalog = open_catalog(settings)
    with catalog.instance:
        cut = settings.model_copy(update=CUT)
        assert build(cut, catalog.instance, ["ada"], lambda event: None).built == ["ada"]
        yield Twin(settings, catalog)


def served(twin: Twin) -> dict[str, str]:
    return {part.author.slug: part.version for part in twin.catalog.served().partitions}


def test_one_version_answers_for_its_author_and_the_others_as_now(twin: Twin) -> None:
    now, variants = served(twin), Variants(twin)
    newest, first = (manifest.version for manifest in twin.catalog.store.versions("ada"))
    assert now["ada"] == newest
    earlier = variants.get(Variant.of("faiss", f" {first} ", use_llm=True))
    assert served(earlier) == {"ada": first, "bob": now["bob"]}
    assert variants.get(Variant("faiss", version=first)) is earlier
    assert served(variants.get(Variant.of("faiss", "", use_llm=True))) == now


def test_a_date_has_all_versions_of_then_answer(twin: Twin) -> None:
    newest, first = twin.catalog.store.versions("ada")
    then = datetime.fromisoformat(newest.created_at) - timedelta(milliseconds=1)
    earlier = Variants(twin).get(Variant.of("faiss", then.isoformat(), use_llm=True))
    assert served(earlier) == served(twin) | {"ada": first.version}
    assert Variant.of("faiss", "2026-05-31", use_llm=True).as_of == datetime(
        2026, 5, 31, 23, 59, 59, 999_999, UTC
    )


def test_a_version_that_may_not_be_served_is_not_replaced_by_another(twin: Twin) -> None:
    store = twin.catalog.store
    unvouched = store.publish(store.read("bob", store.serving("bob"))).version
    with pytest.raises(NothingServedError, match=f"vouches for the version {unvouched} of bob"):
        served(Variants(twin).get(Variant("faiss", version=unvouched)))


def test_what_is_neither_a_date_nor_a_version_is_one_line(twin: Twin) -> None:
    with pytest.raises(BadInputError, match="'last week' is neither an ISO 8601 date"):
        Variants(twin).get(Variant.of("faiss", "last week", use_llm=True))


def test_a_variant_asks_no_language_model_where_that_is_said(twin: Twin) -> None:
    configured = {"llm": "openai", "openai_url": "http://127.0.0.1:9"}
    variants = Variants(Twin(twin.settings.model_copy(update=configured), twin.catalog))
    assert variants.get(Variant("faiss")).model is not None
    assert variants.get(Variant("faiss", use_llm=False)).model is None
