"""Functions of the user's own, which settings name as ``package.module:function``."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from twin_assets.errors import BadInputError


def load_hook(variable: str, named: str) -> Callable[..., Any]:
    """Return the function that the variable names.

    Raises:
        BadInputError: it cannot be imported, or is nothing that can be called.
    """
    module, _, name = named.partition(":")
    try:
        hook = getattr(import_module(module), name)
    except Exception as error:  # the module's own code is run
        told = isinstance(error, (ImportError, AttributeError, ValueError))
        reason = error if told else type(error).__name__
        raise BadInputError(
            f"{variable}={named} cannot be imported: {reason}. Name it as package.module:function."
        ) from None
    if not callable(hook):
        raise BadInputError(f"{variable}={named} is not a function.")
    function: Callable[..., Any] = hook
    return function
