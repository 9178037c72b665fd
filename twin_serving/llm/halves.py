"""Characters that a server cut in two: JSON can spell half of one, and nothing else can hold it."""

from twin_assets.words import as_unicode


class Halves:
    """Joins the halves (UTF-16 surrogates) of a streamed answer; a lone one is a question mark."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._held = ""  # a first half, until the second comes

    def feed(self, text: str) -> str:
        """Return what of the answer is certain with this much more of it."""
        text = self._held + text
        is_open = "\ud800" <= text[-1:] <= "\udbff"
        self._held = text[-1:] if is_open else ""
        return _joined(text[:-1] if is_open else text)

    def end(self) -> str:
        """Return what was held back of the answer, which has ended."""
        return _joined(self._held)


def _joined(text: str) -> str:
    """Return the text with every two halves that belong together as one character."""
    if text.isascii():
        return text
    return as_unicode(text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass"))
