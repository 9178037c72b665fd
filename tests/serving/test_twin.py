"""Questions to the built sample authors, from the catalog to the cited answer."""

import json
import threading
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest
from builders import raw_document
from chat_servers import ChatServer, running_chat
from retrieving import events_of

from twin_assets.documents import Author
from twin_assets.errors import BadInputError, NothingServedError
from twin_assets.raw_store import open_raw_store
from twin_serving.answering import Piece
from twin_serving.answers import Answer
from twin_serving.cli.launch import build
from twin_serving.retrieval import PRESETS, Rerank, Retrieval, RetrievalOptions, Search
from twin_serving.serialize import answer_dict, retrieval_dict
from twin_serving.twin import Twin

QUESTIONS = json.loads((Path(__file__).parent / "sample_questions.json").read_text("utf-8"))
STAGES = ["self_query", "expansion", "search", "rerank", "context", "generation"]


@pytest.fixture(scope="module")
def twin(sample_home) -> Twin:
    return Twin(sample_home)


def ask(twin: Twin, question: str, **options) -> Answer:
    return twin.ask(question, RetrievalOptions(**options))


def test_the_right_document_comes_first_for_most_questions_and_is_found_for_nearly_all(twin):
    first = found = 0
    for question in QUESTIONS:
        passages = twin.retrieve(question["question"], RetrievalOptions()).passages
        links = [passage.candidate.document.link for passage in passages]
        first += links[:1] == [question["link"]]
        found += question["link"] in links
    # 36 and 36 when this was written
    assert len(QUESTIONS) == 36
    assert first >= 34
    assert found == 36


def test_answers_differ_by_author(twin):
    question = "How do you measure heat loss?"
    texts = {
        author: ask(twin, question, author=author).text
        for author in ("mara-lindqvist", "tomas-okafor", "ines-carvalho")
    }
    assert len(set(texts.values())) == 3


@pytest.mark.parametrize(
    "question",
    [
        "Who won the chess olympiad in Budapest?",
        "What is the capital of Mongolia?",
        "How do I configure a Kubernetes ingress controller?",
        "Why does my neighbour's dog bark at trams?",
    ],
)
def test_a_question_about_nothing_here_is_not_answered(twin, question):
    answer = ask(twin, question)
    assert answer.text.startswith("Nothing fitting was found")
    assert answer.citations == ()
    assert answer.trace[-1].skipped


@pytest.mark.parametrize("search", Search)
def test_an_exact_word_that_the_model_never_learned_is_answered(search, settings, instance):
    texts = {
        "errors": "On some of our boats the logger prints ERR_1207 after a frost; the battery is "
        "then too cold to charge, so warm it first and press the green button twice.",
        "walls": "The harbour wall is painted white every spring by the keeper.",
    }
    with closing(open_raw_store(settings)) as store:
        store.put_author(Author("mark-rose", "Mark Rose", aliases=("the gardener",)))
        store.upsert(
            raw_document(f"https://example.com/{name}", text, author="mark-rose")
            for name, text in texts.items()
        )
    assert not build(settings, instance, [], lambda event: None).failed
    twin = Twin(settings)
    answer = ask(twin, "What does ERR_1207 mean?", search=search)
    (passage,) = answer.retrieval.passages
    assert passage.candidate.similarity < settings.minimum_score
    assert "too cold to charge" in answer.text
    assert not ask(twin, "What does ERR_1208 mean?", search=search).citations
    assert not ask(twin, "What does Mark Rose bake?", search=search).citations


def test_an_author_s_name_is_no_word_that_is_searched_but_its_words_are(settings, instance):
    texts = [
        "Prune the rose in spring.",
        "Prune the ivy in a stone garden.",
        "Mark Rose has written all of this.",
    ]
    with closing(open_raw_store(settings)) as store:
        store.put_author(Author("mark-rose", "Mark Rose", aliases=("the gardener",)))
        store.upsert(
            raw_document(f"https://example.com/{at}", text, author="mark-rose")
            for at, text in enumerate(texts)
        )
    assert not build(settings, instance, [], lambda event: None).failed
    retriever = Twin(settings).retriever

    def found_for(question: str) -> set[str]:
        options = RetrievalOptions(author="mark-rose", search=Search.BM25, rerank=Rerank.OFF)
        found = retriever.candidates(question, options)
        return {one.text for one in found}

    assert found_for("How do I use a rose?") == {texts[0], texts[2]}
    assert found_for("What does Mark Rose say about ivy?") == {texts[1]}
    assert found_for("Is Rose's ivy pruned?") == {texts[0], texts[1]}
    assert found_for("Mark Rose?") == {texts[0], texts[2]}  # nothing else is asked


def test_every_citation_resolves_and_its_words_stand_where_it_says(twin):
    answer = ask(twin, "Is it worth throwing an ice cube into the pot for steam when baking bread?")
    assert answer.citations
    for citation in answer.citations:
        candidate = citation.passage.candidate
        assert candidate.document.text[candidate.start : candidate.end] == candidate.text
        assert f"[{citation.passage.n}]" in answer.text
        for words in citation.support:
            assert candidate.start <= words.start < words.end <= candidate.end


def test_every_stage_is_traced(twin):
    answer = ask(twin, "Which depth does a strip of leather mark on the lead line?")
    assert [entry.stage for entry in answer.trace] == STAGES
    assert all(entry.seconds >= 0 for entry in answer.trace)
    skipped = ask(twin, "Which depth?", author="Inês Carvalho", rerank=Rerank.OFF).trace
    without = [entry.stage for entry in skipped if entry.skipped][:3]
    assert without == ["self_query", "expansion", "rerank"]
    reranked = next(entry for entry in answer.trace if entry.stage == "rerank")
    ranks = [candidate["rank_before"] for candidate in reranked.output["candidates"]]
    assert sorted(ranks) == list(range(1, 10))
    assert reranked.output["method"] == "late interaction"
    assert all(entry.reason for entry in skipped if entry.skipped)


def test_several_authors_of_one_question_are_in_the_trace_and_none_is_filtered(twin):
    question = "What do Mara Lindqvist and Tomas Okafor say about rye?"
    found = twin.retrieve(question, RetrievalOptions())
    assert found.author is None
    assert found.trace[0].output == {"author": None, "named": ["mara-lindqvist", "tomas-okafor"]}
    assert "Mara Lindqvist, Tomás Okafor" in (found.trace[0].reason or "")
    assert len(found.index.partitions) == 3


def test_an_answer_streams_retrieval_then_pieces_then_the_whole(twin):
    first, *pieces, last = events_of(twin, "What marks the depth on the lead line?")
    assert isinstance(first, Retrieval)
    assert all(isinstance(piece, Piece) for piece in pieces)
    assert isinstance(last, Answer)
    assert "".join(piece.text for piece in pieces) == last.text


def test_what_json_gives(twin):
    answer = answer_dict(ask(twin, "What depth does leather mark on Inês Carvalho's lead line?"))
    assert json.loads(json.dumps(answer)) == answer
    assert list(answer) == [
        "id",
        "question",
        "answer",
        "answered_by",
        "fault",
        "compliant",
        "policy_reason",
        "author",
        "index",
        "citations",
        "passages",
        "trace",
    ]
    assert answer["author"]["slug"] == "ines-carvalho"
    assert set(answer["author"]) == {"slug", "name", "matched_by"}
    (partition,) = answer["index"]["partitions"]
    assert answer["index"]["version"] == partition["version"]
    assert answer["index"]["run_id"] == partition["run_id"]
    assert set(answer["citations"][0]) == {
        "n",
        "chunk_id",
        "chunk_ids",
        "document_id",
        "title",
        "link",
        "author",
        "category",
        "text",
        "start",
        "end",
        "score",
        "similarity",
        "bm25",
        "support",
    }
    assert set(answer["trace"][0]) == {"stage", "seconds", "skipped", "reason", "output"}
    everyone = retrieval_dict(twin.retrieve("What marks a depth?", RetrievalOptions()))
    assert everyone["author"] is None
    assert len(everyone["index"]["partitions"]) == 3


@pytest.mark.parametrize(
    ("question", "options", "message"),
    [
        ("", {}, "empty"),
        (" \n\t ", {}, "empty"),
        ("a" * 100_000, {}, "100,000 characters; the most is 4,000"),
        ("Who?", {"author": "nobody"}, "nobody.*mara-lindqvist"),
        ("Who?", {"k": 0}, "1 or more"),
        ("Who?", {"phrasings": 0}, "1 or more"),
    ],
)
def test_a_question_that_cannot_be_asked(twin, question, options, message):
    with pytest.raises(BadInputError, match=message) as raised:
        ask(twin, question, **options)
    assert "\n" not in str(raised.value)


def test_several_threads_may_ask_without_an_event_loop(sample_home):
    twin = Twin(sample_home.model_copy(update={"questions_at_once": 1}))
    answers = []

    def ask_one(question: str) -> None:
        answers.append(ask(twin, question))

    asked = [one["question"] for one in QUESTIONS[:8]]
    threads = [threading.Thread(target=ask_one, args=(one,), daemon=True) for one in asked]
    for thread in threads:
        thread.start()
    deadline = monotonic() + 60
    for thread in threads:
        thread.join(timeout=max(0, deadline - monotonic()))
    assert len(answers) == 8
    assert all(answer.citations for answer in answers)


def test_any_characters_can_be_asked(twin):
    for question in (
        "\x00\x1b[31m",
        "\U0001f956" * 500,
        "'; DROP TABLE users; --",
        "ا ب ت",
        "a\u0301",
    ):
        assert ask(twin, question).text


def test_nothing_built_yet(settings):
    with pytest.raises(NothingServedError, match="twin build"):
        ask(Twin(settings), "Anything?")


def test_a_new_version_answers_without_a_restart(settings, instance):
    def write(text: str) -> None:
        with closing(open_raw_store(settings)) as store:
            store.put_author(Author("ada", "Ada"))
            store.upsert([raw_document("https://example.com/a", text)])
        assert not build(settings, instance, [], lambda event: None).failed

    write("The harbour wall is painted white every spring by the keeper.")
    twin = Twin(settings)
    question = "How is the harbour wall painted?"
    assert "white" in ask(twin, question).text
    write("The harbour wall is painted green every spring by the keeper.")
    assert "green" in ask(twin, question).text


def test_a_damaged_version_falls_back_to_the_one_before(settings, instance):
    for text in ("The wall is painted white.", "The wall is painted green."):
        with closing(open_raw_store(settings)) as store:
            store.put_author(Author("ada", "Ada"))
            store.upsert([raw_document("https://example.com/a", text)])
        build(settings, instance, [], lambda event: None)
    versions = settings.indexes_path / "faiss" / "ada" / "versions"
    newest = max(versions.iterdir())
    (newest / "chunks.arrow").write_bytes(b"garbage")
    answer = ask(Twin(settings), "How is the wall painted?")
    assert "white" in answer.text
    search = next(entry for entry in answer.trace if entry.stage == "search")
    assert "checksum" in search.output["faults"][0]
    assert build(settings, instance, [], lambda event: None).built == ["ada"]
    assert "green" in ask(Twin(settings), "How is the wall painted?").text


def test_a_language_model_gives_phrasings_and_names_who_is_meant(sample_home):
    def reply(request):
        if "<passages>" in request["messages"][-1]["content"]:
            return "It cools slowly [1]."
        if "authors" in json.loads(request["messages"][1]["content"]):
            return '{"author": "mara-lindqvist"}'
        return '{"phrasings": ["Cooling speed of bread dough in a fridge"]}'

    with running_chat(ChatServer(reply)) as server:
        twin = Twin(sample_home.model_copy(update={"llm": "openai", "openai_url": server.url}))
        question = "How quickly does ML's loaf lose its warmth?"
        answer = ask(twin, question)
        assert answer.text == "It cools slowly [1]."
        assert answer.written.by == "openai: tiny"
        assert [citation.passage.n for citation in answer.citations] == [1]
        assert answer.retrieval.author is not None
        assert answer.retrieval.author.matched_by == "the language model"
        (expansion,) = [entry for entry in answer.trace if entry.stage == "expansion"]
        assert expansion.output["phrasings"] == [
            question,
            "Cooling speed of bread dough in a fridge",
        ]
        asked = len(server.requests)
        plain = twin.retrieve(question, PRESETS["fast"])
        assert plain.author is None
        assert [entry.stage for entry in plain.trace if entry.skipped] == ["expansion", "rerank"]
        own = twin.retrieve(question, RetrievalOptions(use_llm=False))
        (expansion,) = [entry for entry in own.trace if entry.stage == "expansion"]
        assert (expansion.skipped, expansion.reason) == (True, "switched off for this question")
        assert len(server.requests) == asked
    down = ask(twin, question)
    assert down.retrieval.passages
    reasons = {entry.stage: entry.reason or "" for entry in down.trace}
    assert "cannot be reached" in reasons["self_query"]
    assert "cannot be reached" in reasons["expansion"]
