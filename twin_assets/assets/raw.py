"""raw_documents: what the raw store holds of an author, recorded with its revision."""

from contextlib import closing

import dagster as dg

from twin_assets.assets.materialize import Outcome, author_asset, materialize_each
from twin_assets.assets.previews import escaped
from twin_assets.assets.provenance import REVISION, Materialization
from twin_assets.documents import RawDocument, digest
from twin_assets.errors import BadInputError
from twin_assets.raw_store import RawStore, open_raw_store
from twin_assets.settings import TwinSettings


@author_asset(group="collect", kinds={"python", "sqlite"}, team="data", code_version="1")
def raw_documents(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[TwinSettings]
) -> dg.Output[None]:
    """The author's articles, posts and repository files in the raw store."""
    with closing(open_raw_store(settings)) as store:

        def work(author: str, _: list[Materialization]) -> Outcome:
            return record_raw(store, author)

        return materialize_each(context, work)


def record_raw(store: RawStore, author: str) -> Outcome:
    """Return the state of the author's raw documents.

    Raises:
        BadInputError: there are none.
    """
    revision = store.revision(author)  # read first: what is written meanwhile has a higher one
    counts = store.count(author)
    if not sum(counts.values()):
        raise BadInputError(
            f"{author} has no documents in the raw store. Add some with `twin import FILE.jsonl`."
        )
    newest: list[RawDocument] = []
    content = []
    characters = 0
    for document in store.documents(author):
        content.append(f"{document.document_id} {document.content_hash}")
        characters += len(document.text)
        newest = sorted([*newest, document], key=lambda d: d.published_at or "", reverse=True)[:5]
    return Outcome(
        data_version=digest(*sorted(content)),
        metadata={
            "documents": sum(counts.values()),
            **{f"{category.value} documents": count for category, count in counts.items()},
            "characters": characters,
            "revision": revision,
            "newest": dg.MetadataValue.md(
                "\n".join(f"- {escaped(d.title)} ({d.published_at or 'no date'})" for d in newest)
            ),
        },
        tags={REVISION: str(revision)},
    )
