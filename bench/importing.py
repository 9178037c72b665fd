"""10,000 documents of one author into the raw store, twice: seconds, memory, and what was written.

Each way in runs in a process of its own: a JSONL file, a LinkedIn export (zip) and a repository's
tarball. Memory is the process's peak over what it held before the first document was read. The
second pass finds everything as it is; its seconds are given as a share of the first's.
"""

import io
import json
import resource
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from reporting import arguments, show

from twin_assets.crawlers.crawl import crawl_author
from twin_assets.crawlers.dispatcher import open_crawlers
from twin_assets.documents import Author, Outcome
from twin_assets.raw_store import RawStore
from twin_assets.raw_store.jsonl import import_jsonl
from twin_assets.raw_store.sqlite import SqliteRawStore
from twin_assets.settings import load_settings

_WORDS = ("the", "pilot", "reads", "a", "tide", "table", "and", "writes", "its", "figure", "log")
_AUTHOR = "Sample Pilot"


def text(number: int) -> str:
    """Return about 2.5 KB that no other document has."""
    words = Random(number).choices(_WORDS, k=550)  # noqa: S311
    return f"Entry {number}. {' '.join(words)}."


def write_jsonl(path: Path, documents: int) -> None:
    """Write that many articles, a line each."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(documents):
            line = {
                "author": _AUTHOR,
                "platform": "blog",
                "category": "article",
                "link": f"https://pilot.example/{number}",
                "text": text(number),
            }
            file.write(json.dumps(line) + "\n")


def write_linkedin(path: Path, documents: int) -> None:
    """Write a data export of that many posts."""
    rows = ["Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility"]
    for number in range(documents):
        link = f"https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A{10**18 + number}"
        rows.append(f'2026-05-07 16:41:18,{link},"{text(number)}",,,MEMBER_NETWORK')
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Shares.csv", "\n".join(rows))


def write_tarball(path: Path, documents: int) -> None:
    """Write a repository of that many files."""
    with tarfile.open(path, "w:gz") as archive:
        for number in range(documents):
            data = text(number).encode()
            member = tarfile.TarInfo(f"log/notes/{number % 100}/{number}.md")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


WAYS: dict[str, tuple[str, Callable[[Path, int], None]]] = {
    "JSONL": ("log.jsonl", write_jsonl),
    "LinkedIn export": ("linkedin.zip", write_linkedin),
    "tarball": ("log.tar.gz", write_tarball),
}


def take_in(source: Path, store: RawStore) -> None:
    """Read the source into the store, as `twin import` and `twin build` do."""
    if source.suffix == ".jsonl":
        import_jsonl(source, store)
        return
    author = Author("sample-pilot", _AUTHOR, sources=(str(source),))
    store.put_author(author)
    with open_crawlers(load_settings()) as crawlers:
        for visit in crawl_author(author, store, crawlers):
            if visit.outcome is Outcome.FAILED:
                raise SystemExit(visit.detail)


def measure(source: Path, home: Path) -> dict[str, Any]:
    """Take the source in twice, in this process."""
    with closing(SqliteRawStore(home / "raw.db")) as store:
        base = _peak_mb()
        seconds: list[float] = []
        revisions: list[int] = []
        for _ in range(2):
            start = perf_counter()
            take_in(source, store)
            seconds.append(perf_counter() - start)
            revisions.append(store.revision("sample-pilot"))
        documents = sum(store.count("sample-pilot").values())
    return {
        "documents": documents,
        "seconds": seconds[0],
        "again": seconds[1] / seconds[0],
        "mb_above_base": _peak_mb() - base,
        "written_again": revisions[1] - revisions[0],
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print a row for each way in."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--documents", type=int, default=10_000, help="how many (10000)")
    parser.add_argument("--measure", nargs=2, metavar=("SOURCE", "HOME"), help="one way, as JSON")
    options = parser.parse_args()
    if options.measure:
        source, home = map(Path, options.measure)
        print(json.dumps(measure(source, home)))
        return
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        for way, (name, write) in WAYS.items():
            home = Path(folder) / way
            home.mkdir()
            write(home / name, options.documents)
            command = [sys.executable, __file__, "--measure", str(home / name), str(home)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            rows.append({"way": way, **json.loads(done.stdout)})
    compares = "Into SQLite, twice; `again` is the second pass's time over the first's."
    columns = ["way", "documents", "seconds", "again", "mb_above_base", "written_again"]
    show({"compares": compares, "rows": rows}, columns, options.json)


if __name__ == "__main__":
    main()
