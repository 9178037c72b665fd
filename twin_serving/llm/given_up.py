"""A model that a question gives up after one fault: its passages are not to wait for long."""

from collections.abc import Mapping, Sequence
from typing import Any

from twin_assets.errors import ModelServerError
from twin_serving.llm import Completes, Message


class GivenUpAfterFault:
    """Asks the model until it fails once, and then raises that fault again without asking.

    Several stages of a question ask a model for something that it can do without. Each would wait
    for a silent server as long as the others.
    """

    def __init__(self, model: Completes) -> None:
        """Ask ``model``, for one question."""
        self._model = model
        self._fault: ModelServerError | None = None

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
    ) -> str:
        """See :meth:`Completes.complete`."""
        if self._fault is not None:
            raise self._fault
        try:
            return await self._model.complete(messages, max_tokens=max_tokens, schema=schema)
        except ModelServerError as error:
            self._fault = error
            raise
