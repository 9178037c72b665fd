"""What a reasoning model thinks before it answers, ``<think>…</think>``, which is no answer."""

from twin_assets.errors import ModelServerError

_OPENS, _CLOSES = "<think>", "</think>"


class Thoughts:
    """Leaves the thoughts at an answer's beginning out, however it is split into pieces.

    A block that never ends is thought to its end. The same words later in an answer are its text.
    """

    def __init__(self, *, thinking: bool = False) -> None:
        """Nothing was said yet; the model may be ``thinking`` already, its prompt says so then."""
        self._held = ""  # what may be part of a tag
        self._thinking = thinking
        self._thought = thinking
        self._answering = False

    def feed(self, text: str) -> str:
        """Return what of the answer is certain with this much more of it."""
        if self._answering:
            return text
        self._held += text
        while True:
            if self._thinking:
                _, closed, after = self._held.partition(_CLOSES)
                if not closed:
                    self._held = self._held[1 - len(_CLOSES) :]
                    return ""
                self._thinking, self._held = False, after
            begun = self._held.lstrip()
            if begun.startswith(_OPENS):
                self._thinking = self._thought = True
                self._held = begun.removeprefix(_OPENS)
            elif _OPENS.startswith(begun):
                return ""
            else:
                self._answering = True
                return begun if self._thought else self._held

    def end(self) -> str:
        """Return what was held back of the answer, which has ended.

        Raises:
            ModelServerError: it was thoughts alone.
        """
        if self._answering:
            return ""
        if self._thought and (self._thinking or not self._held.strip()):
            raise ModelServerError(
                "The model thought and did not answer. Say that it thinks (TWIN_LLM_THINKS=true), "
                "give it more tokens (TWIN_ANSWER_TOKENS), or have its server switch that off."
            )
        return self._held
