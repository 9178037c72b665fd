"""What a word's neighbours in a question say: an author's name, an ordinary word, or another's."""

from collections.abc import Sequence

from twin_serving.retrieval.question_words import Word

# What only a person can do: the word before these is a name even where it is an ordinary word.
_SAYING = {
    *("say", "think", "write", "recommend", "advise", "explain", "suggest", "argue", "believe"),
    *("says", "thinks", "writes", "recommends", "advises", "explains", "suggests", "argues"),
    *("believes", "said", "thought", "wrote", "recommended", "advised", "explained", "suggested"),
    *("argued", "believed", "right", "wrong"),
}
# What stands before a name that does it, and never before "the field says".
_LEADING = {
    *("does", "did", "do", "would", "could", "should", "can", "has", "is", "was", "what", "how"),
    *("that", "as", "and", "or", "but", "when", "if", "why", "where", "which"),
}
# What a question begins with; another capital there is a name's first half.
_OPENING = {
    *_LEADING,
    *("will", "are", "were", "had", "have", "may", "might", "must", "who", "whom", "whose"),
    *("about", "after", "before", "by", "for", "from", "in", "on", "per", "since", "to", "with"),
    *("ask", "cite", "compare", "describe", "explain", "find", "get", "give", "list", "name"),
    *("quote", "read", "search", "show", "summarise", "summarize", "tell", "the", "use", "say"),
    *("hi", "hello", "hey", "dear", "please", "thanks", "so", "then", "also", "not", "only"),
}
_DETERMINERS = {
    *("the", "a", "an", "this", "these", "some", "any", "no", "my", "our", "your", "their"),
}
# "the max price", "how to mark down": no names, though they may be somebody's.
_BEFORE_ORDINARY = {*_DETERMINERS, "its", "to", "i", "we", "you", "they", "it", "not", "will"}
_WRITINGS = {
    *("view", "views", "opinion", "opinions", "advice", "article", "articles", "post", "posts"),
    *("book", "books", "blog", "writing", "writings", "essay", "essays", "take", "code"),
}
_WRITTEN_BY = {*_WRITINGS, "written", "said", "recommended", "suggested", "anything", "everything"}

# A single capital after these is a place or a time, unless it owns something: "in Florence".
_BEFORE_PLACES = {"in", "at", "since", "until", "till", "during", "last", "next", "every", "this"}
_MONTHS = {"april", "august", "may", "june"}
_BEFORE_MONTHS = {
    *_BEFORE_PLACES,
    *("on", "by", "from", "of", "to", "before", "after", "early", "late"),
}

# What stands between two names in one breath.
_JOINING = {
    *(("and",), ("or",), ("nor",), ("vs",), ("versus",), ("with",)),
    *(("agree", "with"), ("agrees", "with"), ("disagree", "with"), ("disagrees", "with")),
}
_JOINING_SIGNS = {"&", "/", "+"}

_PARTICLES = {
    *("van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "du", "la", "el"),
    *("al", "bin", "ibn", "ter", "ten", "zu"),
}
_HONORIFICS = {"mr", "mrs", "ms", "miss", "dr", "prof", "professor"}
# Words that refer to somebody who is not named.
_PERSONS = {"he", "she", "him", "her", "his", "hers", "who", "whose", "author", "writer", "blogger"}


def is_marked_as_name(words: Sequence[Word], start: int, end: int) -> bool:
    """Tell whether capitals or neighbours make ``words[start:end]`` a name, ordinary as it is."""
    first, last = words[start], words[end - 1]
    before, after = _text(words, start - 1), _text(words, end)
    # "the Green party", but not "A. Green"
    is_determined = before in _DETERMINERS and first.joined and not words[start - 1].capital
    if any(word.capital for word in words[start:end]) and not is_determined:
        return True
    if after in _SAYING and (before in ("", *_LEADING) or not first.joined):
        return True
    if last.possessive and after in _WRITINGS:
        return True
    two_before = _text(words, start - 2)
    return (two_before, before) == ("according", "to") or (
        before == "by" and two_before in _WRITTEN_BY
    )


def are_joined(words: Sequence[Word], doubtful: tuple[int, int], name: tuple[int, int]) -> bool:
    """Tell whether a word is joined to a name, as in "Rose and Quill", and may be one itself.

    Args:
        words: the question's.
        doubtful: the first place of the words in doubt, and the one after the last.
        name: the same of the name.
    """
    start = doubtful[0]
    if words[start].joined and _text(words, start - 1) in _DETERMINERS:
        return False
    (_, end), (next_start, _) = sorted((doubtful, name))
    if end != next_start:
        return tuple(word.text for word in words[end:next_start]) in _JOINING
    sign = words[end].between.strip()
    return sign in _JOINING_SIGNS or (sign == "," and words[start].upper)


def is_ordinary(words: Sequence[Word], start: int, end: int) -> bool:
    """Tell whether several ordinary words without a mark are just that."""
    if words[start].upper != words[end - 1].upper:  # "Will frost harm it?"
        return True
    return words[start].joined and _text(words, start - 1) in _BEFORE_ORDINARY


def is_place_or_time(words: Sequence[Word], at: int) -> bool:
    """Tell whether the word before a single name makes it a place, or a time of the year."""
    word = words[at]
    before = _text(words, at - 1) if word.joined else ""
    if word.possessive:
        return False
    return before in _BEFORE_PLACES or (word.text in _MONTHS and before in _BEFORE_MONTHS)


def is_part_of_longer_name(
    words: Sequence[Word], start: int, end: int, own: frozenset[str]
) -> bool:
    """Tell whether a name beside the words is somebody else's: the Ada in "Ada Lovelace".

    Args:
        words: the question's.
        start: where half of an author's name begins.
        end: the place after its last word.
        own: all words of that author's names; initials of them are theirs as well.
    """
    initials = {word[:1] for word in own}

    def is_other(word: Word) -> bool:
        is_theirs = word.text in own or (len(word.text) <= 2 and set(word.text) <= initials)
        is_capital = word.upper and word.text not in _SAYING and word.text not in _HONORIFICS
        return not is_theirs and (is_capital or word.text in _PARTICLES)

    if start and words[start].joined and not words[start - 1].possessive:
        before = words[start - 1]
        if is_other(before) and before.text not in _OPENING:
            return True
    if end < len(words) and words[end].joined and not words[end - 1].possessive:
        return is_other(words[end])
    return False


def refers_to_person(word: Word) -> bool:
    """Tell whether the word stands for a person without a name."""
    return word.text in _PERSONS or word.text in _SAYING


def _text(words: Sequence[Word], at: int) -> str:
    return words[at].text if 0 <= at < len(words) else ""
