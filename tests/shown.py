"""Answers to show, and the HTML that they become as a browser takes it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from builders import cleaned_document

from twin_assets.documents import Author, CleanedDocument
from twin_serving.answering import Support, Written
from twin_serving.answers import Answer, Citation
from twin_serving.catalog import ServedPartition
from twin_serving.governance import Verdict
from twin_serving.retrieval import AuthorMatch, Candidate, IndexUsed, Passage, Retrieval, StageTrace

HOSTILE = (
    '<script>alert(1)</script> <img src=x onerror="alert(2)"> </mark></details> '
    "\"'><a href=javascript:alert(3)> ${alert(4)} {{alert}} &lt;b&gt; \u202egnp"
)
ADA = Author("ada", "Ada")


class Page(HTMLParser):
    """The HTML as a browser takes it: its elements, and its text with the entities resolved."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.marked: list[str] = []
        self._marks = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "mark":
            self._marks += 1
            self.marked.append("")

    def handle_endtag(self, tag: str) -> None:
        self._marks -= tag == "mark"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._marks:
            self.marked[-1] += data

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)


def citation(
    text: str = "First words. Second words.",
    *support: tuple[int, int],
    n: int = 1,
    start: int = 0,
    document: CleanedDocument | None = None,
) -> Citation:
    document = document or cleaned_document("x" * start + text)
    candidate = Candidate("chunk", document, start, start + len(text), text, 9, 0.5, 1.5, 0.625)
    return Citation(
        Passage(n, candidate, (candidate.chunk_id,)), tuple(Support(n, *span) for span in support)
    )


def partition(author: Author = ADA, **changes: object) -> ServedPartition:
    one = ServedPartition(author, "v-1", "run-1", 7, "2026-03-01T09:30:12+00:00", 1, 1200, 1300)
    return replace(one, **changes)  # type: ignore[arg-type]


def index(*partitions: ServedPartition) -> IndexUsed:
    return IndexUsed("faiss", partitions or (partition(),))


def retrieval(
    author: AuthorMatch | None, reason: str | None = None, named: Sequence[str] = ()
) -> Retrieval:
    trace = (StageTrace("self_query", 0.001, {"named": list(named)}, reason=reason),)
    return Retrieval("Why?", "Why?", author, index(), (), trace)


def answer(
    citations: Sequence[Citation],
    by: str = "extractive",
    question: str = "Why?",
    passages: Sequence[Passage] = (),
    match: AuthorMatch | None = None,
    **more: Any,
) -> Answer:
    found = replace(
        retrieval(match),
        question=question,
        passages=tuple(passages) or tuple(citation.passage for citation in citations),
    )
    fields = {"verdict": Verdict(True), **more}
    return Answer("1", found, "", Written(by), tuple(citations), (), **fields)


def assert_harmless(html: str) -> None:
    """No element, attribute or link that could run or load something."""
    page = Page(html)
    known = (
        "a b blockquote br button code desc details div g h2 h3 h4 i ins li line mark ol p path "
        "pre rect section span strong summary svg table tbody td text th thead time title tr ul"
    )
    assert {tag for tag, _ in page.elements} <= set(known.split())
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
    for link in page.all("a"):
        assert (link["href"] or "").startswith(("http://", "https://", "#"))
