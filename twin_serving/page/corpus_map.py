"""The corpus map as a picture, with its legends and what stands for it where none is seen."""

from collections.abc import Mapping, Sequence
from html import escape

from twin_assets.documents import Category
from twin_serving.corpus_map import CorpusMap, Point
from twin_serving.page.html import count_html

COLOURED = 8  # authors that are told apart by colour
_WIDTH, _HEIGHT, _MARGIN = 1000, 520, 16
_SIZE, _LIT_SIZE = 4.5, 8.0
_CATEGORIES = {
    Category.ARTICLE: "articles",
    Category.POST: "posts",
    Category.REPOSITORY: "repositories",
}
_HOW = (
    "Chunks about similar things stand near each other: their embeddings, seen from where they "
    "differ most (two principal components)."
)


def render_map(corpus: CorpusMap, lit: Sequence[Point]) -> str:
    """Return the map: a shape a chunk, its colour the author's or the category's.

    Args:
        corpus: the points, and what they are a sample of.
        lit: the points of the current question's passages.
    """
    colours = {author.slug: at for at, (author, _) in enumerate(corpus.authors[:COLOURED])}
    names = {author.slug: author.name for author, _ in corpus.authors}
    # what has no colour of its own lies below what has
    ordered = sorted(corpus.points, key=lambda point: point.author in colours)
    points = "".join(_point(point, colours, names, _SIZE) for point in ordered)
    lights = "".join(_point(point, colours, names, _LIT_SIZE) for point in lit)
    shown = count_html(len(corpus.points), "chunk")
    if len(corpus.points) < corpus.chunks:
        shown = f"{len(corpus.points):,} of {corpus.chunks:,} chunks, evenly chosen"
    authors = count_html(len(corpus.authors), "author")
    return (
        '<section class="map" aria-labelledby="map-title"><h2 id="map-title">Map of the corpus</h2>'
        f'<p class="note">{shown}, of {authors}. {_HOW}</p>'
        '<fieldset class="colour"><legend>Colour by</legend>'
        '<label><input type="radio" name="map-colour" id="map-by-author" checked> author</label>'
        '<label><input type="radio" name="map-colour" id="map-by-category"> category</label>'
        f'</fieldset><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="application" tabindex="0" '
        f'aria-label="Map of {shown}. The arrow keys go from chunk to chunk." '
        f'aria-describedby="map-at"><g class="points">{points}</g><g class="lit">{lights}</g></svg>'
        '<p class="at note" id="map-at" role="status">Point at a chunk to read its title, or go '
        f"from one to the next with the arrow keys.</p>{_legends(corpus)}{_lit(lit, names)}"
        "</section>"
    )


def _point(point: Point, colours: Mapping[str, int], names: Mapping[str, str], size: float) -> str:
    x = _MARGIN + point.x * (_WIDTH - 2 * _MARGIN)
    y = _MARGIN + point.y * (_HEIGHT - 2 * _MARGIN)
    colour = f"k{colours[point.author]}" if point.author in colours else "other"
    title = f"{_title(point)} – {names.get(point.author, point.author)}, {point.category}"
    css = f'class="{colour} {point.category}"'
    match point.category:
        case Category.ARTICLE:
            shape, end = f'circle {css} cx="{x:.0f}" cy="{y:.0f}" r="{size}"', "circle"
        case Category.POST:
            shape = (
                f'rect {css} x="{x - size:.0f}" y="{y - size:.0f}" '
                f'width="{2 * size - 1}" height="{2 * size - 1}"'
            )
            end = "rect"
        case Category.REPOSITORY:
            corner = 1.2 * size
            lines = f"M{x:.0f} {y - corner:.0f}l{corner} {2 * corner}h{-2 * corner}z"
            shape, end = f'path {css} d="{lines}"', "path"
    return f"<{shape}><title>{escape(title)}</title></{end}>"


def _legends(corpus: CorpusMap) -> str:
    """Return what each colour means, with the chunks of the whole corpus, for both switches."""
    authors = [
        _entry(f"k{at}", escape(author.name), chunks)
        for at, (author, chunks) in enumerate(corpus.authors[:COLOURED])
    ]
    others = corpus.authors[COLOURED:]
    if others:
        name = count_html(len(others), "other author")
        authors.append(_entry("other", name, sum(chunks for _, chunks in others)))
    categories = [
        _entry(f"{category} shape", name, corpus.categories[category])
        for category, name in _CATEGORIES.items()
        if corpus.categories.get(category)
    ]
    return (
        f'<ul class="legend by-author" aria-label="Chunks by author">{"".join(authors)}</ul>'
        f'<ul class="legend by-category" aria-label="Chunks by category">{"".join(categories)}</ul>'
    )


def _entry(css: str, name: str, chunks: int) -> str:
    return (
        f'<li><i class="swatch {css}" aria-hidden="true"></i><span class="name">{name}</span>'
        f'<span class="note">{count_html(chunks, "chunk")}</span></li>'
    )


def _lit(lit: Sequence[Point], names: Mapping[str, str]) -> str:
    if not lit:
        return ""
    items = "".join(
        f'<li>{escape(_title(p))} <span class="note">{escape(names.get(p.author, p.author))}'
        "</span></li>"
        for p in lit
    )
    return f"<h3>Lit: what the last question found</h3><ul>{items}</ul>"


def _title(point: Point) -> str:
    return point.title or "Untitled"
