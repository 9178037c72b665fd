"""Which part of a page is the article.

Each passage of the page gets a score: how much of it two other extractors kept, and what its
own form and place say. The weights are log-odds, fitted to real pages and rounded. The article
is the smallest element that holds nearly all that speaks for an article, less what in it
neither scores for itself nor stands among what does.
"""

import re
from collections import Counter, defaultdict

from twin_assets.extraction.passages import Passage, Run, Structure
from twin_assets.extraction.tree import Element
from twin_assets.extraction.votes import Vote, votes_on

_BASE = -1.2
_KEPT_BY_TRAFILATURA = 3.2  # it rarely keeps what is not the article's, and misses more
_KEPT_BY_RESILIPARSE = 1.4  # it misses little, and keeps more
_LINKED = -1.0
_IN_CHROME = -1.0
_CALLED_CHROME = -1.0
_PROSE = 0.8
_IN_ARTICLE = 0.5
_ENDS_A_SENTENCE = 0.3
_HEADING = -1.2  # beside an article stand more headings than in it
_STATED = 1.5  # in the text that the page states as the article's in its metadata

# One passage never outweighs several of its length; nor does the company it keeps.
_MOST = 4.0
_MOST_FOR_COMPANY = 2.0

_HOLDS_THE_ARTICLE = 0.9

# Text with more of its words in links is a menu, whatever the extractors make of it.
_MOST_LINKED = 0.9

_CHROME_TAGS = frozenset(["nav", "footer", "aside"])
_CHROME_NAMES = re.compile(
    r"(?<![a-z])(?:nav|navbar|navigation|menu|side-?bar|footer|foot|masthead|breadcrumbs?"
    r"|pagination|pager|shar(?:e|ing)|social|related|recommend(?:ed|ations?)?|promo"
    r"|advert(?:isement)?|ads?|sponsor(?:ed)?|newsletter|subscribe|subscription|sign-?up|log-?in"
    r"|paywall|cookies?|consent|gdpr|banner|comments?|disqus|respond|tags?|widget|popup|modal"
    r"|toolbar|byline|author|meta|caption|credit)(?![a-z])",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?:。！？：]['\"”’)]*\s*$")
_HEADING_TAG = re.compile(r"h[1-6]")


def article(tree: Element, stated: str) -> Element | None:
    """Return the part of the page that is its article, or None if it has none.

    Args:
        tree: the page's visible elements.
        stated: the article's text as the page's metadata give it, or "".
    """
    structure = Structure(tree)
    found = list(structure.passages())
    scores = _scores(found, tree, stated)
    holder = _holder(tree, found, scores)
    kept = _kept(holder, found, scores)
    linked = sum(passage.linked for passage in kept)
    if not kept or linked > _MOST_LINKED * sum(len(passage.words) for passage in kept):
        return None
    return _only(holder, {passage.run for passage in kept}, structure)


def _scores(found: list[Passage], tree: Element, stated: str) -> list[float]:
    trafilatura, resiliparse = votes_on(tree.html())
    metadata = Vote.on(stated)
    size: Counter[Element] = Counter()
    for passage in found:
        for element in passage.path:
            size[element] += len(passage.words)
    # What holds most of the page may be called anything: "page with-sidebar has-comments".
    called_chrome = {
        element
        for element, count in size.items()
        if count <= size[tree] / 2 and _CHROME_NAMES.search(element.names)
    }
    scores = []
    for passage in found:
        score = (
            _BASE
            + _KEPT_BY_TRAFILATURA * trafilatura.share(passage.words)
            + _KEPT_BY_RESILIPARSE * resiliparse.share(passage.words)
            + _by_form(passage)
        )
        if any(element in called_chrome for element in passage.path):
            score += _CALLED_CHROME
        if stated:
            score += _STATED * metadata.share(passage.words)
        scores.append(_within(score, _MOST))
    return scores


def _by_form(passage: Passage) -> float:
    tags = {element.tag for element in passage.path}
    count = len(passage.words)
    linked = passage.linked / count
    score = _LINKED * linked
    if not tags.isdisjoint(_CHROME_TAGS):
        score += _IN_CHROME
    if passage.is_code or (count >= 12 and linked < 0.3):
        score += _PROSE
    if "article" in tags or "main" in tags:
        score += _IN_ARTICLE
    if _SENTENCE_END.search(passage.text):
        score += _ENDS_A_SENTENCE
    if _HEADING_TAG.fullmatch(passage.path[-1].tag):
        score += _HEADING
    return score


def _holder(tree: Element, found: list[Passage], scores: list[float]) -> Element:
    """Return the smallest element that holds nearly all that speaks for an article."""
    weight: defaultdict[Element, float] = defaultdict(float)
    for passage, score in zip(found, scores, strict=True):
        for element in passage.path:
            weight[element] += max(0.0, score) * len(passage.words)
    enough = _HOLDS_THE_ARTICLE * weight[tree]
    holder = tree
    while True:
        inner = next((e for e in holder.elements if weight[e] and weight[e] >= enough), None)
        if inner is None:
            return holder
        holder = inner


def _kept(holder: Element, found: list[Passage], scores: list[float]) -> list[Passage]:
    """Return the passages of the holder that belong to the article."""
    total: defaultdict[Element, float] = defaultdict(float)
    size: Counter[Element] = Counter()
    inside = [(p, s) for p, s in zip(found, scores, strict=True) if holder in p.path]
    for passage, score in inside:
        for element in passage.path:
            total[element] += score * len(passage.words)
            size[element] += len(passage.words)
    kept = []
    for passage, score in inside:
        company = 0.0
        for element in passage.path[passage.path.index(holder) :]:
            mean = _within(total[element] / size[element], _MOST_FOR_COMPANY)
            company = (company + mean) / 2  # the nearer it is, the more it counts
        if score + company > 0:
            kept.append(passage)
    return kept


def _only(element: Element, kept: set[Run], structure: Structure) -> Element:
    """Return a copy of the element that has these runs and no other."""
    children: list[Element | str] = []
    for part in structure.parts[element]:
        if isinstance(part, Run):
            if part in kept:
                children.extend(part.pieces)
        elif (inner := _only(part, kept, structure)).children:
            children.append(inner)
    return Element(element.tag, element.attributes, children)


def _within(value: float, most: float) -> float:
    return max(-most, min(most, value))
