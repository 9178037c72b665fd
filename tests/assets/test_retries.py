"""A step whose server did not answer is tried again, and then its run, and no others are."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing

import dagster as dg
import pytest
from builders import raw_document
from dagster._core.storage.tags import WILL_RETRY_TAG
from pydantic import SecretStr

from twin_assets import checks
from twin_assets.assets import patience
from twin_assets.assets.failures import failed_authors
from twin_assets.assets.materialize import AuthorRun, Outcome, author_asset
from twin_assets.assets.provenance import materializations
from twin_assets.definitions import build_definitions
from twin_assets.documents import Author, Chunk, CleanedDocument
from twin_assets.errors import StorageError, StorageUnavailableError
from twin_assets.gate import Verdict
from twin_assets.partitions import JOB, range_tags, register_authors
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings

RETRY, FAILURE = dg.DagsterEventType.STEP_UP_FOR_RETRY, dg.DagsterEventType.STEP_FAILURE


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_PAUSE", 0.0)


def run(instance: dg.DagsterInstance, work: Callable[[str], None]) -> tuple[Counter[object], str]:
    """Materialize an asset of two authors; return how often what happened, and the run."""

    @author_asset(group="collect", kinds=set(), team="data", code_version="1")
    def words(context: dg.AssetExecutionContext) -> dg.Output[None]:
        def make(author: str, _: object) -> Outcome:
            work(author)
            return Outcome("1", {})

        return AuthorRun(context, lambda *_: True).materialize(make)

    register_authors(instance, ["ada", "bob"])
    result = dg.materialize(
        [words], instance=instance, tags=range_tags(["ada", "bob"]), raise_on_error=False
    )
    return Counter(event.event_type for event in result.all_events), result.run_id


def is_run_again(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.tags[WILL_RETRY_TAG] == "true"


@pytest.mark.postgres_too
def test_it_goes_on_with_those_who_are_left(instance: dg.DagsterInstance) -> None:
    calls: list[str] = []

    def work(author: str) -> None:
        calls.append(author)
        if calls.count("bob") in (1, 2) and author == "bob":
            raise StorageUnavailableError("The raw store does not answer.")

    happened, run_id = run(instance, work)
    assert (happened[RETRY], happened[FAILURE]) == (2, 0)
    assert calls == ["ada", "bob", "bob", "bob"]
    for author in ("ada", "bob"):
        assert [m.run_id for m in materializations(instance, "words", author, limit=9)] == [run_id]


@pytest.mark.postgres_too
def test_it_gives_up_and_says_who_failed_and_its_run_follows(
    instance: dg.DagsterInstance,
) -> None:
    def work(author: str) -> None:
        if author == "bob":
            raise StorageUnavailableError("The raw store does not answer.")

    happened, run_id = run(instance, work)
    assert (happened[RETRY], happened[FAILURE]) == (3, 1)
    assert failed_authors(instance, run_id) == {"bob": "The raw store does not answer."}
    assert is_run_again(instance, run_id)


@pytest.mark.parametrize("error", [StorageError("The disk is full."), ValueError("a bug")])
def test_nothing_else_is_tried_again(instance: dg.DagsterInstance, error: Exception) -> None:
    def work(author: str) -> None:
        raise error

    happened, run_id = run(instance, work)
    assert (happened[RETRY], happened[FAILURE]) == (0, 1)
    assert failed_authors(instance, run_id).keys() == {"ada", "bob"}
    assert not is_run_again(instance, run_id)


def test_a_raw_store_that_is_away_is_waited_for(
    settings: TwinSettings, instance: dg.DagsterInstance, unused_port: int
) -> None:
    link = f"mongodb://127.0.0.1:{unused_port}/twin?serverSelectionTimeoutMS=50"
    away = settings.model_copy(update={"raw_store": SecretStr(link)})
    register_authors(instance, ["ada"])
    job = build_definitions(away).resolve_job_def(JOB)
    result = job.execute_in_process(
        instance=instance, tags=range_tags(["ada"]), raise_on_error=False
    )
    happened = Counter(event.event_type for event in result.all_events)
    assert (happened[RETRY], happened[FAILURE]) == (3, 1)
    assert is_run_again(instance, result.run_id)


@pytest.mark.parametrize(("away", "counts"), [(2, (2, 0)), (99, (3, 1))])
def test_a_check_that_gets_no_answer_refuses_nobody(
    settings: TwinSettings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    away: int,
    counts: tuple[int, int],
) -> None:
    judge, asked = checks.chunks_cover_text, []

    def unanswered(documents: Sequence[CleanedDocument], passages: Sequence[Chunk]) -> Verdict:
        asked.append(documents[0].author)
        if documents[0].author == "bob" and asked.count("bob") <= away:
            raise StorageUnavailableError("The bucket does not answer.")
        return judge(documents, passages)

    monkeypatch.setattr(checks, "chunks_cover_text", unanswered)
    authors = ["ada", "bob"]
    with closing(open_raw_store(settings)) as store:
        for author in authors:
            store.put_author(Author(author, author.title()))
            text = f"The words of {author} about bread and ovens. " * 3
            store.upsert([raw_document(f"https://example.com/{author}", text, author=author)])
    register_authors(instance, authors)
    job = build_definitions(settings).resolve_job_def(JOB)
    result = job.execute_in_process(
        instance=instance, tags=range_tags(authors), raise_on_error=False
    )
    happened = Counter(event.event_type for event in result.all_events)
    assert (happened[RETRY], happened[FAILURE]) == counts
    assert failed_authors(instance, result.run_id) == {}
    assert result.success or is_run_again(instance, result.run_id)
