"""Where the data lies that some tests need and that is not part of the project."""

import os
from pathlib import Path


def shared_data() -> Path:
    """Return the folder that TWIN_TEST_DATA names, else shared/data beside the repository."""
    return Path(os.environ.get("TWIN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
