"""raw_documents: an author's sources crawled, and what the raw store then holds, recorded."""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing

import dagster as dg

from twin_assets.assets.materialize import AuthorRun, Outcome, author_asset
from twin_assets.assets.previews import escaped, link, row_count, table
from twin_assets.assets.provenance import REVISION, Materialization
from twin_assets.documents import Outcome as VisitOutcome
from twin_assets.documents import RawDocument, Visit, digest
from twin_assets.errors import BadInputError
from twin_assets.raw_store import RawStore, open_raw_store
from twin_assets.settings import TwinSettings

_MOST_LINKS = 2000  # in the table; `twin status` names every link that needs a look


@author_asset(group="collect", kinds={"python"}, team="data", code_version="2", pool="crawling")
def raw_documents(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[TwinSettings]
) -> dg.Output[None]:
    """The author's articles, posts and repository files, crawled or imported."""
    from twin_assets.crawlers.crawl import crawl_author
    from twin_assets.crawlers.dispatcher import open_crawlers

    with ExitStack() as stack:
        store = stack.enter_context(closing(open_raw_store(settings)))
        records = {author.slug: author for author in store.authors()}
        crawled = [key for key in context.partition_keys if key in records and records[key].sources]
        crawlers = stack.enter_context(open_crawlers(settings)) if crawled else ()

        def is_there(made: Materialization, _: Sequence[Materialization]) -> bool:
            revision = str(store.revision(made.author))
            return made.author not in crawled and made.tags.get(REVISION) == revision

        run = AuthorRun(context, is_there)

        def work(author: str, _: Sequence[Materialization]) -> Outcome:
            visits: list[Visit] = []
            if author in crawled:
                visits = crawl_author(
                    records[author],
                    store,
                    crawlers,
                    lambda visit: context.log.info(f"{visit.outcome}: {visit.link} {visit.detail}"),
                )
            return record_raw(store, author, visits, may_be_empty=author in run.before)

        return run.materialize(work)


def record_raw(
    store: RawStore, author: str, visits: Sequence[Visit] = (), *, may_be_empty: bool = False
) -> Outcome:
    """Return the state of the author's raw documents, and of the visits just made.

    Args:
        store: the raw store.
        author: the partition's key.
        visits: what was crawled just now.
        may_be_empty: whether there may be no document: where there were some before, that they are
            gone has to reach the index.

    Raises:
        BadInputError: there are no documents.
    """
    revision = store.revision(author)  # read first: what is written meanwhile has a higher one
    counts = store.count(author)
    if not sum(counts.values()) and not may_be_empty:
        faults = "".join(f" {v.link}: {v.detail or v.outcome}." for v in visits[:3])
        raise BadInputError(
            f"{author} has no documents in the raw store. Add some with `twin import FILE.jsonl` "
            f"or `twin add`.{faults}"
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
            **{f"links {what}": n for what, n in Counter(v.outcome for v in visits).items()},
            **row_count(content),
            "links": table(
                [_visit_row(visit) for visit in sorted(visits, key=_worst_first)], _MOST_LINKS
            ),
            "newest": dg.MetadataValue.md(
                "\n".join(
                    f"- {link(d.title, d.link)} ({escaped(d.published_at or 'no date')})"
                    for d in newest
                )
            ),
        },
        tags={REVISION: str(revision)},
    )


def _worst_first(visit: Visit) -> tuple[int, str]:
    return -list(VisitOutcome).index(visit.outcome), visit.link


def _visit_row(visit: Visit) -> dict[str, str]:
    return {"outcome": visit.outcome.value, "link": visit.link, "detail": visit.detail}
