"""The index assets, one a backend: a version published, then served once the gate lets it."""

from collections.abc import Mapping, Sequence

import dagster as dg

from twin_assets.artifacts import Location, artifact_path, read_rows, read_vectors
from twin_assets.assets.chunks import chunks
from twin_assets.assets.cleaned import cleaned_documents
from twin_assets.assets.embeddings import embeddings
from twin_assets.assets.materialize import AuthorRun, Outcome, author_asset
from twin_assets.assets.previews import row_count
from twin_assets.assets.provenance import INDEX_VERSION, Materialization
from twin_assets.assets.verdicts import why_not_served
from twin_assets.documents import Author, Chunk, CleanedDocument, Window, digest
from twin_assets.embedding import embedder_for
from twin_assets.errors import IndexCorruptedError
from twin_assets.gate import index_holds_windows
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_assets.stores import IndexPartition, VectorStore, create_store
from twin_assets.stores.manifest import FORMAT, Manifest, Model


def _index_asset(backend: str, description: str) -> dg.AssetsDefinition:
    """Return the asset that publishes partitions to the backend."""

    def index(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[TwinSettings]
    ) -> dg.Output[None]:
        store = create_store(backend, settings)
        records = author_records(settings)

        def chosen_instead(author: str, version: str) -> str | None:
            """Return what was rolled back to from this version, as long as it may answer."""
            served = store.serving(author)
            if served is None or store.pinned_over(author) != version:
                return None
            return None if why_not_served(context.instance, store, author, served) else served

        def is_there(made: Materialization, upstream: Sequence[Materialization]) -> bool:
            """Tell whether the version holds what is there now, is sound, and is served."""
            author, version = made.author, made.tags.get(INDEX_VERSION, "")
            record = records.get(author)
            if record is None or made.data_version != content_version(record, upstream):
                return False
            if store.serving(author) != version and chosen_instead(author, version) is None:
                return False
            try:
                store.verify_once(author, version)
            except IndexCorruptedError:
                return False
            return True

        def work(author: str, upstream: Sequence[Materialization]) -> Outcome:
            partition = gather_partition(settings, records[author], upstream, context.run.run_id)
            manifest = publish(store, partition)
            ids = [window.window_id for window in partition.windows]
            verdict = index_holds_windows(store, author, manifest.version, ids, partition.vectors)
            verdict.require()
            chosen = chosen_instead(author, manifest.version)
            return Outcome(
                data_version=partition.data_version,
                metadata={
                    **row_count(ids),
                    "index version": manifest.version,
                    "serves": chosen or manifest.version,
                    "documents": manifest.documents,
                    "chunks": manifest.chunks,
                    "windows": manifest.window_count,
                    "model": manifest.model.name,
                    "precision": manifest.model.precision,
                    "check": verdict.reason,
                    "ask": dg.MetadataValue.url(settings.page_link),
                    "upstream": dg.MetadataValue.json(
                        {m.asset: {"run": m.run_id, "storage id": m.storage_id} for m in upstream}
                    ),
                },
                tags={INDEX_VERSION: manifest.version},
            )

        def follow(author: str, outcome: Outcome) -> None:
            """Serve the version: it has passed the gate and its materialization is on record."""
            version = outcome.tags[INDEX_VERSION]
            if chosen_instead(author, version) is None:
                store.serve(author, version)
            store.prune(author, settings.keep_versions)

        return AuthorRun(context, is_there).materialize(work, follow)

    index.__doc__ = description
    decorate = author_asset(
        name=f"{backend}_index",
        deps=[cleaned_documents, chunks, embeddings],
        group="index",
        kinds={backend},
        team="ml",
        code_version="3",
    )
    return decorate(index)


INDEXES: Mapping[str, dg.AssetsDefinition] = {
    "faiss": _index_asset(
        "faiss", "The author's vectors, chunks and documents as a version that FAISS searches."
    ),
    "qdrant": _index_asset(
        "qdrant", "The author's vectors, chunks and documents as a version in Qdrant."
    ),
    "chroma": _index_asset(
        "chroma", "The author's vectors, chunks and documents as a version in Chroma."
    ),
}


def author_records(settings: TwinSettings) -> dict[str, Author]:
    """Return the authors that the raw store knows, by slug."""
    store = open_raw_store(settings)
    try:
        return {author.slug: author for author in store.authors()}
    finally:
        store.close()


def gather_partition(
    settings: TwinSettings, author: Author, upstream: Sequence[Materialization], run_id: str
) -> IndexPartition:
    """Read what the author's index version is made of.

    Raises:
        StorageError: an artifact is missing or unreadable.
        IndexCorruptedError: the vectors are not those of the windows.
    """

    def path(asset: str) -> Location:
        return artifact_path(settings.artifacts_path, asset, author.slug)

    embedder = embedder_for(settings)
    windows = read_rows(path("windows"), Window)
    ids, vectors = read_vectors(path("embeddings"))
    if ids != [window.window_id for window in windows]:
        raise IndexCorruptedError(
            f"The vectors of {author.slug} are not those of its windows. "
            f"Run `twin build --author {author.slug}`."
        )
    return IndexPartition(
        author=author,
        documents=read_rows(path("cleaned_documents"), CleanedDocument),
        chunks=read_rows(path("chunks"), Chunk),
        windows=windows,
        vectors=vectors,
        model=Model(
            embedder.folder.name, embedder.weights_sha256, embedder.precision, vectors.shape[1]
        ),
        chunking=chunking_parameters(settings),
        data_version=content_version(author, upstream),
        run_id=run_id,
        upstream=[source.upstream for source in upstream],
    )


def content_version(author: Author, upstream: Sequence[Materialization]) -> str:
    """Return the data version of the author's index: what it is made of, and its format."""
    versions = [source.data_version for source in upstream]
    return digest(str(FORMAT), author.name, str(author.sample), *author.aliases, *versions)


def chunking_parameters(settings: TwinSettings) -> dict[str, int]:
    """Return the settings that decide how texts are cut."""
    return {
        "article_chunk_characters": settings.article_chunk_characters,
        "post_chunk_tokens": settings.post_chunk_tokens,
        "post_chunk_overlap": settings.post_chunk_overlap,
        "repository_chunk_tokens": settings.repository_chunk_tokens,
        "repository_chunk_overlap": settings.repository_chunk_overlap,
        "window_overlap": settings.window_overlap,
    }


def publish(store: VectorStore, partition: IndexPartition) -> Manifest:
    """Publish the partition, unless its newest version holds the same and is sound."""
    newest = next(iter(store.versions(partition.author.slug)), None)
    if newest is not None and newest.data_version == partition.data_version:
        try:
            store.verify(partition.author.slug, newest.version)
        except IndexCorruptedError:
            pass
        else:
            return newest
    return store.publish(partition)
