"""A conversation as one text, for models and servers that know no chat messages."""

from collections.abc import Sequence

from twin_serving.llm import Message

_NAMES = {"system": "Instructions", "user": "Question", "assistant": "Answer"}
STOP = "\nQuestion:"  # a model that goes on would ask itself the next question


def as_prompt(messages: Sequence[Message]) -> str:
    """Return the messages as one prompt that ends where the answer begins."""
    turns = [f"{_NAMES[message.role]}:\n{message.content}" for message in messages]
    return "\n\n".join([*turns, "Answer:"])


def without_prompt(text: str, prompt: str) -> str:
    """Return the answer without the prompt before it and the stop sequence at its end.

    Some servers repeat the one, and TGI leaves the other in.
    """
    return text.removeprefix(prompt).partition(STOP)[0].strip()


class UntilStop:
    """Passes an answer on up to the stop sequence, however it is split into pieces."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._held = ""  # what may begin the sequence
        self._stopped = False

    def feed(self, text: str) -> str:
        """Return what of the answer is certain with this much more of it."""
        if self._stopped:
            return ""
        said, stop, _ = (self._held + text).partition(STOP)
        self._stopped = bool(stop)
        begun = next((n for n in range(len(STOP) - 1, 0, -1) if said.endswith(STOP[:n])), 0)
        end = len(said) if stop else len(said) - begun
        self._held = said[end:]
        return said[:end]

    def end(self) -> str:
        """Return what was held back of the answer, which has ended."""
        return self._held
