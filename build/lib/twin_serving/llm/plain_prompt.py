"""A conversation as one text, for models and servers that know no chat messages."""

from collections.abc import Sequence

from twin_serving.llm import Message

_NAMES = {"system": "Instructions", "user": "Question", "assistant": "Answer"}
STOP = ["\nQuestion:"]  # a model that goes on would ask itself the next question


def as_prompt(messages: Sequence[Message]) -> str:
    """Return the messages as one prompt that ends where the answer begins."""
    turns = [f"{_NAMES[message.role]}:\n{message.content}" for message in messages]
    return "\n\n".join([*turns, "Answer:"])


def without_prompt(text: str, prompt: str) -> str:
    """Return the answer without the prompt that some servers put before it."""
    return text.removeprefix(prompt).strip()
