"""Files in an S3 bucket, with as much of a path as artifacts need."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.fs import FileSystem

# What a URL may say beside its bucket and folder. Keys are none of it: they come from
# AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, from ~/.aws, or from the machine's role.
_OPTIONS = frozenset({"region", "scheme", "endpoint_override"})

# pyarrow says what kind of fault AWS's client met in the text alone.
_UNANSWERED = re.compile(
    r"AWS Error (NETWORK_CONNECTION|REQUEST_TIMEOUT|SERVICE_UNAVAILABLE|INTERNAL_FAILURE|SLOW_DOWN"
    r"|THROTTLING|UNKNOWN \(HTTP status 5\d\d\))"
)


@dataclass(frozen=True, slots=True)
class BucketPath:
    """A file or folder below ``root``, which is s3://BUCKET/FOLDER with any options."""

    root: str
    key: str = ""

    def __truediv__(self, name: str) -> "BucketPath":
        return BucketPath(self.root, f"{self.key}/{name}" if self.key else name)

    def __str__(self) -> str:
        return f"{self.root.partition('?')[0].rstrip('/')}/{self.key}"

    @property
    def name(self) -> str:
        """The last part."""
        return self.key.rpartition("/")[2]

    @property
    def filesystem(self) -> "FileSystem":
        """What reaches the bucket, for functions of pyarrow.

        Raises:
            OSError: it cannot be reached.
        """
        return _open(self.root)[0]

    @property
    def path(self) -> str:
        """The path in :attr:`filesystem`: the bucket, the folder and the key."""
        return f"{_open(self.root)[1]}/{self.key}"

    def write(self, content: "pa.Buffer") -> None:
        """Put the whole content: readers see the old file or the new one, never a part.

        Raises:
            OSError: it cannot be written; what was there stays.
        """
        with self.filesystem.open_output_stream(self.path) as stream:
            stream.write(content)

    def unlink(self) -> None:
        """Remove the file.

        Raises:
            OSError: it is not there, or cannot be removed.
        """
        self.filesystem.delete_file(self.path)

    def files(self) -> "Iterator[BucketPath]":
        """Yield every file below this folder.

        Raises:
            OSError: the bucket cannot be listed.
        """
        from pyarrow.fs import FileSelector, FileType

        selector = FileSelector(self.path.rstrip("/"), allow_not_found=True, recursive=True)
        for found in self.filesystem.get_file_info(selector):
            if found.type == FileType.File:
                yield self / found.path.removeprefix(f"{self.path.rstrip('/')}/")


def fault_of(url: str) -> str | None:
    """Return what is wrong with a bucket's URL, if anything."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        return "it must be empty, or begin with s3://BUCKET"
    if "@" in parts.netloc:
        return "keys do not belong in it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    unknown = parse_qs(parts.query, keep_blank_values=True).keys() - _OPTIONS
    return f"its options are {', '.join(sorted(_OPTIONS))}" if unknown else None


def is_unanswered(error: Exception) -> bool:
    """Tell whether the bucket's server did not answer, or asked to be left alone for now."""
    return _UNANSWERED.search(str(error)) is not None


@lru_cache(maxsize=4)
def _open(root: str) -> "tuple[FileSystem, str]":
    from pyarrow.fs import FileSystem

    filesystem, path = FileSystem.from_uri(root)
    return filesystem, path.rstrip("/")
