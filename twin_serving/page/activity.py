"""Activity: what was asked, how long it took and what became of it, from the audit trail."""

from collections.abc import Mapping, Sequence
from html import escape

import gradio as gr

from twin_assets.errors import TwinError
from twin_serving.activity import Activity, Share, read_activity
from twin_serving.audit import AuditEntry, AuditLog
from twin_serving.page.charts import Chart, Series, bars_html, lines_html
from twin_serving.page.components import QUIET, html, or_fault
from twin_serving.page.html import count_html, moment_html, notice_html, seconds_html
from twin_serving.twin import Twin

_PERIODS = [("7 days", 7), ("30 days", 30), ("90 days", 90)]
_LATEST = 20  # questions in the table
_SHARES = 10  # authors or providers in a table
_QUESTION = 200  # characters shown of one


def activity_tab(twin: Twin, tab: gr.Tab) -> None:
    """Make the tab's components; they are filled when the tab is opened."""
    with gr.Column(elem_id="twin-activity"):
        period = gr.Radio(
            _PERIODS, value=30, label="Period", elem_id="twin-period", interactive=True
        )
        shown = html(elem_id="twin-activity-result")

        def on_show(days: int) -> str:
            return or_fault(lambda: activity_html(twin, days))

        gr.on([tab.select, period.change], on_show, [period], [shown], **QUIET)


def activity_html(twin: Twin, days: int) -> str:
    """Return what was asked over so many days.

    Raises:
        StorageError: the audit trail cannot be read.
    """
    if twin.audit is None:
        return notice_html(
            "No question is kept (TWIN_AUDIT=false). Set TWIN_AUDIT=true and start the page "
            "again, and what is asked from then on is shown here."
        )
    activity = read_activity(twin.audit, days)
    if not activity.questions:
        return notice_html(
            f"Nothing was asked in the last {days} days. Ask something on the tab Ask, "
            "and come back."
        )
    return render_activity(activity, _names(twin)) + render_latest(
        _latest(twin.audit), _names(twin)
    )


def render_activity(activity: Activity, names: Mapping[str, str]) -> str:
    """Return the numbers, the charts, and the tables by stage, provider and author."""
    stages = {stage.name: stage.name.replace("_", " ") for stage in activity.stages}
    return (
        _figures(activity)
        + f'<div class="charts">{_charts(activity)}</div>'
        + '<div class="tables">'
        + _shares("Time by stage", activity.stages, stages)
        + _shares("Answered by", activity.providers, {})
        + _shares("Authors", activity.authors, names)
        + "</div>"
    )


def render_latest(entries: Sequence[AuditEntry], names: Mapping[str, str]) -> str:
    """Return the newest questions as a table; what was typed is shown as text."""
    heads = ("when", "question", "author", "answered by", "seconds", "outcome", "vote")
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    rows = "".join(_row(entry, names) for entry in entries)
    return (
        '<section class="latest" aria-labelledby="latest-title">'
        '<h3 id="latest-title">Latest questions</h3>'
        '<div class="scroll" tabindex="0" role="region" aria-labelledby="latest-title">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        '<p class="note">All of them, with answers and passages: <code>twin audit --jsonl</code>'
        "</p></section>"
    )


def _names(twin: Twin) -> Mapping[str, str]:
    """Return the served authors' names by slug."""
    try:
        return {one.author.slug: one.author.name for one in twin.catalog.served().partitions}
    except TwinError:  # whoever is not served any more is shown by the slug
        return {}


def _latest(log: AuditLog) -> list[AuditEntry]:
    return list(log.entries(limit=_LATEST))


def _figures(activity: Activity) -> str:
    answered = activity.questions
    figures = [
        ("questions", f"{activity.questions:,}"),
        ("median time", _seconds(activity.latency.p50)),
        ("95 % within", _seconds(activity.latency.p95)),
        ("no answer", _percent(activity.unanswered, answered)),
        ("not compliant", _percent(activity.not_compliant, activity.judged)),
        ("thumbs up", f"{activity.up:,}"),
        ("thumbs down", f"{activity.down:,}"),
    ]
    items = "".join(
        f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in figures
    )
    return f'<dl class="figures">{items}</dl>'


def _charts(activity: Activity) -> str:
    days = activity.days
    labels = [f"{day.day:%d %b}" for day in days]
    busiest = max(days, key=lambda day: day.questions)
    asked = Chart(
        "asked",
        "Questions a day",
        f"{count_html(activity.questions, 'question')} over {len(days)} days (UTC), "
        f"the most on {busiest.day:%d %b}: {busiest.questions:,}.",
        labels,
        [Series("questions", [day.questions for day in days])],
        lambda value: f"{value:,.0f}" if value == int(value) else "",
    )
    took = Chart(
        "took",
        "Time to answer",
        f"Half of all answers were whole within {_seconds(activity.latency.p50)}, "
        f"95 of 100 within {_seconds(activity.latency.p95)}.",
        labels,
        [
            Series("median", [day.latency.p50 for day in days]),
            Series("95 %", [day.latency.p95 for day in days]),
        ],
        _seconds,
    )
    voted = Chart(
        "voted",
        "Feedback",
        f"{activity.up:,} thumbs up and {activity.down:,} thumbs down.",
        labels,
        [
            Series("up", [day.up for day in days]),
            Series("down", [day.down for day in days]),
        ],
        asked.shown,
    )
    return bars_html(asked) + lines_html(took) + bars_html(voted)


def _shares(title: str, shares: Sequence[Share], names: Mapping[str, str]) -> str:
    if not shares:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(names.get(share.name, share.name))}</th>'
        f"<td>{share.questions:,}</td><td>{escape(_seconds(share.latency.p50))}</td>"
        f"<td>{escape(_seconds(share.latency.p95))}</td></tr>"
        for share in shares[:_SHARES]
    )
    more = len(shares) - _SHARES
    note = f'<p class="note">and {more:,} more</p>' if more > 0 else ""
    return (
        f'<section><table><thead><tr><th scope="col">{title}</th>'
        '<th scope="col">asked</th><th scope="col">median</th>'
        f'<th scope="col">95 %</th></tr></thead><tbody>{rows}</tbody></table>{note}</section>'
    )


def _row(entry: AuditEntry, names: Mapping[str, str]) -> str:
    question = entry.question
    if len(question) > _QUESTION:
        question = question[:_QUESTION] + "…"
    author = names.get(entry.author, entry.author) if entry.author else "any"
    vote = entry.feedback.vote if entry.feedback else None
    cells = [
        f'<td class="when">{moment_html(entry.at)}</td>',
        f'<td class="question">{escape(question)}</td>',
        f"<td>{escape(author)}</td>",
        f"<td>{escape(entry.model or entry.provider or 'nobody')}</td>",
        f'<td class="number">{seconds_html(entry.seconds)}</td>',
        f"<td>{_outcome(entry)}</td>",
        f"<td>{vote or ''}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _outcome(entry: AuditEntry) -> str:
    if entry.fault:
        return f'<span class="fault">{escape(entry.fault)}</span>'
    notes = [count_html(len(entry.chunk_ids), "chunk") if entry.chunk_ids else "nothing fitting"]
    if entry.compliant is False:
        notes.append(f"not compliant: {escape(entry.policy_reason or '')}")
    return " · ".join(notes)


def _seconds(seconds: float | None) -> str:
    """Return the time as text that is yet to be escaped; a column has no room for more."""
    if seconds is None:
        return "–"
    return "<1 ms" if seconds < 0.001 else seconds_html(seconds)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"
