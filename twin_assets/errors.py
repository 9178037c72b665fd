"""The faults Twin knows. Each message is one line that says what is wrong and what to do."""


class TwinError(Exception):
    """Base of every fault that is shown to a user as one line instead of a stack trace."""


class BadInputError(TwinError):
    """A file, question, option or author name that cannot be used as given."""


class UnknownAuthorError(BadInputError):
    """The author that was named is not served."""


class StorageError(TwinError):
    """TWIN_HOME or the raw store cannot be read or written."""


class StorageUnavailableError(StorageError):
    """A storage server that does not answer; it may when it is asked again."""


class ModelError(TwinError):
    """The embedding model cannot be loaded or is not the one that was expected."""


class IndexCorruptedError(TwinError):
    """An index version's files do not match its manifest."""


class NothingServedError(TwinError):
    """No index version is served for what was asked."""


class BuildFailedError(TwinError):
    """A build ended with authors that could not be materialized."""


class ModelServerError(TwinError):
    """The language model's server cannot be reached, refuses, or answers nothing usable."""


class ModelServerUnavailableError(ModelServerError):
    """The server may answer if it is asked again: no connection, too many requests, its own fault.

    ``retry_after`` is how many seconds it asked to be left alone, None if it did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ContextTooLongError(ModelServerError):
    """The prompt has more tokens than the model reads."""
