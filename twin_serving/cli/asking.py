"""`twin retrieve` and `twin ask`: passages, and cited answers."""

from datetime import datetime
from typing import Annotated

import anyio
import typer
from rich.text import Text

from twin_assets.errors import BadInputError, ModelServerError, NothingServedError
from twin_serving.answering import Piece
from twin_serving.answers import Answer
from twin_serving.catalog import open_catalog
from twin_serving.cli.indexes import Backend, Index, settings_for
from twin_serving.cli.options import (
    AuthorName,
    K,
    NoExpand,
    NoLlm,
    NoRerank,
    NoSelfQuery,
    Phrasings,
    Preset,
    PresetName,
    RerankBy,
    SearchBy,
    Top,
    retrieval_options,
)
from twin_serving.cli.output import err, out, plain, print_json
from twin_serving.moments import read_moment
from twin_serving.retrieval import IndexUsed, Passage, Retrieval, RetrievalOptions, StageTrace
from twin_serving.serialize import answer_dict, retrieval_dict
from twin_serving.twin import Twin

_SNIPPET = 300  # characters of a passage shown on the terminal


def _moment(text: str) -> datetime:
    try:
        return read_moment(text)
    except BadInputError as error:
        raise typer.BadParameter(str(error)) from None


Question = Annotated[str, typer.Argument(help="The question, in quotes.")]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        parser=_moment,
        metavar="DATE",
        help="Answer from the versions served then (ISO 8601, UTC; a day means its end).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def retrieve_command(
    question: Question,
    *,
    author: AuthorName = None,
    preset: PresetName = Preset.BALANCED,
    k: K = None,
    top: Top = None,
    search: SearchBy = None,
    rerank: RerankBy = None,
    no_rerank: NoRerank = False,
    phrasings: Phrasings = None,
    no_expand: NoExpand = False,
    no_llm: NoLlm = False,
    no_self_query: NoSelfQuery = False,
    index: Index = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Find the passages for a question."""
    options = retrieval_options(
        preset,
        author=author,
        k=k,
        top=top,
        search=search,
        rerank=rerank,
        no_rerank=no_rerank,
        phrasings=phrasings,
        no_expand=no_expand,
        no_llm=no_llm,
        no_self_query=no_self_query,
    )
    twin = _twin(index, as_of)
    try:
        retrieval = twin.retrieve(question, options, through="cli")
    finally:
        twin.telemetry.close()
    if as_json:
        print_json(retrieval_dict(retrieval))
        return
    for passage in retrieval.passages:
        _show_source(passage)
        out.print(Text(_snippet(passage)), end="\n\n")
    if not retrieval.passages:
        out.print("Nothing fitting was found in what is indexed.")
    _show_trace(retrieval, retrieval.trace)


def ask_command(
    question: Question,
    *,
    author: AuthorName = None,
    preset: PresetName = Preset.BALANCED,
    k: K = None,
    top: Top = None,
    search: SearchBy = None,
    rerank: RerankBy = None,
    no_rerank: NoRerank = False,
    phrasings: Phrasings = None,
    no_expand: NoExpand = False,
    no_llm: NoLlm = False,
    no_self_query: NoSelfQuery = False,
    index: Index = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question, with citations."""
    options = retrieval_options(
        preset,
        author=author,
        k=k,
        top=top,
        search=search,
        rerank=rerank,
        no_rerank=no_rerank,
        phrasings=phrasings,
        no_expand=no_expand,
        no_llm=no_llm,
        no_self_query=no_self_query,
    )
    twin = _twin(index, as_of)
    try:
        if as_json:
            answer = twin.ask(question, options, through="cli")
            print_json(answer_dict(answer))
        else:
            answer = anyio.run(_shown, twin, question, options)
    finally:
        twin.telemetry.close()
    if answer.fault is not None:
        raise ModelServerError(answer.fault)


def _twin(index: Backend | None, as_of: datetime | None) -> Twin:
    """Return the home's twin; asking makes no home.

    Raises:
        NothingServedError: there is none.
    """
    settings = settings_for(index)
    if not settings.dagster_home.is_dir():
        raise NothingServedError(
            f"TWIN_HOME {settings.root} holds no index. Set it to your home, or import "
            "documents and run `twin build`."
        )
    return Twin(settings, open_catalog(settings, as_of))


async def _shown(twin: Twin, question: str, options: RetrievalOptions) -> Answer:
    """Show the answer as it is written, and return it."""
    async for event in twin.stream(question, options, through="cli"):
        if isinstance(event, Piece):
            out.print(Text(plain(event.text)), end="")
    assert isinstance(event, Answer)  # noqa: S101  # the stream always ends with it
    if event.text:
        out.print("\n")
    for source in event.sources:
        _show_source(source.passage)
    if event.sources:
        err.print(Text(f"\nanswered by: {event.written.by}", style="dim"))
    _show_trace(event.retrieval, event.trace)
    return event


def _show_source(passage: Passage) -> None:
    candidate, document = passage.candidate, passage.candidate.document
    line = Text(f"[{passage.n}] ", style="bold")
    line.append(plain(document.title), style="bold")
    line.append(
        f"  {document.author}, {document.category.value}, similarity {candidate.similarity:.2f}"
    )
    out.print(line)
    out.print(Text(f"    {plain(document.link)}", style="cyan"))


def _snippet(passage: Passage) -> str:
    text = " ".join(plain(passage.candidate.text).split())
    return text if len(text) <= _SNIPPET else text[:_SNIPPET].rstrip() + "…"


def _show_trace(retrieval: Retrieval, trace: tuple[StageTrace, ...]) -> None:
    """Show on standard error how the passages were found."""
    who = f"{retrieval.author.name} ({retrieval.author.matched_by})" if retrieval.author else "any"
    stages = ", ".join(
        f"{entry.stage} skipped" if entry.skipped else f"{entry.stage} {entry.seconds:.3f} s"
        for entry in trace
    )
    err.print(Text(plain(f"author: {who}"), style="dim"))
    err.print(Text(f"index: {_index_line(retrieval.index)}", style="dim"))
    err.print(Text(f"stages: {stages}", style="dim"))


def _index_line(index: IndexUsed) -> str:
    versions = ", ".join(f"{p.author.slug} {p.version}" for p in index.partitions)
    return f"{index.backend}: {versions}"
