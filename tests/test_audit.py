"""The audit trail: a row a question, kept as long as was said, gone when an author is."""

import json
import multiprocessing
import sqlite3
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from chat_servers import ChatServer, Refused, running_chat
from retrieving import events_of

from twin_assets.errors import BadInputError, StorageError
from twin_serving import audit
from twin_serving.answering import Piece
from twin_serving.audit import AuditEntry, AuditLog, Feedback, entry_dict, open_audit_log
from twin_serving.governance import Verdict
from twin_serving.llm import guarded
from twin_serving.retrieval import RetrievalOptions
from twin_serving.twin import Twin

QUESTION = "What does Mara Lindqvist say about rye?"


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "home" / "audit.db", keep_days=30)


def entry(name: str, days_ago: float = 0, **more) -> AuditEntry:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return AuditEntry(name, at.isoformat(timespec="milliseconds"), "cli", f"Why {name}?", **more)


def test_rows_come_back_newest_first(log: AuditLog) -> None:
    full = entry(
        "b",
        author="ada",
        authors=("ada", "bob"),
        backend="faiss",
        versions={"ada": "v1"},
        stages={"search": 0.25},
        seconds=0.5,
        searched="Why b, of ada?",
        chunk_ids=("1", "2"),
        cited=("d1",),
        provider="tgi",
        model="tiny",
        prompt_tokens=10,
        answer_tokens=3,
        answer="Därför [1].",
        compliant=False,
        policy_reason="too long",
    )
    for one in (entry("a", 2), full, entry("c", 1)):
        log.record(one)
    assert [one.id for one in log.entries()] == ["b", "c", "a"]
    assert next(log.entries()) == full
    assert [one.id for one in log.entries(limit=2)] == ["b", "c"]
    assert [one.id for one in log.entries(author="bob")] == ["b"]
    assert json.loads(json.dumps(entry_dict(full)))["versions"] == {"ada": "v1"}


def test_feedback_takes_the_place_of_what_was_said_before(log: AuditLog) -> None:
    log.record(entry("a"))
    log.give_feedback("a", Feedback("down", "wrong"))
    log.give_feedback("a", Feedback("up", source="https://example.com/a"))
    (one,) = log.entries()
    assert one.feedback == Feedback("up", None, "https://example.com/a")
    with pytest.raises(BadInputError, match="TWIN_AUDIT_DAYS"):
        log.give_feedback("none", Feedback("up"))


def test_the_judged_questions_are_found(log: AuditLog) -> None:
    for name in "abcd":
        log.record(entry(name, authors=("ada",) if name == "a" else ()))
    log.give_feedback("a", Feedback("up"))
    log.give_feedback("b", Feedback("down", source="https://example.com/b"))
    log.give_feedback("c", Feedback(comment="says neither"))
    assert {one.id for one in log.entries(judged=True)} == {"a", "b"}
    assert [one.id for one in log.entries(author="ada", judged=True)] == ["a"]


def test_old_rows_go(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.record(entry("a", 29))
    log.record(entry("old", 31, author="ada"))
    assert {one.id for one in log.entries()} == {"a", "old"}  # looked at once an hour
    monkeypatch.setattr(audit, "_PRUNE_SECONDS", -1.0)
    log.record(entry("new"))
    assert {one.id for one in log.entries()} == {"a", "new"}
    assert log.traces("ada") == 0


def test_an_author_is_forgotten_to_the_last_byte(log: AuditLog, tmp_path: Path) -> None:
    log.record(entry("a", author="ada", authors=("ada",), answer="the cinnamon secret"))
    log.record(entry("b", authors=("bob", "ada"), answer="another cinnamon secret"))
    log.record(entry("c", author="bob", answer="of bob"))
    assert log.traces("ada") == 2
    log.forget("ada")
    assert log.traces("ada") == 0
    assert [one.id for one in log.entries()] == ["c"]
    files = list((tmp_path / "home").iterdir())
    assert files
    assert not [path for path in files if b"cinnamon" in path.read_bytes()]


def test_no_trail_is_no_trace(log: AuditLog, tmp_path: Path) -> None:
    assert log.traces("ada") == 0
    log.forget("ada")
    assert list(tmp_path.iterdir()) == []


def _write(path: str, name: str, count: int) -> None:
    log = AuditLog(Path(path), 30)
    for n in range(count):
        log.record(entry(f"{name}-{n}"))


def test_several_processes_write_at_once(log: AuditLog, tmp_path: Path) -> None:
    path = str(tmp_path / "home" / "audit.db")
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(path, name, 50)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(list(log.entries())) == 100


def test_a_file_that_is_no_database_is_one_line(log: AuditLog, tmp_path: Path) -> None:
    path = tmp_path / "home" / "audit.db"
    path.parent.mkdir()
    path.write_bytes(b"garbage" * 1000)
    with pytest.raises(StorageError, match="TWIN_AUDIT=false"):
        log.record(entry("a"))


def twin_of(sample_home, tmp_path: Path, **changes) -> tuple[Twin, AuditLog]:
    twin = Twin(sample_home.model_copy(update=changes))
    twin.audit = AuditLog(tmp_path / "audit.db", 30)
    return twin, twin.audit


def test_every_question_is_a_row(sample_home, tmp_path: Path) -> None:
    twin, log = twin_of(sample_home, tmp_path)
    answer = twin.ask(QUESTION, RetrievalOptions(), through="test")
    (row,) = log.entries()
    assert (row.id, row.through, row.question) == (answer.id, "test", QUESTION)
    assert row.author == "mara-lindqvist"
    assert row.authors == ("mara-lindqvist",)
    assert row.searched is None
    cited = [citation.passage.candidate.document.document_id for citation in answer.citations]
    assert row.cited == tuple(dict.fromkeys(cited)) != ()
    assert row.backend == "faiss"
    assert list(row.versions) == ["mara-lindqvist"]
    assert list(row.stages) == [stage.stage for stage in answer.trace]
    assert row.seconds >= sum(row.stages.values())
    found = [chunk_id for p in answer.retrieval.passages for chunk_id in p.chunk_ids]
    assert list(row.chunk_ids) == found
    assert (row.provider, row.model, row.prompt_tokens) == ("extractive", None, None)
    assert row.answer == answer.text
    assert (row.fault, row.compliant, row.feedback) == (None, True, None)


def test_passages_that_were_asked_for_alone_are_a_row(sample_home, tmp_path: Path) -> None:
    twin, log = twin_of(sample_home, tmp_path)
    retrieval = twin.retrieve(QUESTION, RetrievalOptions(), through="test")
    with pytest.raises(BadInputError):
        twin.retrieve("Why?", RetrievalOptions(author="nobody"))
    refused, row = log.entries()
    assert "nobody" in (refused.fault or "")
    assert (row.through, row.question, row.author) == ("test", QUESTION, "mara-lindqvist")
    assert list(row.stages) == [stage.stage for stage in retrieval.trace]
    assert list(row.chunk_ids) == [id_ for p in retrieval.passages for id_ in p.chunk_ids]
    assert (row.provider, row.answer, row.compliant, row.fault) == (None, "", None, None)


def test_a_question_that_fails_is_a_row_too(sample_home, tmp_path: Path) -> None:
    twin, log = twin_of(sample_home, tmp_path)
    with pytest.raises(BadInputError):
        twin.ask("Why?", RetrievalOptions(author="nobody"))
    with pytest.raises(BadInputError, match="characters"):
        twin.ask("why " * 100_000, RetrievalOptions())
    endless, row = log.entries()
    assert "nobody" in (row.fault or "")
    assert row.answer == ""
    assert len(endless.question) == 4000


def test_a_model_s_answer_is_recorded_with_its_tokens_and_the_verdict(
    sample_home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "_PAUSE_SECONDS", 0.01)
    with running_chat(ChatServer(lambda request: "Write to ada@example.com [1].")) as server:
        twin, log = twin_of(sample_home, tmp_path, llm="openai", openai_url=server.url)
        options = RetrievalOptions(use_llm=False, phrasings=1)
        answer = twin.ask(QUESTION, options)
        assert answer.verdict == Verdict(False, "personal data: an e-mail address")

        def refuse(request: dict) -> str:
            raise Refused(500)

        server.reply = refuse
        failed = twin.ask(QUESTION, options)
    fault, row = log.entries()
    assert (row.provider, row.model) == ("openai", "tiny")
    assert (row.prompt_tokens, row.answer_tokens) == (2, 4)
    assert (row.compliant, row.policy_reason) == (False, "personal data: an e-mail address")
    assert (fault.provider, fault.model) == ("openai", "tiny")
    assert fault.fault == failed.fault
    assert "answers 500" in (fault.fault or "")
    assert fault.chunk_ids == row.chunk_ids


def test_a_policy_that_fails_is_a_verdict(sample_home, tmp_path: Path, caplog) -> None:
    twin, log = twin_of(sample_home, tmp_path)

    def broken(question: str, answer: str) -> Verdict:
        raise ZeroDivisionError

    twin._policy = broken
    assert twin.ask(QUESTION, RetrievalOptions()).text
    (row,) = log.entries()
    assert (row.compliant, row.policy_reason) == (False, "the policy failed (ZeroDivisionError)")


def test_a_policy_that_returns_something_else_is_one_that_failed(sample_home, tmp_path) -> None:
    twin, log = twin_of(sample_home, tmp_path)
    twin._policy = lambda question, answer: True
    assert not twin.ask(QUESTION, RetrievalOptions()).verdict.compliant
    (row,) = log.entries()
    assert row.policy_reason == "the policy failed (TypeError)"


def test_a_trail_that_cannot_be_written_costs_the_row_not_the_answer(
    sample_home, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    twin, _ = twin_of(sample_home, tmp_path)
    (tmp_path / "audit.db").mkdir()
    *_, answer = events_of(twin, QUESTION)
    assert answer.text
    assert "TWIN_AUDIT=false" in caplog.text


def test_a_fault_that_nobody_foresaw_is_a_row_without_its_details(sample_home, tmp_path: Path):
    twin, log = twin_of(sample_home, tmp_path)

    class Broken:
        provider = "broken"

        async def stream(self, retrieval, history):
            yield Piece("First.")
            raise ZeroDivisionError("a secret detail")

    twin.answerer = Broken()
    with pytest.raises(ZeroDivisionError):
        twin.ask(QUESTION, RetrievalOptions())
    (row,) = log.entries()
    assert (row.fault, row.answer) == ("a fault of the program (ZeroDivisionError)", "First.")
    assert (row.provider, row.compliant) == ("broken", True)


def test_what_was_said_until_the_asker_left_is_judged(sample_home, tmp_path: Path) -> None:
    with running_chat(ChatServer(lambda request: "Write to ada@example.com " * 99)) as server:
        twin, log = twin_of(sample_home, tmp_path, llm="openai", openai_url=server.url)

        async def leave() -> None:
            options = RetrievalOptions(use_llm=False, phrasings=1)
            async with aclosing(twin.stream(QUESTION, options)) as answering:
                async for event in answering:
                    if isinstance(event, Piece) and "@" in event.text:
                        return

        anyio.run(leave)
    (row,) = log.entries()
    assert "left" in (row.fault or "")
    assert (row.provider, row.model) == ("openai", "tiny")
    assert (row.compliant, row.policy_reason) == (False, "personal data: an e-mail address")


def test_a_listener_that_fails_costs_nothing_else(sample_home, tmp_path: Path, caplog) -> None:
    twin, log = twin_of(sample_home, tmp_path)

    def broken(entry: AuditEntry) -> None:
        raise ZeroDivisionError

    twin.listeners.append(broken)
    assert twin.ask(QUESTION, RetrievalOptions()).text
    assert len(list(log.entries())) == 1
    assert "could not be reported" in caplog.text


def test_it_can_be_off(sample_home) -> None:
    twin = Twin(sample_home.model_copy(update={"audit": False}))
    before = len(list(open_audit_log(sample_home).entries()))
    assert twin.ask(QUESTION, RetrievalOptions()).text
    assert len(list(open_audit_log(sample_home).entries())) == before


def test_the_schema_is_strict(log: AuditLog, tmp_path: Path) -> None:
    log.record(entry("a"))
    with pytest.raises(StorageError):
        log.record(entry("a"))
    with sqlite3.connect(tmp_path / "home" / "audit.db") as database:
        assert database.execute("SELECT count(*) FROM questions").fetchone() == (1,)
    database.close()
