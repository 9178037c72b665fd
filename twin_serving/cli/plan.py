"""What a build would do: which authors are behind, from which asset on, and what that embeds."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import dagster as dg

from twin_assets.artifacts import artifact_path, read_rows
from twin_assets.assets import chain
from twin_assets.assets.chunks import chunk_documents, window_chunks
from twin_assets.assets.cleaned import clean_author
from twin_assets.assets.embeddings import EMBEDDED, RATE
from twin_assets.assets.staleness import Stale, Staleness
from twin_assets.assets.versions import with_settings
from twin_assets.documents import Author, Window, slugify
from twin_assets.errors import BadInputError, TwinError
from twin_assets.raw_store import RawStore, open_raw_store
from twin_assets.settings import TwinSettings
from twin_assets.stores import create_store
from twin_assets.vector_cache import VectorCache
from twin_serving.overview import why_crawl

_LOOK_BACK = 100  # events in which a measured rate is looked for


@dataclass(frozen=True, slots=True)
class AuthorPlan:
    """Where the author's chain is behind first; ``stale`` is None when nothing is to be done."""

    author: Author
    stale: Stale | None


def chosen_authors(store: RawStore, names: Sequence[str]) -> list[Author]:
    """Return the named authors (names or slugs), or all when none is named.

    Raises:
        BadInputError: there is none, or a name is not known.
    """
    known = {author.slug: author for author in store.authors()}
    if not known:
        raise BadInputError("There are no authors yet. Import some with `twin import FILE.jsonl`.")
    unknown = [name for name in names if slugify(name) not in known]
    if unknown:
        raise BadInputError(
            f"There is no author {unknown[0]!r} in the raw store; there are: {', '.join(known)}."
        )
    wanted = {slugify(name) for name in names} or set(known)
    return [author for slug, author in known.items() if slug in wanted]


def plan_build(
    settings: TwinSettings,
    instance: dg.DagsterInstance,
    names: Sequence[str],
    *,
    crawl: bool = False,
    indexes: Sequence[str] = (),
) -> list[AuthorPlan]:
    """Return the plan of each chosen author, ordered by slug.

    Args:
        settings: the settings.
        instance: the home's Dagster instance.
        names: authors' names or slugs; all when empty.
        crawl: whether sources that were crawled before are crawled again.
        indexes: the backends that are to be current; by default the one that answers.

    Raises:
        BadInputError: see :func:`chosen_authors`.
    """
    with closing(open_raw_store(settings)) as store:
        authors = chosen_authors(store, names)
        revisions = {author.slug: store.revision(author.slug) for author in authors}
        to_crawl = {author.slug: why_crawl(author, store, again=crawl) for author in authors}
    staleness = read_staleness(settings, instance, indexes)
    return [
        AuthorPlan(
            author,
            staleness.first_stale(author.slug, revisions[author.slug], to_crawl[author.slug]),
        )
        for author in authors
    ]


def read_staleness(
    settings: TwinSettings, instance: dg.DagsterInstance, indexes: Sequence[str] = ()
) -> Staleness:
    """Compare Dagster's events with the code, the settings and the disk."""
    chosen = indexes or [settings.index]
    stores = {f"{backend}_index": create_store(backend, settings) for backend in chosen}
    return Staleness(instance, with_settings(chain(chosen), settings), settings, stores)


def windows_to_embed(settings: TwinSettings, plans: Sequence[AuthorPlan]) -> int:
    """Return how many windows' texts the model would have to read, without reading them."""
    from twin_assets.embedding import embedder_for

    embedder = embedder_for(settings)
    with closing(open_raw_store(settings)) as store:
        texts = {
            window.reading_hash
            for plan in plans
            if plan.stale is not None
            for window in _windows_after(settings, store, plan.author.slug, plan.stale.asset)
        }
    folder = settings.vectors_path
    with closing(VectorCache(folder, embedder.fingerprint, embedder.dimension)) as cache:
        return len(texts - cache.get(list(texts)).keys())


def embedding_rate(instance: dg.DagsterInstance) -> float | None:
    """Return how many windows a second lately were embedded, or None if none was measured.

    Of the last hundred events the one counts whose author had most to embed: what one window took
    tells little of many.
    """
    events = instance.fetch_materializations(dg.AssetKey("embeddings"), limit=_LOOK_BACK).records
    measured = []
    for record in events:
        event = record.asset_materialization
        rate, embedded = (event.metadata.get(key) if event else None for key in (RATE, EMBEDDED))
        if isinstance(rate, dg.FloatMetadataValue) and isinstance(embedded, dg.IntMetadataValue):
            measured.append((embedded.value or 0, rate.value))
    return max(measured, key=lambda one: one[0])[1] or None if measured else None


def _windows_after(
    settings: TwinSettings, store: RawStore, author: str, first_stale: str
) -> list[Window]:
    """Return the author's windows as the build would make them; none where it would fail."""
    try:
        if first_stale == "embeddings" or first_stale.endswith("_index"):
            return read_rows(artifact_path(settings.artifacts_path, "windows", author), Window)
        documents, _ = clean_author(store, author)
        return window_chunks(chunk_documents(documents, settings), settings)
    except TwinError:
        return []
