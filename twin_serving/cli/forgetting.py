"""`twin forget`: an author removed from every layer, and every layer searched for what is left."""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated

import dagster as dg
import typer
from rich.table import Table

from twin_assets.artifacts import asset_files, author_files, read_rows, remove
from twin_assets.assets import forgetting
from twin_assets.documents import Window, slugify
from twin_assets.errors import BadInputError, StorageError
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings, load_settings
from twin_assets.stores import VectorStore, backends_in_use, create_store
from twin_assets.vector_cache import count_unused, forget_unused
from twin_serving.audit import open_audit_log
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import end_abandoned_runs
from twin_serving.cli.locks import exclusive
from twin_serving.cli.output import counted, out, print_json, say
from twin_serving.uploads import count_kept, forget_kept


@dataclass(frozen=True, slots=True)
class Layer:
    """One place that holds something of authors.

    ``traces`` counts what there is of this author, and ``forget`` removes it; it may be repeated.
    ``shared`` is a layer that cannot say whose a thing is, only that nobody else needs it.
    """

    name: str
    traces: Callable[[], int]
    forget: Callable[[], None]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found in a layer and is not any more, and what a search still finds."""

    layer: str
    removed: int
    left: int


def forget_command(
    author: Annotated[str, typer.Argument(help="The author (name or slug).")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the proof as JSON.")] = False,
) -> None:
    """Remove an author from every layer, for good; then search every layer, and print the proof."""
    settings = load_settings()
    slug = slugify(author)
    instance = open_instance(settings)
    layers = list(layers_of(settings, instance, slug))
    found = {layer.name: layer.traces() for layer in layers}
    if not slug or not any(found[layer.name] for layer in layers if not layer.shared):
        raise BadInputError(
            f"Nothing of {author!r} is stored in {settings.root}; `twin status` names the authors."
        )
    _confirm(slug, found, yes=yes)
    with exclusive(settings, "build"):
        end_abandoned_runs(instance, all_launchers=False)
        if runs := forgetting.at_work(instance, slug):
            raise BadInputError(
                f"Dagster is at work on {slug} (run {runs[0]}). Wait for it, or cancel it in the "
                f"Dagster UI, and run `twin forget {slug}` again."
            )
        *others, record = layers
        for layer in others:
            layer.forget()
        if not any(layer.traces() for layer in others):
            record.forget()
        proofs = [_search(layer, found[layer.name]) for layer in layers]
    if as_json:
        rows = [{"layer": p.layer, "removed": p.removed, "left": p.left} for p in proofs]
        print_json({"author": slug, "layers": rows})
    else:
        out.print(_table(proofs), soft_wrap=False)
    if left := [f"{proof.layer} ({proof.left})" for proof in proofs if proof.left]:
        raise StorageError(
            f"{slug} is not forgotten: something is left in {', '.join(left)}. "
            f"Run `twin forget {slug}` again."
        )


def layers_of(settings: TwinSettings, instance: dg.DagsterInstance, author: str) -> Iterator[Layer]:
    """Yield the layers in the order of forgetting.

    Nothing is served from the first on, and the author's own record goes last: as long as it is
    there, a command that was interrupted can be told from one for an author who never was.
    """
    for backend in backends_in_use(settings):
        yield _index_layer(create_store(backend, settings), author)
    yield Layer(
        "Dagster",
        lambda: forgetting.traces(instance, author),
        lambda: forgetting.forget(instance, author),
    )
    yield Layer(
        "artifacts",
        lambda: len(author_files(settings.artifacts_path, author)),
        lambda: _remove_artifacts(settings, author),
    )
    yield Layer(
        "uploads", lambda: count_kept(settings, author), lambda: forget_kept(settings, author)
    )
    questions = open_audit_log(settings)
    yield Layer("audit trail", lambda: questions.traces(author), lambda: questions.forget(author))
    vectors = settings.vectors_path
    yield Layer(
        "vector cache",
        lambda: count_unused(vectors, _texts_of_others(settings, author)),
        lambda: forget_unused(vectors, _texts_of_others(settings, author)),
        shared=True,
    )
    yield Layer(
        "raw store",
        lambda: _raw_traces(settings, author),
        lambda: _forget_raw(settings, author),
    )


def _index_layer(store: VectorStore, author: str) -> Layer:
    return Layer(f"{store.name} index", lambda: store.traces(author), lambda: store.forget(author))


def _remove_artifacts(settings: TwinSettings, author: str) -> None:
    for path in author_files(settings.artifacts_path, author):
        try:
            remove(path)
        except StorageError as error:
            raise StorageError(f"{error} Run `twin forget {author}` again.") from None


def _texts_of_others(settings: TwinSettings, author: str) -> set[str]:
    """Return the hashes of the texts in the other authors' windows, as they are now.

    A vector that was made for a text of theirs which is not there any more goes with this author's;
    so do those of an author whose windows are damaged. It is made again if the text comes back.
    """
    own = set(author_files(settings.artifacts_path, author))
    texts: set[str] = set()
    for path in asset_files(settings.artifacts_path, "windows"):
        if path not in own:
            try:
                texts |= {window.reading_hash for window in read_rows(path, Window)}
            except StorageError:
                continue
    return texts


def _raw_traces(settings: TwinSettings, author: str) -> int:
    with closing(open_raw_store(settings)) as store:
        return store.traces(author)


def _forget_raw(settings: TwinSettings, author: str) -> None:
    with closing(open_raw_store(settings)) as store:
        store.forget(author)


def _confirm(author: str, found: dict[str, int], *, yes: bool) -> None:
    """Ask the person at the terminal.

    Raises:
        BadInputError: nobody is there to be asked, or the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInputError(
            f"`twin forget {author}` cannot be undone. Say --yes where nobody can be asked."
        )
    places = ", ".join(f"{name} ({counted(n, 'trace')})" for name, n in found.items() if n)
    say(f"{author} is in: {places}.")
    if not typer.confirm("Remove all of it? It cannot be undone.", err=True):
        raise BadInputError("Nothing was removed.")


def _search(layer: Layer, found: int) -> Proof:
    left = layer.traces()
    return Proof(layer.name, max(found - left, 0), left)


def _table(proofs: list[Proof]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("layer")
    table.add_column("removed", justify="right")
    table.add_column("left", justify="right")
    for proof in proofs:
        table.add_row(proof.layer, f"{proof.removed:,}", f"{proof.left:,}")
    return table
