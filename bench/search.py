"""Search at growing sizes, one author's and everybody's: latency, recall, memory, opening.

Two corpora: vectors drawn around topics and authors, 1,000 windows an author, and the handbook
authors' real ones. Every way of searching is built by one process and measured in another, its
files in the page cache. Recall is of the ten nearest chunks.
"""

import argparse
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from clustered import WINDOWS, Clustered
from contenders import CONTENDERS, FLAT, FLAT_INDEX, Search, System, truth
from corpus import Corpus, Question
from handbook import Handbook, default_file, prepare
from ours import DATABASES, FAISS, FAISS_STORE, build_ivf
from plotting import plot
from reporting import arguments, show

COLUMNS = [
    "corpus",
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
OTHERS = DATABASES | CONTENDERS
_WARM = 20  # questions that are not timed

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """What a measuring process needs to know."""

    corpus: Callable[[], Corpus]
    questions: int
    home: Path

    def folder(self, name: str) -> Path:
        """Return the system's folder."""
        folder = self.home / name
        folder.mkdir(exist_ok=True)
        return folder


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
        timed, counted = seconds[-len(questions) :], found[-len(questions) :]
        right = [len(f & set(e)) for f, e in zip(counted, expected, strict=True)]
        row |= {
            f"{name} p50 ms": 1000 * statistics.median(timed),
            f"{name} p95 ms": 1000 * statistics.quantiles(timed, n=20)[-1],
            f"{name} recall": sum(right) / sum(len(e) for e in expected),
        }
    return row


def build(task: Task, name: str, system: System) -> float:
    """Build the system; return the seconds."""
    return system.build(task.corpus(), task.folder(name))


def find_answers(task: Task) -> tuple[int, Answers]:
    """Return how many windows there are, and the answers, by the flat index."""
    corpus = task.corpus()
    questions = corpus.questions(task.questions)
    return corpus.firsts[-1], Answers(*truth(corpus, task.folder(FLAT), questions))


def measure_opened(task: Task, name: str, system: System, answers: Answers) -> Row:
    """Measure the system as a fresh process finds it."""
    corpus = task.corpus()
    questions = corpus.questions(task.questions)
    base, started = _memory(), perf_counter()
    search = system.open(corpus, task.folder(name))
    row: Row = {"open s": perf_counter() - started}
    row |= measure(search, questions, answers) | _memory_since(base)
    if system.publish_again:
        row["visible s"] = system.publish_again(corpus, task.folder(name))
    return row


def measure_faiss(task: Task, answers: Answers) -> tuple[list[Row], list[Row]]:
    """Return the rows of our FAISS store, and what its IVFs say where it needs them."""
    published = _apart(build, task, FAISS, FAISS_STORE)
    rows, ivfs = [], []
    for name, eight_bit in ((FAISS, False), (f"{FAISS}, 8-bit", True)):
        ivf = _apart(build_ivf, task.folder(FAISS), eight_bit)
        row = _apart(measure_opened, task, FAISS, FAISS_STORE, answers)
        rows.append({"store": name, "build s": published + ivf.get("ivf s", 0.0)} | row)
        if not ivf:
            break
        ivfs.append({"store": name} | ivf)
    return rows, ivfs


def measure_corpus(task: Task, others_up_to: int) -> tuple[list[Row], list[Row]]:
    """Return the rows of one corpus, and what the IVFs say of themselves."""
    flat = {"store": FLAT, "build s": _apart(build, task, FLAT, FLAT_INDEX)}
    windows, answers = _apart(find_answers, task)
    rows, ivfs = measure_faiss(task, answers)
    rows.append(flat | _apart(measure_opened, task, FLAT, FLAT_INDEX, answers))
    for name, system in OTHERS.items() if windows <= others_up_to else ():
        if not system.is_installed:
            rows.append({"store": f"{name}: not installed"})
            continue
        seconds = _apart(build, task, name, system)
        row = _apart(measure_opened, task, name, system, answers)
        rows.append({"store": name, "build s": seconds} | row)
    about = {"corpus": task.corpus().name, "windows": windows}
    return [about | row for row in rows], [about | ivf for ivf in ivfs]


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument(
        "--sizes", type=_sizes, default="10000,100000,1000000", help="windows that are drawn"
    )
    parser.add_argument(
        "--handbook",
        type=Path,
        metavar="FILE",
        default=default_file(),
        help="JSONL of real articles (default %(default)s)",
    )
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, help="where the temporary files go")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw latency against size, SVG")
    parser.add_argument(
        "--others-up-to",
        type=int,
        default=10_000,
        help="windows that all but our FAISS store and a flat index are given",
    )
    options = parser.parse_args()
    rows, ivfs = [], []
    for corpus in _corpora(options):
        with TemporaryDirectory(dir=options.home) as home:
            more, about = measure_corpus(
                Task(corpus, options.questions, Path(home)), options.others_up_to
            )
        rows += more
        ivfs += about
    if options.plot:
        draw(options.plot, [row for row in rows if row["corpus"] == Clustered.name])
    show(
        {
            "compares": "one author's ten nearest chunks with their texts, and everybody's, in "
            "Twin's stores and in other ways to search the same vectors",
            "rows": rows,
            "questions": options.questions,
            "other stores measured up to": options.others_up_to,
            "handbook": "measured" if options.handbook.is_file() else f"no {options.handbook}",
            **{f"ivf of {ivf['corpus']} {ivf['windows']}, {ivf['store']}": ivf for ivf in ivfs},
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


def _corpora(options: argparse.Namespace) -> Iterator[Callable[[], Corpus]]:
    """Yield what makes each corpus, the smallest first."""
    if options.handbook.is_file():
        with TemporaryDirectory(dir=options.home) as home:
            _apart(prepare, options.handbook, Path(home))
            yield partial(Handbook, Path(home))
    for windows in options.sizes:
        yield partial(Clustered, windows // WINDOWS, options.seed)


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
    return [int(size) for size in text.split(",") if size]


if __name__ == "__main__":
    main()
