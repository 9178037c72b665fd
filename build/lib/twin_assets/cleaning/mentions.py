"""Hashtags and mentions as the words they are."""

import re

# LinkedIn's own notation in text that its programs hand out, then what its pages give to screen
# readers, then the tag that people write. A tag has a letter: "#1" is a number.
_HASHTAG = re.compile(
    r"\{hashtag\|\\?#\|(?P<noted>[^{}|\n]++)\}"
    r"|\bhashtag\s?(?=#[^\W\d])"
    r"|(?<![\w&/#])#(?P<tag>(?=\d*[^\W\d_])\w++)(?!#)"
)
_MENTION = re.compile(
    r"@\[(?P<noted>[^\[\]\n]++)\]\(urn:li:[^()\s]*+\)"
    # neither an address (@ada@social.example), a decorator nor a package (@scope/name)
    r"|(?<![\w./@])@(?P<name>[^\W\d_][\w-]*+(?:\.[\w-]++)*+)(?![@(/])"
)
_CODE_SPAN = re.compile(r"(`[^`\n]++`)")
_COLOUR = re.compile(r"(?=[a-f]*\d)(?:[0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)


def plain_mentions(text: str) -> str:
    """Return the text with ``#retrieval`` as "retrieval" and ``@ada`` as "ada".

    The sign says where a platform's link would be; a model of language reads the word.
    """
    parts = _CODE_SPAN.split(text)  # spans of code, which stay, at the odd places
    for at in range(0, len(parts), 2):
        parts[at] = _MENTION.sub(_mention, _HASHTAG.sub(_hashtag, parts[at]))
    return "".join(parts)


def _hashtag(match: re.Match[str]) -> str:
    tag = match["noted"] or match["tag"]
    if tag is None:
        return ""
    return match[0] if _COLOUR.fullmatch(tag) else tag


def _mention(match: re.Match[str]) -> str:
    return match["noted"] or match["name"]
