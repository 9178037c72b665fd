"""From a page's bytes to its text, whatever its labels say."""

import codecs
import re

from charset_normalizer import from_bytes

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Labels mean what browsers take them for: the superset that pages are really written in.
_MEANT = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
# Codecs of Python's that are no charsets of pages; UTF-7 also hides markup from filters.
_NEVER = {"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}
# What detection chooses from. It takes French for Polish, so cp1250 needs a label.
_USUAL = ["cp1252", "cp1251", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949"]

_DECLARED = re.compile(
    rb"""<(?:meta\b[^>]{0,500}?\bcharset|\?xml\b[^>]{0,200}?\bencoding)\s*=\s*["']?([\w.:+-]{1,40})""",
    re.IGNORECASE,
)
_HEAD = 4096  # where a page declares its charset
_SAMPLE = 64 * 1024  # as much as detection reads
_FEW = 10  # bytes over ASCII: fewer tell nothing about the charset
_MOSTLY = 4  # this many good characters for each broken one still make UTF-8


def decode(body: bytes, label: str | None) -> str:
    """Return the text of a page. Every body has one; what cannot be read becomes U+FFFD.

    A byte order mark decides. Bytes that are UTF-8 are read as such even under another label, since
    text of another charset hardly ever is by chance. Then come the label of the header, that of the
    page, a few broken places in UTF-8, and a guess from the bytes.
    """
    for mark, charset in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(charset, "replace")
    labels = [codec for codec in (_codec(label), _codec(_declared(body))) if codec]
    labels.sort(key=lambda codec: codec == "cp1252")  # what servers say by default says least
    for charset in (*filter(None, [_seven_bits(labels, body)]), "utf-8", *labels):
        text = _strictly(body, charset)
        if text is not None:
            return text
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    good = sum(not character.isascii() for character in text) - broken
    if good >= _MOSTLY * broken:
        return text
    other = next((charset for charset in labels if charset != "utf-8"), None)
    return body.decode(other or _guess(body), "replace")


def _seven_bits(labels: list[str], body: bytes) -> str | None:
    """Return the label of a charset whose bytes are valid UTF-8 as well, if this is such a body."""
    for label in labels:
        if (label.startswith("utf-16") and b"\0" in body) or label == "iso2022_jp":
            return label
    return None


def _codec(label: str | None) -> str | None:
    """Return the Python codec that a label means, or None where it means none."""
    if label is None:
        return None
    try:
        name = codecs.lookup(label).name
        "".encode(name)  # refuses those that are not between bytes and text
    except (LookupError, ValueError):
        return None
    return None if name in _NEVER else _MEANT.get(name, name)


def _declared(body: bytes) -> str | None:
    found = _DECLARED.search(body, 0, _HEAD)
    return found[1].decode("ascii", "ignore") if found else None


def _strictly(body: bytes, charset: str) -> str | None:
    try:
        return body.decode(charset)
    except ValueError:
        return None


def _guess(body: bytes) -> str:
    sample = body[:_SAMPLE]
    if sum(byte > 127 for byte in sample) < _FEW:
        return "cp1252"
    best = from_bytes(sample, cp_isolation=_USUAL).best()
    return (_codec(best.encoding) if best else None) or "cp1252"
