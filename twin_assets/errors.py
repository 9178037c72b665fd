"""The faults Twin knows. Each message is one line that says what is wrong and what to do."""


class TwinError(Exception):
    """Base of every fault that is shown to a user as one line instead of a stack trace."""


class BadInputError(TwinError):
    """A file, question, option or author name that cannot be used as given."""


class StorageError(TwinError):
    """TWIN_HOME or the raw store cannot be read or written."""


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
