"""Small plots as SVG: they are kept with every event of every author.

The Dagster UI shows Markdown in its place if it has fewer than 1,000 characters, and else a button
that opens it. Every plot keeps below that.
"""

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

import numpy as np

from twin_assets.artifacts import Vectors

_WIDTH, _HEIGHT, _EDGE = 360, 140, 24
_COLOUR = "#0b6e99"
_BINS = 12
_MOST_POINTS = 60
_PLAIN = "/:;,='"  # needs no escape in a URL in Markdown; base64 would take a third more


def image(svg: str, words: str) -> str:
    """Return the plot as a Markdown image with a data URI; ``words`` stand in its place."""
    return f"![{words}](data:image/svg+xml,{quote(svg, safe=_PLAIN)})"


def histogram(values: Sequence[int], label: str) -> str:
    """Return how many values there are of each size, in twelve steps from 0 to the largest."""
    counts, edges = np.histogram(values, bins=_BINS, range=(0, max(1, *values, 1)))
    most = max(1, int(counts.max()))
    wide = (_WIDTH - 2 * _EDGE) / _BINS
    bars = "".join(
        f"M{_EDGE + wide * at:.0f},{_y(0)}V{_y(count / most)}h{wide - 2:.0f}V{_y(0)}z"
        for at, count in enumerate(counts)
        if count
    )
    texts = [
        _text(_EDGE, _HEIGHT - 6, "0"),
        _text(_WIDTH - _EDGE, _HEIGHT - 6, f"{edges[-1]:.0f} {label}", "end"),
        _text(_EDGE, 12, f"{most} at most"),
    ]
    return _svg(f"<path d='{bars}' fill='{_COLOUR}'/>", *texts)


def scatter(vectors: Vectors) -> str:
    """Return the vectors on their two principal components, 60 of them at most.

    Args:
        vectors: float32 (vectors, dimension).
    """
    spread = np.linspace(0, len(vectors) - 1, min(len(vectors), _MOST_POINTS))
    some = vectors[spread.astype(np.intp)].astype(np.float64)
    points, share = _principal(some)
    span = np.abs(points).max(initial=0.0) or 1.0
    x = _WIDTH / 2 + points[:, 0] / span * (_WIDTH / 2 - _EDGE)
    y = _HEIGHT / 2 + points[:, 1] / span * (_HEIGHT / 2 - _EDGE)
    dots = "".join(f"M{a:.0f},{b:.0f}h0" for a, b in zip(x, y, strict=True))
    path = f"<path d='{dots}' stroke='{_COLOUR}' stroke-width='5' stroke-linecap='round'/>"
    words = f"{len(some)} of {len(vectors)} windows, {share:.0%} of their variance"
    return _svg(path, _text(_EDGE, _HEIGHT - 6, words))


def bars(shares: Mapping[str, float], least: float) -> str:
    """Return a bar for each share, 0 to 1, and a line at what it should be at least."""
    tall = (_HEIGHT - 2 * _EDGE) / max(1, len(shares))
    wide = _WIDTH - 2 * _EDGE
    parts = []
    for at, (name, share) in enumerate(shares.items()):
        y = _EDGE + tall * at
        parts.append(
            f"<path d='M{_EDGE},{y:.0f}h{wide * share:.0f}v{tall - 4:.0f}H{_EDGE}z' "
            f"fill='{_COLOUR}'/>"
        )
        parts.append(_text(_EDGE + 4, y + tall / 2 + 2, f"{name} {share:.3f}", colour="#fff"))
    x = _EDGE + wide * least
    line = f"<path d='M{x:.0f},{_EDGE}V{_HEIGHT - _EDGE}' stroke='#b91c1c'/>"
    return _svg(*parts, line, _text(x, _HEIGHT - 6, f"at least {least:g}", "end"))


def _principal(vectors: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> tuple[Vectors, float]:
    """Return the coordinates (vectors, 2), and the share of the variance that they show."""
    if len(vectors) < 2:
        return np.zeros((len(vectors), 2), np.float32), 1.0
    u, s, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    two = np.zeros((len(vectors), 2))
    two[:, : len(s[:2])] = u[:, :2] * s[:2]
    total = float((s**2).sum())
    return two.astype(np.float32), float((s[:2] ** 2).sum()) / total if total else 1.0


def _y(share: float) -> str:
    return f"{_EDGE + (_HEIGHT - 2 * _EDGE) * (1 - share):.0f}"


def _text(x: float, y: float, words: str, anchor: str = "start", colour: str = "#333") -> str:
    return (
        f"<text x='{x:.0f}' y='{y:.0f}' text-anchor='{anchor}' fill='{colour}'>"
        f"{escape(words)}</text>"
    )


def _svg(*parts: str) -> str:
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{_WIDTH}' height='{_HEIGHT}' "
        "style='background:#fff;font:11px sans-serif'>"
    )
    return "".join([head, *parts, "</svg>"])
