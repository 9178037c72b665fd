"""A corpus asked for its own titles and headings: which ways of searching find their document."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import mean, median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from reporting import arguments, show

from twin_assets.raw_store import open_raw_store
from twin_assets.raw_store.jsonl import import_jsonl
from twin_assets.settings import TwinSettings, load_settings
from twin_assets.stores import create_store
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import build
from twin_serving.evaluation import Question
from twin_serving.evaluation.known_items import known_items
from twin_serving.evaluation.metrics import bounded, recall, reciprocal_rank
from twin_serving.evaluation.runs import run
from twin_serving.retrieval import Rerank, RetrievalOptions, Search
from twin_serving.retrieval.pipeline import Retriever
from twin_serving.twin import Twin

_DEFAULT = RetrievalOptions(use_llm=False, phrasings=1)
_NO_RERANK = replace(_DEFAULT, rerank=Rerank.OFF)
_SETTINGS = {
    "dense only": replace(_NO_RERANK, search=Search.DENSE),
    "bm25 only": replace(_NO_RERANK, search=Search.BM25),
    "hybrid, no rerank": _NO_RERANK,
    "default": _DEFAULT,
}


def build_home(articles: Path, settings: TwinSettings) -> None:
    """Build the index of the articles, a JSON document a line as `twin import` takes them."""
    with closing(open_raw_store(settings)) as store:
        import_jsonl(articles, store)
    with open_instance(settings) as instance:
        report = build(settings, instance, [], lambda event: None)
    if report.failed:
        raise SystemExit(f"could not be built: {', '.join(report.failed)}")


def questions_of(twin: Twin) -> list[Question]:
    """Return the known items of all that is served."""
    store = create_store(twin.settings.index, twin.settings)
    served = twin.catalog.served().partitions
    documents = [d for p in served for d in store.read(p.author.slug, p.version).documents]
    return known_items(documents)


def measure(
    retriever: Retriever, questions: Sequence[Question], k: int | None
) -> list[dict[str, Any]]:
    """Return a row for each setting: its figures, and the seconds of the same questions."""
    rows = []
    for name, setting in _SETTINGS.items():
        options = setting if k is None else replace(setting, k=k)
        run(retriever, questions[:1], options)  # loads what it needs
        found = run(retriever, questions, options)
        pairs = [(r, q.grades) for r, q in zip(found.rankings, questions, strict=True)]
        within = bounded([recall(ranking, grades, 3) for ranking, grades in pairs])
        milliseconds = [1000 * seconds for seconds in found.seconds]
        rows.append(
            {
                "setting": name,
                "k": options.k,
                "recall@3": within.mean,
                "95 %": f"{within.low:.2f} to {within.high:.2f}",
                "MRR@10": mean(reciprocal_rank(*pair, 10) for pair in pairs),
                "p50 ms": median(milliseconds),
                "p95 ms": quantiles(milliseconds, n=20)[-1],
            }
        )
    return rows


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("articles", type=Path, help="a JSON document a line, for `twin import`")
    parser.add_argument("--keep", type=Path, help="build in this home, and use it the next time")
    parser.add_argument("--k", type=int, help="candidates of a question; the default's if not said")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="twin-known-items-") as scratch:
        home = options.keep or Path(scratch)
        settings = load_settings(home=home, raw_store="", _env_file=None)
        build_home(options.articles, settings)
        twin = Twin(settings)
        questions = questions_of(twin)
        rows = measure(twin.retriever, questions, options.k)
    show(
        {
            "compares": "what a corpus's own titles and headings find, without a language model",
            "rows": rows,
            "questions": len(questions),
        },
        list(rows[0]),
        options.json,
    )


if __name__ == "__main__":
    main()
