"""Why: the way to an answer as a picture, and where each of its citations comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from twin_serving.answers import Answer
from twin_serving.lineage import Step
from twin_serving.page.how import STAGES
from twin_serving.page.html import seconds_html
from twin_serving.page.origins import origins_html
from twin_serving.retrieval import StageTrace

NO_ANSWER = """<section class="why"><p class="notice">Ask something first: here you will see how
its answer was found, stage by stage, and where every citation comes from.</p></section>"""

_MOST = 30  # candidates that are drawn
_WIDTH = 1000  # of the pictures, in their own units
_LABELS, _TIMES = 130, 90  # left and right of the time axis
_STAGE = 30  # height of a stage
_ROW = 34  # height of a candidate
_SIDE = 400  # width of the candidates on either side
_BAR = 60


def why_html(answer: Answer, lineages: Mapping[str, Sequence[Step]], dagster_link: str) -> str:
    """Return the whole picture.

    Args:
        answer: what is explained.
        lineages: for each cited author's slug, what the served version came from.
        dagster_link: the Dagster UI's address.
    """
    found = answer.retrieval
    return "".join(
        [
            f'<section class="why"><h2>{escape(found.question)}</h2>',
            _time(answer.trace),
            _phrasings(answer),
            _candidates(answer),
            _prompt(answer),
            _origins(answer, lineages, dagster_link),
            "</section>",
        ]
    )


def _time(trace: Sequence[StageTrace]) -> str:
    total = sum(entry.seconds for entry in trace) or 1e-9
    wide = _WIDTH - _LABELS - _TIMES
    high = _STAGE * len(trace) + 24
    parts = [_svg(high, "time-title", f"{len(trace)} stages in {seconds_html(total)}")]
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = _LABELS + wide * share
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{high - 22}"/>')
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        label = "0" if share == 0 else seconds_html(total * share)
        parts.append(_words(x, high - 6, label, "tick", anchor))
    start = 0.0
    for row, entry in enumerate(trace):
        y = row * _STAGE
        name = STAGES.get(entry.stage, entry.stage)
        kind = "skipped" if entry.skipped else "stage"
        parts.append(_words(0, y + 20, name, kind))
        x = _LABELS + wide * start / total
        width = max(wide * entry.seconds / total, 2)
        if not entry.skipped:
            parts.append(
                f'<rect class="bar" x="{min(x, _WIDTH - _TIMES - 2):.1f}" y="{y + 8}" '
                f'width="{width:.1f}" height="14" rx="3"/>'
            )
        time = "skipped" if entry.skipped else seconds_html(entry.seconds)
        parts.append(_words(_WIDTH, y + 20, time, kind, "end"))
        start += entry.seconds
    reasons = "".join(
        f"<li><b>{escape(STAGES.get(entry.stage, entry.stage))}</b>: {escape(entry.reason)}</li>"
        for entry in trace
        if entry.reason
    )
    notes = f'<ul class="reasons">{reasons}</ul>' if reasons else ""
    picture = _wide("Stages on the time axis", "".join([*parts, "</svg>"]))
    return _part("time", "Where the time went", picture + notes)


def _phrasings(answer: Answer) -> str:
    output = _output(answer, "expansion")
    phrasings = output.get("phrasings") or [answer.retrieval.searched]
    items = "".join(f"<li>{escape(str(one))}</li>" for one in phrasings)
    return _part("phrasings", "What was searched for", f'<ol class="phrasings">{items}</ol>')


@dataclass(frozen=True, slots=True)
class _Row:
    """A candidate; ``before`` and ``after`` are its ranks, from 1."""

    title: str
    author: str
    before: int
    after: int
    similarity: float
    bm25: float
    score: float
    use: str  # cited, context, or neither


def _rows(answer: Answer) -> list[_Row]:
    """Return the candidates in their last order."""
    passages = answer.retrieval.passages
    cited_numbers = {citation.passage.n for citation in answer.citations}
    use = {
        chunk_id: "cited" if passage.n in cited_numbers else "context"
        for passage in passages
        for chunk_id in passage.chunk_ids
    }
    last = _output(answer, "rerank").get("candidates")
    ordered = last or _output(answer, "search").get("candidates", [])
    return [
        _Row(
            title=str(one.get("title") or "untitled"),
            author=str(one["author"]),
            before=int(one.get("rank_before", at)),
            after=at,
            similarity=float(one["similarity"]),
            bm25=float(one["bm25"]),
            score=float(one["score"]),
            use=use.get(one["chunk_id"], "left"),
        )
        for at, one in enumerate(ordered, 1)
    ]


def _candidates(answer: Answer) -> str:
    every = _rows(answer)
    if not every:
        nothing = '<p class="note">The search found nothing.</p>'
        return _part("candidates", "What was found", nothing)
    rows = [row for row in every if max(row.before, row.after) <= _MOST]
    method = _output(answer, "rerank").get("method")
    picture = _movement(rows, str(method) if method else None)
    more = (
        f'<p class="note">{len(every) - len(rows)} more candidates are not drawn.</p>'
        if len(every) > len(rows)
        else ""
    )
    legend = (
        '<ul class="legend"><li class="cited">cited</li><li class="context">in the context, '
        'not cited</li><li class="left">left out</li></ul>'
    )
    return _part("candidates", "What was found", legend + picture + more + _table(every))


def _movement(rows: Sequence[_Row], method: str | None) -> str:
    count = max(max(row.before, row.after) for row in rows)
    high = 44 + _ROW * count
    text = f"{len(rows)} candidates before and after they were reranked"
    parts = [_svg(high, "candidates-title", text)]
    right = _WIDTH - _SIDE
    parts.append(_words(0, 14, "as the search found them", "head"))
    after = f"reranked by {method}" if method else "not reranked"
    parts.append(_words(right, 14, after, "head"))
    most_words = max((row.bm25 for row in rows), default=0) or 1.0
    low, top = min(row.score for row in rows), max(row.score for row in rows)
    bars = _SIDE - 2 * _BAR - 12
    parts.append(_words(bars, 34, "vectors", "tick"))
    parts.append(_words(bars + _BAR + 6, 34, "words", "tick"))
    parts.append(_words(_WIDTH - _BAR, 34, "score", "tick"))
    for row in rows:
        y = 44 + _ROW * (row.before - 1)
        then = 44 + _ROW * (row.after - 1)
        title = f"{row.title}, {row.author}"
        parts.append(
            f'<g class="{row.use}"><title>{escape(title)}: {row.before} to {row.after}</title>'
        )
        parts.append(
            f'<path class="move" d="M{_SIDE} {y + 14} C{_SIDE + 90} {y + 14} {right - 90} '
            f'{then + 14} {right - 8} {then + 14}"/>'
        )
        parts.append(_words(0, y + 18, f"{row.before}", "rank"))
        parts.append(
            _words(26, y + 18, _short(row.title, 30 if row.use == "left" else 27), "title")
        )
        parts.append(_bar(bars, y, max(row.similarity, 0)))
        parts.append(_bar(bars + _BAR + 6, y, row.bm25 / most_words))
        parts.append(_words(right, then + 18, f"{row.after}", "rank"))
        parts.append(
            _words(
                right + 26, then + 18, _short(row.title, 38 if row.use == "left" else 35), "title"
            )
        )
        share = (row.score - low) / (top - low) if top > low else 1.0
        parts.append(_bar(_WIDTH - _BAR, then, share))
        parts.append("</g>")
    return _wide("Candidates before and after", "".join([*parts, "</svg>"]))


def _table(rows: Sequence[_Row]) -> str:
    uses = {"cited": "cited", "context": "in the context", "left": "left out"}
    body = "".join(
        f"<tr><td>{row.after}</td><td>{row.before}</td><th scope='row'>{escape(row.title)}</th>"
        f"<td>{escape(row.author)}</td><td>{row.similarity:.3f}</td><td>{row.bm25:.2f}</td>"
        f"<td>{row.score:.3f}</td><td>{uses[row.use]}</td></tr>"
        for row in rows
    )
    heads = (
        "rank",
        "before",
        "title",
        "author",
        "vectors (cosine)",
        "words (BM25)",
        "score",
        "use",
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return (
        '<details class="as-table"><summary>The same as a table</summary>'
        f'<div class="wide" role="region" tabindex="0" aria-label="Candidates"><table><thead><tr>'
        f"{head}</tr></thead><tbody>{body}</tbody></table></div></details>"
    )


def _prompt(answer: Answer) -> str:
    messages = answer.written.prompt
    if not messages:
        nothing = '<p class="note">There was none: no language model took part in the answer.</p>'
        return _part("prompt", "The prompt", nothing)
    blocks = "".join(
        f"<h4>{escape(message.role)}</h4><pre>{escape(message.content)}</pre>"
        for message in messages
    )
    tokens = answer.written.prompt_tokens
    size = f", {tokens:,} tokens" if tokens else ""
    return _part(
        "prompt",
        "The prompt",
        f"<details><summary>What {escape(answer.written.by)} was given{size}</summary>"
        f'<div class="messages" role="region" tabindex="0" aria-label="Prompt">{blocks}</div>'
        "</details>",
    )


def _origins(answer: Answer, lineages: Mapping[str, Sequence[Step]], dagster_link: str) -> str:
    body = origins_html(answer, lineages, dagster_link)
    return _part("origins", "Where the citations come from", body) if body else ""


def _output(answer: Answer, stage: str) -> Mapping[str, Any]:
    return next((entry.output for entry in answer.trace if entry.stage == stage), {})


def _part(name: str, title: str, body: str) -> str:
    return (
        f'<section class="{name}" aria-labelledby="{name}-title">'
        f'<h3 id="{name}-title">{title}</h3>{body}</section>'
    )


def _wide(name: str, body: str) -> str:
    """Return what may be wider than the page; it scrolls, by keyboard too."""
    return f'<div class="wide" role="region" tabindex="0" aria-label="{name}">{body}</div>'


def _svg(high: float, labelled_by: str, text: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {high}" role="img" aria-labelledby="{labelled_by}" '
        f'preserveAspectRatio="xMinYMin"><desc>{escape(text)}</desc>'
    )


def _words(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{escape(words)}</text>'


def _bar(x: float, y: float, share: float) -> str:
    width = _BAR * min(max(share, 0.0), 1.0)
    return (
        f'<rect class="track" x="{x}" y="{y + 10}" width="{_BAR}" height="8" rx="2"/>'
        f'<rect class="score" x="{x}" y="{y + 10}" width="{width:.1f}" height="8" rx="2"/>'
    )


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
