"""What Dagster's declarative automation requests after real runs, and what it leaves to others."""

import dagster as dg
import pytest
from builders import raw_document

from twin_assets import checks
from twin_assets.assets import chain
from twin_assets.definitions import build_definitions
from twin_assets.documents import Author
from twin_assets.gate import Verdict
from twin_assets.partitions import JOB, range_tags, register_authors
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings

pytestmark = pytest.mark.postgres_too

RAW, *FOLLOWERS = [asset.key.to_user_string() for asset in chain(["faiss"])]
BOTH = ("ada", "bob")


class Automation:
    """A home, what is run in it, and the ticks of the automation on it."""

    def __init__(self, settings: TwinSettings, instance: dg.DagsterInstance) -> None:
        self.settings = settings
        self.instance = instance
        self.definitions = build_definitions(settings)
        self._job = self.definitions.resolve_job_def(JOB)
        repository = self.definitions.get_repository_def()
        self._sensor = repository.get_sensor_def("follow_changed_inputs")
        self._cursor = None

    def write(self, author: str, text: str) -> None:
        store = open_raw_store(self.settings)
        store.put_author(Author(author, author.title()))
        store.upsert([raw_document(f"https://example.com/{author}", text, author=author)])
        store.close()

    def run(self, *authors: str, assets: list[str] | None = None) -> bool:
        register_authors(self.instance, authors)
        selection = [dg.AssetKey(name) for name in assets] if assets else None
        return self._job.execute_in_process(
            instance=self.instance,
            tags=range_tags(authors),
            asset_selection=selection,
            raise_on_error=False,
        ).success

    def tick(self) -> dict[str, set[str]]:
        """Return the authors that are requested, by asset, of those that the sensor sees to."""
        result = dg.evaluate_automation_conditions(
            self.definitions,
            self.instance,
            asset_selection=self._sensor.asset_selection,
            cursor=self._cursor,
        )
        self._cursor = result.cursor
        requested = {
            name: set(result.get_requested_partitions(dg.AssetKey(name))) for name in FOLLOWERS
        }
        return {name: authors for name, authors in requested.items() if authors}


@pytest.fixture
def automation(settings: TwinSettings, instance: dg.DagsterInstance, tiny: str) -> Automation:
    return Automation(settings.model_copy(update={"embedding_model": tiny}), instance)


@pytest.fixture
def built(automation: Automation) -> Automation:
    """Two authors were built in one run, and the automation has looked before and after."""
    automation.tick()
    for author in BOTH:
        automation.write(author, f"the words of {author} about bread and ovens.")
    assert automation.run(*BOTH)
    assert automation.tick() == {}
    return automation


def test_a_changed_document_flows_to_the_index_and_an_unchanged_one_stops(built: Automation):
    built.write("ada", "other words, about rye and about salt.")
    assert built.run(*BOTH, assets=[RAW])
    assert built.tick() == {asset: {"ada"} for asset in FOLLOWERS}
    assert built.tick() == {}  # what was requested is not requested again
    assert built.run("ada", assets=FOLLOWERS)
    assert built.tick() == {}


def test_it_stops_where_the_data_version_stops_changing(built: Automation):
    built.write("ada", "the words of ada about bread and ovens.   ")
    assert built.run("ada", assets=[RAW])
    assert built.tick().keys() == set(FOLLOWERS)
    assert built.run("ada", assets=["cleaned_documents"])  # the white space is cleaned away
    assert built.tick() == {}


def test_a_new_author_whose_raw_documents_alone_were_made_follows(built: Automation):
    built.write("cleo", "the words of cleo about ovens.")
    assert built.run("cleo", assets=[RAW])
    assert built.tick() == {asset: {"cleo"} for asset in FOLLOWERS}


def test_whoever_a_failed_run_took_along_is_left_to_the_other_sensor(built: Automation):
    built.write("ada", "   ")
    built.write("bob", "other words, about wires and waves.")
    assert not built.run(*BOTH)
    assert built.tick() == {}


def test_a_run_in_progress_is_not_overtaken(built: Automation):
    built.write("ada", "other words, about rye and about salt.")
    assert built.run("ada", assets=[RAW])
    job = built.definitions.resolve_job_def(JOB)
    tags = range_tags(["ada"])
    run = built.instance.create_run_for_job(
        job,
        tags=tags,
        status=dg.DagsterRunStatus.STARTED,
        asset_selection=frozenset(dg.AssetKey(name) for name in FOLLOWERS),
    )
    assert built.tick() == {}
    built.instance.report_run_canceled(run)
    assert built.tick().keys() == set(FOLLOWERS)


def test_nothing_is_made_of_what_a_check_refused(
    built: Automation, monkeypatch: pytest.MonkeyPatch
):
    refusal = Verdict(False, "an invented fault")
    monkeypatch.setattr(checks, "chunks_cover_text", lambda *_: refusal)
    built.write("ada", "other words, about rye and about salt.")
    assert not built.run("ada", assets=[RAW, "cleaned_documents", "chunks"])
    assert built.tick() == {}
