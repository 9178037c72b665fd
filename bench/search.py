"""Search at growing sizes, one author's and everybody's: latency, recall, memory, opening.

The vectors are drawn around topics and authors, 1,000 windows an author, and every way of searching
runs in a process of its own, its files in the page cache. Recall is of the ten nearest chunks.
"""

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from clustered import CATEGORY, WINDOWS, Corpus, Question, chunk_in
from contenders import CONTENDERS, K, Search, flat_index, search_then_filter, truth
from plotting import plot
from reporting import arguments, show

from twin_assets.artifacts import Vectors
from twin_assets.stores.faiss import FaissStore
from twin_assets.stores.faiss.snapshot import FaissSnapshot

COLUMNS = [
    "windows",
    "store",
    "build s",
    "open s",
    "memory MB",
    "of it private",
    "author p50 ms",
    "author p95 ms",
    "author recall",
    "all p50 ms",
    "all p95 ms",
    "all recall",
    "visible s",
]
_WARM = 20  # questions that are not timed
_CHANGED = 0  # the author whose new version is published

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """What a measuring process needs to know."""

    authors: int
    seed: int
    questions: int
    home: Path

    @property
    def corpus(self) -> Corpus:
        """The vectors and texts."""
        return Corpus(self.authors, self.seed)


@dataclass(frozen=True, slots=True)
class Answers:
    """The chunks that are truly nearest each question."""

    author: list[list[int]]
    all: list[list[int]]


def measure(search: Search, questions: Sequence[Question], answers: Answers) -> Row:
    """Return latency and recall, within one author and over all."""
    row: Row = {}
    for name, expected in (("author", answers.author), ("all", answers.all)):
        seconds, found = [], []
        for question in [*questions[:_WARM], *questions]:
            author = question.author if name == "author" else None
            started = perf_counter()
            chunks = search(question.vector, author)
            seconds.append(perf_counter() - started)
            found.append(set(chunks))
        timed = seconds[_WARM:]
        right = [len(f & set(e)) for f, e in zip(found[_WARM:], expected, strict=True)]
        row |= {
            f"{name} p50 ms": 1000 * statistics.median(timed),
            f"{name} p95 ms": 1000 * statistics.quantiles(timed, n=20)[-1],
            f"{name} recall": sum(right) / sum(len(e) for e in expected),
        }
    return row


def measure_flat(task: Task) -> tuple[Row, Answers]:
    """Measure search-50-then-filter on a flat index, which also knows the truth."""
    base, started = _memory(), perf_counter()
    corpus = task.corpus
    questions = corpus.questions(task.questions)
    index = flat_index(corpus)
    row = {"build s": perf_counter() - started}
    memory = _memory_since(base)
    answers = Answers(
        truth(index, questions, filtered=True), truth(index, questions, filtered=False)
    )
    return row | memory | measure(search_then_filter(index), questions, answers), answers


def publish_all(task: Task) -> float:
    """Publish and serve every author; return the seconds without those for making the texts."""
    store, corpus, seconds = FaissStore(task.home), task.corpus, 0.0
    for author in range(task.authors):
        partition = corpus.partition(author)
        started = perf_counter()
        store.serve(partition.author.slug, store.publish(partition).version)
        seconds += perf_counter() - started
    return seconds


def build_ivf(task: Task, eight_bit: bool) -> Row:
    """Build the IVF over all authors; return what it says of itself."""
    store = FaissStore(task.home)
    started = perf_counter()
    record = store.build_ivf(_served(store), eight_bit=eight_bit).get(CATEGORY)
    if record is None:
        return {}
    size = (task.home / "_ivf" / record.file).stat().st_size
    return {
        "ivf s": perf_counter() - started,
        "lists": record.lists,
        "nprobe": record.nprobe,
        "recall when built": record.recall,
        "MB": size / 1e6,
    }


def measure_ours(task: Task, answers: Answers) -> Row:
    """Measure our FAISS store as a fresh process that serves finds it."""
    corpus = task.corpus
    questions, changed = corpus.questions(task.questions), corpus.partition(_CHANGED, edition=1)
    base, started = _memory(), perf_counter()
    store = FaissStore(task.home)
    served = _served(store)
    snapshot = store.open(served)
    row: Row = {"open s": perf_counter() - started}
    row |= measure(_ours(snapshot, corpus), questions, answers) | _memory_since(base)

    slug, before = changed.author.slug, served[changed.author.slug]
    started = perf_counter()
    version = store.publish(changed).version
    store.serve(slug, version)
    opened = store.open(_served(store))
    (hits,) = opened.search(changed.vectors[:1], CATEGORY, 1)
    row["visible s"] = perf_counter() - started
    if hits[0].chunk != changed.chunks[0]:
        raise SystemExit("the new version was not visible")
    store.serve(slug, before)
    return row


def measure_other(task: Task, answers: Answers, name: str) -> Row | None:
    """Measure another store, or return None where it is not installed."""
    corpus = task.corpus
    base, started = _memory(), perf_counter()
    try:
        search = CONTENDERS[name](corpus, task.home / "other" / name)
    except ImportError:
        return None
    row = {"build s": perf_counter() - started}
    return row | measure(search, corpus.questions(task.questions), answers) | _memory_since(base)


def measure_size(windows: int, options: argparse.Namespace) -> tuple[list[Row], list[Row]]:
    """Return the rows of one size, and what the IVFs of that size say of themselves."""
    with TemporaryDirectory(dir=options.home) as home:
        task = Task(windows // WINDOWS, options.seed, options.questions, Path(home))
        flat, answers = _apart(measure_flat, task)
        published = _apart(publish_all, task)
        rows, ivfs = [], []
        for eight_bit in (False, True):
            ivf = _apart(build_ivf, task, eight_bit)
            name = f"twin FAISS{', 8-bit' * eight_bit}"
            ours = _apart(measure_ours, task, answers)
            rows.append({"store": name, "build s": published + ivf.get("ivf s", 0.0)} | ours)
            if not ivf:
                break
            ivfs.append({"windows": windows, "store": name} | ivf)
        rows.append({"store": "flat FAISS, 50 then filtered"} | flat)
        for name in CONTENDERS if windows <= options.others_up_to else ():
            other = _apart(measure_other, task, answers, name)
            rows.append({"store": name if other else f"{name}: not installed"} | (other or {}))
    return [{"windows": windows} | row for row in rows], ivfs


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--sizes", type=_sizes, default="10000,100000,1000000")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, help="where the temporary files go")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw latency against size, SVG")
    parser.add_argument(
        "--others-up-to", type=int, default=10_000, help="windows that other stores are given"
    )
    options = parser.parse_args()
    rows, ivfs = [], []
    for windows in options.sizes:
        more, about = measure_size(windows, options)
        rows += more
        ivfs += about
    if options.plot:
        draw(options.plot, rows)
    show(
        {
            "compares": "one author's ten nearest chunks with their texts, and everybody's, in "
            "Twin's FAISS store and in other ways to search the same vectors",
            "rows": rows,
            "questions": options.questions,
            "other stores measured up to": options.others_up_to,
            **{f"ivf of {ivf['windows']}, {ivf['store']}": ivf for ivf in ivfs},
        },
        COLUMNS,
        options.json,
    )


def draw(path: Path, rows: Sequence[Row]) -> None:
    """Draw the medians."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        for scope in ("author", "all"):
            if f"{scope} p50 ms" in row:
                line = lines.setdefault(f"{row['store']}: {scope}", [])
                line.append((row["windows"], row[f"{scope} p50 ms"]))
    plot(path, "A question's ten nearest chunks", ("windows", "milliseconds (median)"), lines)


def _ours(snapshot: FaissSnapshot, corpus: Corpus) -> Search:
    def search(vector: Vectors, author: int | None) -> list[int]:
        slug = None if author is None else corpus.authors[author]
        (hits,) = snapshot.search(vector, CATEGORY, K, slug)
        return [chunk_in(hit.chunk.text) for hit in hits]

    return search


def _served(store: FaissStore) -> dict[str, str]:
    return {author: version for author in store.authors() if (version := store.serving(author))}


def _apart(function: Callable[..., Any], *args: Any) -> Any:
    """Call the function in a process of its own, so that its memory is its own."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(function, args)


def _memory() -> tuple[int, int]:
    """Return the process's resident memory in kB, and what of it is no mapped file."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields["VmRSS"].split()[0]), int(fields["RssAnon"].split()[0])


def _memory_since(base: tuple[int, int]) -> Row:
    total, private = (now - then for now, then in zip(_memory(), base, strict=True))
    return {"memory MB": total / 1000, "of it private": private / 1000}


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",")]


if __name__ == "__main__":
    main()
