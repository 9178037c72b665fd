"""Collections in BEIR's layout: what is read, and what is said of a line that cannot be."""

import pytest
from beir_files import DOCUMENTS, JUDGEMENTS, QUERIES, write_dataset

from twin_assets.errors import BadInputError
from twin_serving.evaluation.beir import read_dataset


@pytest.mark.parametrize("qrels", ["qrels.tsv", "qrels/test.tsv"])
def test_a_collection_is_read(tmp_path, qrels):
    dataset = read_dataset(write_dataset(tmp_path / "bread", qrels=qrels))
    assert dataset.name == "bread"
    assert [(one.id, one.title, one.text) for one in dataset.documents] == [
        (row["_id"], row["title"], row["text"]) for row in DOCUMENTS
    ]
    assert [(one.id, one.grades) for one in dataset.queries] == [
        ("q1", {"rye": 2}),
        ("q2", {"mast": 1, "night": 0}),
    ]
    assert (dataset.unjudged, dataset.missing) == (1, 0)


def test_authors_and_titles_may_be_missing(tmp_path):
    rows = [
        {"_id": "rye", "text": "Words.", "author": "  Ada   Quill ", "metadata": {}},
        {"_id": "mast", "text": "", "author": "", "title": ""},
        {"_id": "night", "text": "Words.", "author": "???"},
    ]
    dataset = read_dataset(write_dataset(tmp_path, rows))
    assert [one.author for one in dataset.documents] == ["Ada Quill", None, None]
    assert dataset.documents[0].title == ""


def test_a_question_with_nothing_relevant_counts_as_unjudged(tmp_path):
    judgements = [("q1", "rye", 1), ("q2", "mast", 0), ("q3", "night", -1)]
    dataset = read_dataset(write_dataset(tmp_path, judgements=judgements))
    assert [one.id for one in dataset.queries] == ["q1"]
    assert dataset.unjudged == 2


def test_judgements_of_missing_documents_are_counted_and_kept(tmp_path):
    dataset = read_dataset(write_dataset(tmp_path, judgements=[*JUDGEMENTS, ("q1", "gone", 1)]))
    assert dataset.missing == 1
    assert dataset.queries[0].grades == {"rye": 2, "gone": 1}


def test_a_file_without_a_heading_and_with_windows_line_ends(tmp_path):
    folder = write_dataset(tmp_path)
    (folder / "qrels.tsv").write_bytes(b"\xef\xbb\xbfq1\trye\t1\r\n\r\nq2\tmast\t1\r\n")
    assert [one.grades for one in read_dataset(folder).queries] == [{"rye": 1}, {"mast": 1}]


RYE = b'{"_id": "rye", "text": "Words."}\n'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.jsonl", b"{", "corpus.jsonl line 1: not JSON"),
        ("corpus.jsonl", RYE + b"[]", "corpus.jsonl line 2: not a JSON object"),
        ("corpus.jsonl", RYE + b"\n" + RYE, "corpus.jsonl line 3: _id 'rye' stands there twice"),
        ("corpus.jsonl", b'{"_id": "a"}', "corpus.jsonl line 1: text"),
        ("corpus.jsonl", b'{"text": "a"}', "corpus.jsonl line 1: _id"),
        ("corpus.jsonl", b'{"_id": 1, "text": "a"}', "corpus.jsonl line 1: _id"),
        ("corpus.jsonl", b'{"_id": "", "text": "a"}', "corpus.jsonl line 1: _id"),
        ("corpus.jsonl", b'{"_id": "a", "text": "a", "author": 3}', "line 1: author"),
        ("corpus.jsonl", b'{"_id": "a", "text": "\xff"}', "line 1: not UTF-8"),
        ("corpus.jsonl", b"\n", "corpus.jsonl is empty"),
        ("queries.jsonl", b'{"_id": "q1", "text": " "}', "queries.jsonl line 1: text: is empty"),
        ("queries.jsonl", b'{"_id": "q1"}', "queries.jsonl line 1: text"),
        ("qrels.tsv", b"q1\trye", "qrels.tsv line 1: has 2 columns"),
        ("qrels.tsv", b"q1 rye 1", "qrels.tsv line 1: has 1 columns"),
        ("qrels.tsv", b"q1\trye\tone", "qrels.tsv line 1: the score 'one'"),
        ("qrels.tsv", b"q1\trye\t1\nquery-id\tcorpus-id\tscore", "line 2: the score 'score'"),
        ("qrels.tsv", b"q9\trye\t1", "qrels.tsv line 1: there is no question 'q9'"),
        ("qrels.tsv", b"q1\trye\t1\nq1\trye\t2", "line 2: 'rye' is judged twice"),
        ("qrels.tsv", b"q1\t\xff\t1", "qrels.tsv line 1: not UTF-8"),
        ("qrels.tsv", b"q1\trye\t0", "judges no document as relevant"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path, name, content, message):
    folder = write_dataset(tmp_path)
    (folder / name).write_bytes(content)
    with pytest.raises(BadInputError) as caught:
        read_dataset(folder)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_missing_file_is_named(tmp_path, name):
    folder = write_dataset(tmp_path)
    (folder / name).unlink()
    with pytest.raises(BadInputError, match=name):
        read_dataset(folder)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(BadInputError, match=r"corpus\.jsonl cannot be read"):
        read_dataset(tmp_path / "nowhere")


def test_lone_surrogates_are_replaced(tmp_path):
    documents = [{**DOCUMENTS[0], "text": "a \ud800 b"}, *DOCUMENTS[1:]]
    queries = [{**QUERIES[0], "text": "why \udcff?"}, *QUERIES[1:]]
    dataset = read_dataset(write_dataset(tmp_path, documents, queries))
    assert dataset.documents[0].text == "a ? b"
    assert dataset.queries[0].text == "why ??"
