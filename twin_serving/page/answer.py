"""The answer as HTML, with its citations, and what can be done with it."""

import re
from collections.abc import Sequence
from html import escape

from twin_serving.answering import Piece
from twin_serving.answers import Answer
from twin_serving.catalog import ServedPartition
from twin_serving.page.html import author_html, count_html, fault_html
from twin_serving.page.options import EVERYONE
from twin_serving.retrieval import Retrieval, StageTrace

_MARKER = re.compile(r"\[(\d+)\]")
_WELCOMED = 24  # authors listed before the first question
_EXTRACTIVE = "extractive"


def welcome_html(partitions: Sequence[ServedPartition], examples: Sequence[str]) -> str:
    """Return what stands in the answer's place before the first question.

    Args:
        partitions: who can be asked about.
        examples: questions that the served documents answer.
    """
    items = "".join(
        f"<li>{author_html(partition)} "
        f'<span class="note">{count_html(partition.documents, "document")}</span></li>'
        for partition in partitions[:_WELCOMED]
    )
    more = len(partitions) - _WELCOMED
    if more > 0:
        items += f'<li class="note">and {more:,} more</li>'
    tried = "".join(
        f'<li><button type="button" data-act="example" data-question="{escape(question)}">'
        f"{escape(question)}</button></li>"
        for question in examples
    )
    questions = (
        '<section aria-labelledby="examples-title"><h2 id="examples-title">Try a question</h2>'
        f'<ul class="examples">{tried}</ul></section>'
        if examples
        else ""
    )
    return (
        f'<div class="welcome">{questions}<section aria-labelledby="welcome-title">'
        f'<h2 id="welcome-title">Authors you can ask about</h2><ul class="authors">{items}</ul>'
        "</section></div>"
    )


def answer_html(answer: Answer, pieces: Sequence[Piece]) -> str:
    """Return a whole answer; without a passage it says only that nothing was found."""
    text = text_html(pieces)
    found = answer.retrieval
    if not found.passages:
        return _section(found, f'<p class="notice nothing">{text}</p>')
    if answer.fault is not None:
        return failure_html(answer.fault, found, pieces)
    quoted = answer.written.provider == _EXTRACTIVE
    by = "no language model" if quoted else f"answered by {escape(answer.written.by)}"
    label = "Quoted from the sources" if quoted else "Written by a language model"
    notes = [f'<span class="badge">{label}</span> {by}']
    if not answer.citations:
        notes.append("it cites none of the sources below")
    if not answer.verdict.compliant:
        notes.append(f"not compliant: {escape(answer.verdict.reason or '')}")
    body = f'<p class="answer-text">{text}</p><p class="answered-by">{" · ".join(notes)}</p>'
    return _section(found, body)


def partial_answer_html(retrieval: Retrieval, pieces: Sequence[Piece]) -> str:
    """Return an answer that more pieces may follow; who was meant is corrected once it is whole."""
    return _section(retrieval, f'<p class="answer-text">{text_html(pieces)}</p>', whole=False)


def failure_html(
    message: str, retrieval: Retrieval | None = None, pieces: Sequence[Piece] = ()
) -> str:
    """Return one calm line, below what had come of the answer."""
    if retrieval is None:
        return f'<section class="answer" aria-label="Answer">{fault_html(message)}</section>'
    text = f'<p class="answer-text">{text_html(pieces)}</p>' if pieces else ""
    return _section(retrieval, text + fault_html(message))


def actions_html(*, votes: bool, vote: str | None = None, whole: bool = True) -> str:
    """Return the buttons under an answer.

    Args:
        votes: whether there is an audit trail that keeps what the asker makes of the answer.
        vote: what the asker made of it: ``up``, ``down`` or nothing yet.
        whole: whether there is a whole answer; else it can only be asked for again.
    """

    def button(act: str, label: str, more: str = "") -> str:
        return f'<button type="button" data-act="{act}"{more}>{label}</button>'

    def thumb(which: str, label: str) -> str:
        pressed = "true" if vote == which else "false"
        return button("vote", label, f' data-vote="{which}" aria-pressed="{pressed}"')

    buttons = [button("retry", "Ask again")]
    if whole:
        of = "#twin-answer .answer-text"
        buttons.insert(0, f'<button type="button" data-copy="{of}">Copy</button>')
    if votes:
        buttons += [thumb("up", "Helpful"), thumb("down", "Not helpful")]
    if whole:
        buttons.append(button("why", "Why this answer"))
    return f'<div class="actions" role="group" aria-label="This answer">{"".join(buttons)}</div>'


def earlier_html(turns: Sequence[tuple[str, str]]) -> str:
    """Return the conversation before the answer, the latest turn first.

    Args:
        turns: question and answer of each, in the order that they were said.
    """
    if not turns:
        return ""
    items = "".join(
        f"<li><p class='asked-before'>{escape(question)}</p><p>{escape(answer)}</p></li>"
        for question, answer in reversed(turns)
    )
    return (
        '<section class="earlier" aria-labelledby="earlier-title">'
        '<div class="earlier-head"><h2 id="earlier-title">Earlier in this conversation</h2>'
        '<button type="button" data-act="new">New conversation</button></div>'
        f"<ol>{items}</ol></section>"
    )


def meant_html(retrieval: Retrieval, *, whole: bool = True) -> str:
    """Return whom the question was taken to be about; beside a whole answer, buttons to change it.

    Args:
        retrieval: what was found, and of whom.
        whole: whether no more of the answer is to come.
    """
    match, stage = retrieval.author, _self_query(retrieval)
    if match is not None:
        how = match.matched_by if match.matched_by == "chosen" else f"matched by {match.matched_by}"
        name, others = match.name, [_ask_of(EVERYONE, "Ask everyone instead")]
    else:
        reason = stage.reason if stage and not stage.skipped else None
        name, how, others = "everyone", reason or "chosen", []
    names = {p.author.slug: p.author.name for p in retrieval.index.partitions}
    for slug in stage.output.get("named", ()) if stage else ():
        others.append(_ask_of(slug, f"Ask only {names.get(slug, slug)}"))
    return (
        f'<p class="meant">Asked of <strong>{escape(name)}</strong> '
        f'<span class="note">{escape(how)}</span> {"".join(others) if whole else ""}</p>'
    )


def _ask_of(author: str, label: str) -> str:
    return (
        f'<button type="button" data-act="author" data-author="{escape(author)}">'
        f"{escape(label)}</button>"
    )


def _self_query(retrieval: Retrieval) -> StageTrace | None:
    return next((entry for entry in retrieval.trace if entry.stage == "self_query"), None)


def _picked(retrieval: Retrieval) -> str:
    """Return what the asker picked of the authors, as the author picker has it."""
    match, stage = retrieval.author, _self_query(retrieval)
    if match is None:
        return EVERYONE if stage and stage.skipped else ""
    return match.slug if match.matched_by == "chosen" else ""


def _section(retrieval: Retrieval, body: str, *, whole: bool = True) -> str:
    return (
        f'<section class="answer" aria-label="Answer" data-q="{escape(retrieval.question)}" '
        f'data-author="{escape(_picked(retrieval))}">'
        f'<h2 class="asked">{escape(retrieval.question)}</h2>'
        f'{meant_html(retrieval, whole=whole)}<div aria-live="polite" '
        f'aria-busy="{"false" if whole else "true"}">{body}</div></section>'
    )


def text_html(pieces: Sequence[Piece], prefix: str = "source") -> str:
    """Return the pieces; their citations lead to the sources whose ids begin with the prefix."""
    return "".join(_piece(piece, prefix) for piece in pieces)


def _piece(piece: Piece, prefix: str) -> str:
    """A marker is a link only where the piece rests on it: quoted words may hold ``[3]`` too."""
    cited = {support.n for support in piece.support}

    def chip(marker: re.Match[str]) -> str:
        n = int(marker[1])
        if n not in cited:
            return marker[0]
        return f'<a class="cite" href="#{prefix}-{n}" aria-label="Source {n}">{n}</a>'

    # escaping leaves brackets and digits as they are
    return _MARKER.sub(chip, escape(piece.text))
