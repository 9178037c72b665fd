"""Invented authors of many shapes of name, drawn from a seed."""

import random
from collections.abc import Iterator

from twin_assets.documents import Author, slugify

_FIRST = (
    *("Mara", "Tomas", "Inês", "Peter", "Elena", "Siobhán", "Björn", "Chidi", "Ayşe", "Luca"),
    *("Anneke", "Rafael", "Noor", "Yusuf", "Katja", "Émile", "Priya", "Jonas", "Saoirse", "Ivo"),
    *("Beatriz", "Hamid", "Freya", "Oskar", "Linnea", "Dmitri", "Zoë", "Andrew", "Maria", "Ada"),
    *("Kwame", "Søren", "Ngozi", "Mateusz", "Helga", "Ravi", "Thea", "Viktor", "Amara", "Pascal"),
)
_LAST_START = (
    *("Lind", "Oka", "Brandt", "Hallo", "Quill", "Mor", "Vester", "Tamas", "Iva", "Kowal"),
    *("Fern", "Szab", "Åker", "Dunm", "Petr", "Ruiz", "Nak", "Ødeg", "Castel", "Brennec"),
    *("Hjort", "Mbek", "Sandov", "Thorn", "Gunnar", "Varg", "Wierz", "Zelen", "Asher", "Bellam"),
)
_LAST_END = ("qvist", "for", "ner", "ran", "eau", "aard", "ova", "ski", "ez", "ó", "by", "ini", "")
_LAST_KNOWN = ("Johnson", "Smith", "Berg", "Garcia", "O'Brien", "Müller", "Kim", "Ek", "Łukasz")
_PARTICLES = ("van der", "de la", "von", "dos", "al")
_WORDS_FIRST = ("Rose", "Will", "Mark", "Grace", "Hope", "Art", "Summer", "June", "Faith", "Max")
_WORDS_LAST = ("Field", "Down", "Stone", "Rivers", "Baker", "Winter", "Frost", "Price", "Page")
WORDS = frozenset((*_WORDS_FIRST, *_WORDS_LAST))
_SINGLE = ("Voltaro", "Quillon", "Nimbuska", "Aurelix", "Teodorka")
_OTHER_SCRIPTS = (
    *("Ольга Синицына", "Дмитро Гайворон", "Νίκος Παππάς", "Δήμητρα Ρούσσου", "ليلى حداد"),
    *("陈伟明", "山田花子", "김서연", "नीरज शर्मा", "נועה ברקוביץ"),
)
_NICKNAMES = ("Captain Crumb", "The Rye Witch", "Old Kernel", "Doctor Diff", "Madam Merge")


def authors_of(seed: int, count: int = 50) -> list[Author]:
    """Return the seed's authors: some share a name, some names are words, some are not Latin."""
    draw = random.Random(seed)
    names: dict[str, str] = {}
    for name in _names(draw):
        names.setdefault(slugify(name), name)
        if len(names) == count:
            break
    nicknames = draw.sample(_NICKNAMES, 3)
    slugs = list(names)
    draw.shuffle(slugs)
    taken: set[str] = set()
    made = []
    for slug in slugs:
        aliases = tuple(a for a in _aliases(slug, nicknames, draw) if a not in taken)
        taken.update(aliases)
        made.append(Author(slug, names[slug], aliases=aliases))
    return made


def _names(draw: random.Random) -> Iterator[str]:
    yield from draw.sample(_OTHER_SCRIPTS, 4)
    yield from draw.sample(_SINGLE, 2)
    words_first = draw.sample(_WORDS_FIRST, 4)
    for word_last in draw.sample(_WORDS_LAST, 4):
        yield f"{words_first.pop()} {word_last}"
    first, other, *_ = draw.sample(_FIRST, 8)
    for _ in range(2):
        yield f"{first} {_last(draw)}"  # a shared first name
        yield f"{other} {_last(draw)}"
    last = _last(draw)
    for shared in draw.sample(_FIRST, 2):
        yield f"{shared} {last}"
    yield f"{draw.choice(_FIRST)}-{draw.choice(_FIRST)} {_last(draw)}"
    for _ in range(2):
        yield f"{draw.choice(_FIRST)} {draw.choice(_PARTICLES)} {_last(draw)}"
        yield f"{draw.choice(_FIRST)} {_last(draw)}-{_last(draw)}"
        yield f"{draw.choice('ABCDEHJKLMNPRST')}. {draw.choice('ABCDEHJKLMNPRST')}. {_last(draw)}"
        yield f"{draw.choice(_FIRST)} {draw.choice(_LAST_KNOWN)}"
        yield f"{draw.choice(_FIRST)} {draw.choice(_WORDS_LAST)}"
    while True:
        yield f"{draw.choice(_FIRST)} {_last(draw)}"


def _last(draw: random.Random) -> str:
    return draw.choice(_LAST_START) + draw.choice(_LAST_END)


def _aliases(slug: str, nicknames: list[str], draw: random.Random) -> Iterator[str]:
    parts = slug.split("-")
    if slug.isascii() and draw.random() < 0.4:
        yield draw.choice((f"{parts[0]}_{parts[-1][:1]}", f"{parts[-1]}{draw.randint(10, 99)}"))
    elif nicknames and draw.random() < 0.2:
        yield nicknames.pop()
