"""Measurements over time as a plot: an SVG that Markdown can hold, without a plotting library."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from math import floor

from twin_serving.evaluation.quality import DENSE, MRR, RECALL, Quality

_WIDTH, _HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 150, 24, 40
_MOST_DATES = 6
_LINES = {RECALL: "#0b6e99", MRR: "#15803d", RECALL + DENSE: "#a3a3a3"}


def history_image(measured: Sequence[Quality]) -> str:
    """Return the measurements, oldest first, as a Markdown image with a data URI."""
    svg = history_svg(measured)
    data = b64encode(svg.encode()).decode()
    return f"![{', '.join(_LINES)} over time](data:image/svg+xml;base64,{data})"


def history_svg(measured: Sequence[Quality]) -> str:
    """Return the plot: a line for each figure with its 95 % intervals, a legend, dates below."""
    lines = {name: [one.figures[name] for one in measured] for name in _LINES}
    lowest = min(figure.low for line in lines.values() for figure in line)
    bottom = min(floor(lowest * 10) / 10, 0.9)

    def x_of(at: int) -> float:
        wide = _WIDTH - _LEFT - _RIGHT
        return round(_LEFT + wide * (at + 0.5) / len(measured), 1)

    def y_of(value: float) -> float:
        high = _HEIGHT - _TOP - _BOTTOM
        return round(_TOP + high * (1 - value) / (1 - bottom), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
    ]
    for value in (bottom, (bottom + 1) / 2, 1.0):
        y = y_of(value)
        parts += [_line(_LEFT, y, _WIDTH - _RIGHT, y, "#e5e5e5")]
        parts += [_text(_LEFT - 6, y + 4, f"{value:.2f}", "end")]
    every = -(-len(measured) // _MOST_DATES)
    for at in range(0, len(measured), every):
        parts.append(_text(x_of(at), _HEIGHT - 16, measured[at].at[:10], "middle"))
    for row, (name, figures) in enumerate(lines.items()):
        colour = _LINES[name]
        points = [(x_of(at), y_of(figure.mean)) for at, figure in enumerate(figures)]
        parts += [
            _line(x, y_of(figure.low), x, y_of(figure.high), colour)
            for (x, _), figure in zip(points, figures, strict=True)
        ]
        where = " ".join(f"{x},{y}" for x, y in points)
        parts.append(f'<polyline points="{where}" fill="none" stroke="{colour}"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>' for x, y in points]
        y = _TOP + 8 + 20 * row
        parts.append(_text(_WIDTH - _RIGHT + 12, y, name, "start", colour))
    return "\n".join([*parts, "</svg>"])


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"/>'


def _text(x: float, y: float, words: str, anchor: str, colour: str = "#333") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
