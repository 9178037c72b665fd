"""A small plot with logarithmic axes, as SVG; no plotting library is needed for it."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from pathlib import Path

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 760, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 250, 40, 48
_COLOURS = (
    *("#0b6e99", "#c2410c", "#15803d", "#7c3aed", "#b91c1c", "#525252"),
    *("#a16207", "#0f766e", "#db2777", "#1e3a8a"),
)


def plot(path: Path, title: str, axes: tuple[str, str], lines: Mapping[str, Points]) -> None:
    """Draw the lines, each through its points, with a legend; decades are ruled.

    Raises:
        OSError: the file cannot be written.
    """
    points = [point for line in lines.values() for point in line]
    x_decades = _decades([x for x, _ in points])
    y_decades = _decades([y for _, y in points])

    def place(x: float, y: float) -> tuple[float, float]:
        across = (log10(x) - x_decades[0]) / (x_decades[-1] - x_decades[0])
        up = (log10(y) - y_decades[0]) / (y_decades[-1] - y_decades[0])
        wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return round(_LEFT + across * wide, 1), round(_HEIGHT - _BOTTOM - up * high, 1)

    left, right = 10.0 ** x_decades[0], 10.0 ** x_decades[-1]
    bottom, top = 10.0 ** y_decades[0], 10.0 ** y_decades[-1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 22, title, size=15),
        _text(_LEFT, _HEIGHT - 10, f"{axes[0]} across, {axes[1]} up"),
    ]
    for decade in x_decades:
        x, y = place(10.0**decade, bottom)
        parts += [_line([(x, y), place(10.0**decade, top)], "#e5e5e5", 1)]
        parts += [_text(x, y + 16, f"{10.0**decade:,.0f}", anchor="middle")]
    for decade in y_decades:
        x, y = place(left, 10.0**decade)
        parts += [_line([(x, y), place(right, 10.0**decade)], "#e5e5e5", 1)]
        parts += [_text(x - 6, y + 4, f"{10.0**decade:g}", anchor="end")]
    for at, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[at % len(_COLOURS)]
        placed = [place(x, y) for x, y in sorted(line)]
        parts += [_line(placed, colour, 2)]
        parts += [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>' for x, y in placed]
        x, y = _WIDTH - _RIGHT + 16, _TOP + 10 + 20 * at
        parts += [_line([(x, y), (x + 18, y)], colour, 2), _text(x + 24, y + 4, name)]
    path.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")


def _decades(values: Sequence[float]) -> list[int]:
    first, last = floor(log10(min(values))), ceil(log10(max(values)))
    return list(range(first, max(last, first + 1) + 1))


def _line(points: Points, colour: str, width: int) -> str:
    where = " ".join(f"{x},{y}" for x, y in points)
    return f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, words: str, *, size: int = 12, anchor: str = "start") -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="#333">'
        f"{escape(words)}</text>"
    )
