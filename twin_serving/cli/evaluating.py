"""`twin eval`: how good the retrieval is on a test collection, the whole chain included."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.progress import Progress, TaskID
from rich.table import Table

from twin_assets.artifacts import artifact_path, read_rows
from twin_assets.cleaning import clean
from twin_assets.documents import CleanedDocument, Quarantined
from twin_assets.errors import BadInputError, BuildFailedError
from twin_assets.raw_store import RawStore, open_raw_store
from twin_assets.settings import TwinSettings, load_settings
from twin_assets.stores import create_store
from twin_serving.catalog import Catalog, open_instance
from twin_serving.cli.build import StepPrinter, failure_line
from twin_serving.cli.launch import build, end_abandoned_runs
from twin_serving.cli.locks import exclusive
from twin_serving.cli.output import counted, err, out, plain, print_json, say
from twin_serving.evaluation import DEPTH
from twin_serving.evaluation.beir import Dataset, read_dataset
from twin_serving.evaluation.corpus import LINKS, Corpus, corpus_of
from twin_serving.evaluation.measuring import DEFAULT, Result, measure
from twin_serving.evaluation.metrics import Estimate
from twin_serving.twin import Twin

_MEASURES = {
    "ndcg_at_10": "nDCG@10",
    "recall_at_10": "recall@10",
    "recall_at_100": "recall@100",
    "mrr_at_10": "MRR@10",
}
_SHOWN = 20  # documents that are named


def eval_command(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="A folder as BEIR lays it out: corpus.jsonl, queries.jsonl, qrels.tsv.",
        ),
    ],
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="HOME",
            help="Keep what is built in this folder, so that the next time embeds nothing.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure the retrieval on a test collection, in a home of its own.

    The collection goes through the same cleaning, chunking, embedding and index as any document;
    then every setting answers its questions with 100 candidates, and "default" with those that a
    user gets. More than 50 authors, or none, are one partition named after the folder, since the
    judgements are over the whole collection.
    """
    dataset = read_dataset(folder)
    corpus = corpus_of(dataset)
    with _home(keep) as home:
        settings = _scratch_settings(home, corpus)
        lost = _index(settings, corpus)
        results = _measure(settings, corpus)
    report = _report(dataset, corpus, lost, results)
    if as_json:
        print_json(report)
    else:
        _show(report, results)


@contextmanager
def _home(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with TemporaryDirectory(prefix="twin-eval-") as folder:
        yield Path(folder)


def _scratch_settings(home: Path, corpus: Corpus) -> TwinSettings:
    """Return the user's settings over the scratch home; nothing goes to servers that they name."""
    longest = max(len(question.text) for question in corpus.questions)
    elsewhere = ("raw_store", "artifacts", "qdrant_url", "chroma_url", "dagster_instance")
    settings = load_settings(home=home, **dict.fromkeys(elsewhere, ""))
    limit = max(longest, settings.max_question_characters)
    return settings.model_copy(update={"max_question_characters": limit})


def _index(settings: TwinSettings, corpus: Corpus) -> list[Quarantined]:
    """Build the index of the corpus; return the documents that the cleaning set aside.

    Raises:
        BadInputError: the home holds something else, or another process builds it.
        BuildFailedError: an author could not be built.
    """
    with open_instance(settings, captures=False) as instance, exclusive(settings, "build"):
        with closing(open_raw_store(settings)) as store:
            _check_holds_nothing_else(settings, store, corpus)
            for author in corpus.authors:
                store.put_author(author)
                links = {d.link for d in corpus.documents.values() if d.author == author.slug}
                store.mark_gone(author.slug, store.hashes(author.slug, LINKS).keys() - links)
            store.upsert(corpus.documents.values())
        end_abandoned_runs(instance, all_launchers=False)
        say(f"Building the index of {counted(len(corpus.documents), 'document')} …")
        try:
            report = build(settings, instance, [], StepPrinter())
        except KeyboardInterrupt:
            raise BuildFailedError("The build was interrupted.") from None
        if report.failed:
            raise BuildFailedError(failure_line(report))
    say(f"{counted(report.windows_embedded, 'window')} embedded.")
    return list(_quarantined(settings, corpus))


def _check_holds_nothing_else(settings: TwinSettings, store: RawStore, corpus: Corpus) -> None:
    """Keep a collection out of a home that somebody uses."""
    slugs = {author.slug for author in corpus.authors}
    for author in store.authors():
        links = store.hashes(author.slug, "")
        ours = author.slug in slugs and all(link.startswith(LINKS) for link in links)
        if author.sources or not ours:
            raise BadInputError(
                f"{settings.root} holds documents of {author.slug} that are not of this "
                "collection. Name a folder that is empty, or that it was kept in before."
            )


def _quarantined(settings: TwinSettings, corpus: Corpus) -> Iterator[Quarantined]:
    indexed: set[str] = set()
    for author in corpus.authors:
        path = artifact_path(settings.artifacts_path, "cleaned_documents", author.slug)
        indexed.update(document.document_id for document in read_rows(path, CleanedDocument))
    for document in corpus.documents.values():
        if document.document_id not in indexed:
            result = clean(document)  # says why
            if isinstance(result, Quarantined):
                yield result


def _measure(settings: TwinSettings, corpus: Corpus) -> list[Result]:
    with (
        open_instance(settings) as instance,
        Progress(console=err, transient=True) as progress,
    ):
        twin = Twin(settings, Catalog(instance, create_store(settings.index, settings)))
        tasks: dict[str, TaskID] = {}

        def asked(setting: str, done: int) -> None:
            if setting not in tasks:
                tasks[setting] = progress.add_task(setting, total=len(corpus.questions))
            progress.update(tasks[setting], completed=done)

        return measure(twin.retriever, corpus.questions, asked)


def _report(
    dataset: Dataset, corpus: Corpus, lost: list[Quarantined], results: list[Result]
) -> dict[str, Any]:
    """Return the result as `--json` prints it."""
    names = {document.document_id: name for name, document in corpus.documents.items()}
    return {
        "dataset": dataset.name,
        "documents": len(dataset.documents),
        "quarantined": [{"document": names[q.document_id], "reason": q.reason} for q in lost],
        "authors": len(corpus.authors),
        "queries": len(dataset.queries),
        "queries_without_judgements": dataset.unjudged,
        "judged_but_missing": dataset.missing,
        "depth": DEPTH,
        "results": [_result(result) for result in results],
    }


def _result(result: Result) -> dict[str, Any]:
    """Return the setting's row: each mean, and its interval; null where it was not measured."""
    figures = result.figures
    row: dict[str, Any] = {"setting": result.setting, "candidates": result.candidates}
    for name in _MEASURES:
        estimate: Estimate | None = getattr(figures, name, None)
        row[name] = estimate.mean if estimate else None
        row[f"{name}_interval"] = [estimate.low, estimate.high] if estimate else None
    row["seconds_per_query"] = figures.seconds_per_query if figures else None
    return row if figures else row | {"reason": result.reason}


def _show(report: dict[str, Any], results: Sequence[Result]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("setting", no_wrap=True)
    for title in (*_MEASURES.values(), "seconds"):
        table.add_column(title, justify="right", no_wrap=True)
    for result in results:
        table.add_row(result.setting, *_cells(result))
    out.print(table)
    out.print(
        plain(
            f"{report['dataset']}: {counted(report['documents'], 'document')}, "
            f"{report['queries']} questions, {report['queries_without_judgements']} more without "
            f"judgements; {DEPTH} candidates a question, and what a user gets ({DEFAULT}) with "
            f"{results[-1].candidates}; ± is half of the 95 % interval."
        )
    )
    for result in results:
        if result.figures is None:
            out.print(plain(f"{result.setting}: {result.reason}."))
    if report["judged_but_missing"]:
        out.print(f"{counted(report['judged_but_missing'], 'judgement')} of missing documents.")
    lost = report["quarantined"]
    if lost:
        out.print(f"{counted(len(lost), 'document')} not indexed:")
    for one in lost[:_SHOWN]:
        out.print(plain(f"  {one['document']} {one['reason']}"))
    if len(lost) > _SHOWN:
        out.print(f"  and {len(lost) - _SHOWN} more; --json names all.")


def _cells(result: Result) -> list[str]:
    if result.figures is None:
        return ["not at hand"]
    estimates: list[Estimate] = [getattr(result.figures, name) for name in _MEASURES]
    return [*map(_estimate, estimates), f"{result.figures.seconds_per_query:.3f}"]


def _estimate(one: Estimate) -> str:
    """Return the mean and half of its interval, short enough for four of them on 80 columns."""
    half = f"{(one.high - one.low) / 2:.3f}".removeprefix("0")
    return f"{one.mean:.3f} ±{half}"
