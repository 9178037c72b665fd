"""Charts as HTML and inline SVG in the page's own style, each with a text and a table beside it.

Shapes are drawn in a box of 100 by 100 that stretches to its place; words stand outside of it, so
that they keep their size on any screen.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

_BAR = 0.7  # of the room that a bar has
_EMPTY = "–"


@dataclass(frozen=True, slots=True)
class Series:
    """A row of values, one for each label of the chart; None where there is none."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart says.

    ``name`` is its id on the page, ``title`` stands above it, ``about`` is one sentence with what a
    reader would see in it. ``labels`` are those of the horizontal axis, ``shown`` says how a value
    is written, with its unit.
    """

    name: str
    title: str
    about: str
    labels: Sequence[str]
    series: Sequence[Series]
    shown: Callable[[float], str]


def bars_html(chart: Chart) -> str:
    """Return one bar a label, those of several series on top of each other."""
    totals = [sum(value or 0 for value in values) for values in _columns(chart)]
    top = axis_top(max(totals, default=0))
    room = 100 / max(len(chart.labels), 1)
    shapes = []
    for at, values in enumerate(_columns(chart)):
        floor_ = 100.0
        for number, value in enumerate(values):
            height = 100 * (value or 0) / top
            if height:
                floor_ -= height
                shapes.append(
                    f'<rect class="s{number}" x="{room * (at + (1 - _BAR) / 2):.2f}" '
                    f'y="{floor_:.2f}" width="{room * _BAR:.2f}" height="{height:.2f}"/>'
                )
    return _figure(chart, top, "".join(shapes))


def lines_html(chart: Chart) -> str:
    """Return a line a series, which breaks where there is no value; a lone value is a dot."""
    top = axis_top(max((v for one in chart.series for v in one.values if v is not None), default=0))
    room = 100 / max(len(chart.labels), 1)
    shapes = []
    for number, one in enumerate(chart.series):
        for stretch in _stretches(one.values):
            points = [f"{room * (at + 0.5):.2f} {100 - 100 * v / top:.2f}" for at, v in stretch]
            # a line of no length still has round ends, which make a dot
            path = "M" + "L".join(points if len(points) > 1 else points * 2)
            lone = "" if len(points) > 1 else " lone"
            shapes.append(f'<path class="s{number}{lone}" d="{path}"/>')
    return _figure(chart, top, "".join(shapes))


def axis_top(largest: float) -> float:
    """Return the end of an axis that begins at 0: 1, 2, 4, 5 or 8 of the largest value's place."""
    if largest <= 0:
        return 1.0
    place: float = 10.0 ** floor(log10(largest))
    return next(step * place for step in (1, 2, 4, 5, 8, 10) if largest <= step * place * 1.000001)


def _columns(chart: Chart) -> Iterator[tuple[float | None, ...]]:
    return zip(*(one.values for one in chart.series), strict=True)


def _stretches(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Yield the values that follow each other without a gap, each with its place."""
    stretch: list[tuple[int, float]] = []
    for at, value in enumerate([*values, None]):
        if value is not None:
            stretch.append((at, value))
        elif stretch:
            yield stretch
            stretch = []


def _figure(chart: Chart, top: float, shapes: str) -> str:
    name = escape(chart.name)
    ticks = "".join(f"<span>{escape(chart.shown(value))}</span>" for value in (top, top / 2))
    ends = dict.fromkeys([*chart.labels[:1], *chart.labels[len(chart.labels) // 2 :][:1]])
    ends |= dict.fromkeys(chart.labels[-1:])
    return (
        f'<figure class="chart" aria-labelledby="{name}-title">'
        f'<figcaption id="{name}-title">{escape(chart.title)}{_legend(chart)}</figcaption>'
        f'<div class="plot"><div class="ticks" aria-hidden="true">{ticks}<span>0</span></div>'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" '
        f'aria-labelledby="{name}-svg-title {name}-svg-desc">'
        f'<title id="{name}-svg-title">{escape(chart.title)}</title>'
        f'<desc id="{name}-svg-desc">{escape(chart.about)}</desc>'
        '<path class="grid" d="M0 0H100M0 50H100M0 100H100"/>'
        f"{shapes}</svg>"
        '<div class="labels" aria-hidden="true">'
        f"{''.join(f'<span>{escape(end)}</span>' for end in ends)}</div></div>"
        f"{_table(chart)}</figure>"
    )


def _legend(chart: Chart) -> str:
    if len(chart.series) < 2:
        return ""
    keys = "".join(
        f'<span class="key"><i class="s{number}" aria-hidden="true"></i>{escape(one.name)}</span>'
        for number, one in enumerate(chart.series)
    )
    return f'<span class="keys">{keys}</span>'


def _table(chart: Chart) -> str:
    heads = "".join(f'<th scope="col">{escape(one.name)}</th>' for one in chart.series)
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th>'
        + "".join(f"<td>{_EMPTY if v is None else escape(chart.shown(v))}</td>" for v in values)
        + "</tr>"
        for label, values in zip(chart.labels, _columns(chart), strict=True)
    )
    return (
        f'<details class="numbers"><summary>{escape(chart.title)} as a table</summary>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(chart.title)}">'
        f'<table><thead><tr><th scope="col">day</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )
