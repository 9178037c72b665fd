"""Hashtags and mentions as the words they are."""

import re

# LinkedIn's own notation in text that its programs hand out, then what its pages give to screen
# readers, then the tag that people write. A tag begins with a letter: "#1" is a number.
_HASHTAG = re.compile(
    r"\{hashtag\|\\?#\|(?P<noted>[^{}|\n]++)\}"
    r"|\bhashtag\s?(?=#[^\W\d])"
    r"|(?<![\w&/#])#(?P<tag>[^\W\d]\w*+)(?![#\w])"
)
_MENTION = re.compile(
    r"@\[(?P<noted>[^\[\]\n]++)\]\(urn:li:[^()\s]*+\)"
    # neither an address (ada@example.org, @ada@social.example) nor a decorator
    r"|(?<![\w./@])@(?P<name>[A-Za-z][\w-]++)(?![@(]|\.\w)"
)
_COLOUR = re.compile(r"(?=[a-f]*\d)(?:[0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)


def plain_mentions(text: str) -> str:
    """Return the text with ``#retrieval`` as "retrieval" and ``@ada`` as "ada".

    The sign says where a platform's link would be; a model of language reads the word.
    """
    return _MENTION.sub(_mention, _HASHTAG.sub(_hashtag, text))


def _hashtag(match: re.Match[str]) -> str:
    tag = match["noted"] or match["tag"]
    if tag is None:
        return ""
    return match[0] if _COLOUR.fullmatch(tag) else tag


def _mention(match: re.Match[str]) -> str:
    return match["noted"] or match["name"]
