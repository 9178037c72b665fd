"""What text-generation-inference 3.3 makes of a generated text. A word counts as a token."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stand_in_http import split_words

MODEL = "tiny"
VERSION = "3.3.6"

_CREATED = 1_700_000_000  # seconds since 1970
_MOST_NEW_TOKENS = 1024  # TGI's where a request names none
_END = {"id": 2, "text": "</s>", "logprob": -0.1, "special": True}
# what the chat route calls it
_FINISHED = {"eos_token": "stop", "stop_sequence": "stop", "length": "length"}


@dataclass(frozen=True)
class Generation:
    """A text, the prompt that it answers, and the prompt's length in tokens."""

    prompt: str
    words: list[str]
    input_length: int
    finish_reason: str

    @property
    def text(self) -> str:
        return "".join(self.words)

    def events(self, parameters: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each word and its StreamResponse; the last one tells the whole text."""
        tokens = self._tokens()
        for index, token in enumerate(tokens, 1):
            event = {"index": index, "token": token, "generated_text": None, "details": None}
            if index == len(tokens):
                event["generated_text"] = self._whole(parameters)
                if parameters.get("details"):
                    event["details"] = self._details() | {"input_length": self.input_length}
            yield token["text"], event

    def response(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the GenerateResponse."""
        response: dict[str, Any] = {"generated_text": self._whole(parameters)}
        if parameters.get("details"):
            response["details"] = self._details() | {"prefill": [], "tokens": self._tokens()}
        return response

    def chunks(self, *, with_usage: bool) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each word and its ChatCompletionChunk."""
        tokens = self._tokens()
        for index, token in enumerate(tokens, 1):
            content = "" if token["special"] else token["text"]
            reason = _FINISHED[self.finish_reason] if index == len(tokens) else None
            delta = {"role": "assistant", "content": content}
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
            yield token["text"], _completion("chat.completion.chunk", [choice], None)
        if with_usage:
            yield "", _completion("chat.completion.chunk", [], self._usage())

    def completion(self) -> dict[str, Any]:
        """Return the ChatCompletion."""
        message = {"role": "assistant", "content": self.text}
        choice = {"index": 0, "message": message, "logprobs": None}
        choice["finish_reason"] = _FINISHED[self.finish_reason]
        return _completion("chat.completion", [choice], self._usage())

    def _whole(self, parameters: dict[str, Any]) -> str:
        return f"{self.prompt}{self.text}" if parameters.get("return_full_text") else self.text

    def _tokens(self) -> list[dict[str, Any]]:
        tokens = [
            {"id": number, "text": word, "logprob": -0.5, "special": False}
            for number, word in enumerate(self.words, 10)
        ]
        return [*tokens, _END] if self.finish_reason == "eos_token" else tokens

    def _details(self) -> dict[str, Any]:
        count = len(self._tokens())
        return {"finish_reason": self.finish_reason, "generated_tokens": count, "seed": None}

    def _usage(self) -> dict[str, int]:
        completion = len(self._tokens())
        return {
            "prompt_tokens": self.input_length,
            "completion_tokens": completion,
            "total_tokens": self.input_length + completion,
        }


def generate(
    prompt: str, text: str, max_new_tokens: int | None, stop: Sequence[str] = ()
) -> Generation:
    """Return the text as generated, cut where it is longer than was asked for.

    The stop sequence that ends it stays in it (huggingface/text-generation-inference#1039).
    """
    for sequence in stop:
        before, found, _ = text.partition(sequence)
        if found:
            words = split_words(before + found)
            return Generation(prompt, words, len(prompt.split()), "stop_sequence")
    words = split_words(text)
    most = _MOST_NEW_TOKENS if max_new_tokens is None else max_new_tokens
    reason = "length" if len(words) >= most else "eos_token"
    return Generation(prompt, words[:most], len(prompt.split()), reason)


def find_fault(
    prompt: str, parameters: dict[str, Any], max_input_tokens: int, max_total_tokens: int
) -> str | None:
    """Return what TGI's router says of a request that it does not accept, in its own words."""
    given = len(prompt.split())
    new = parameters.get("max_new_tokens")
    if new is None:
        new = min(max(max_total_tokens - given, 0), _MOST_NEW_TOKENS)
    temperature, top_p = parameters.get("temperature"), parameters.get("top_p")
    said = None
    if temperature is not None and temperature <= 0:
        said = "`temperature` must be strictly positive"
    elif top_p is not None and not 0 < top_p < 1:  # the description allows 1, the router does not
        said = "`top_p` must be > 0.0 and < 1.0"
    elif parameters.get("max_new_tokens") == 0:
        said = "`max_new_tokens` must be strictly positive"
    elif not prompt:
        said = "`inputs` cannot be empty"
    elif given + new > max_total_tokens:
        said = (
            f"`inputs` tokens + `max_new_tokens` must be <= {max_total_tokens}. "
            f"Given: {given} `inputs` tokens and {new} `max_new_tokens`"
        )
    elif given > max_input_tokens:
        said = f"`inputs` must have less than {max_input_tokens} tokens. Given: {given}"
    return said and f"Input validation error: {said}"


def _completion(
    kind: str, choices: list[dict[str, Any]], usage: dict[str, int] | None
) -> dict[str, Any]:
    return {
        "object": kind,
        "id": "",
        "created": _CREATED,
        "model": MODEL,
        "system_fingerprint": f"{VERSION}-native",
        "choices": choices,
        "usage": usage,
    }
