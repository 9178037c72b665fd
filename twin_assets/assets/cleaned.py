"""cleaned_documents: boilerplate out, text repaired, bad documents set aside with a reason."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import astuple

import dagster as dg

from twin_assets.artifacts import artifact_path, write_rows
from twin_assets.assets.at_rest import has_file
from twin_assets.assets.materialize import AuthorRun, Outcome, author_asset
from twin_assets.assets.previews import preview, row_count, table
from twin_assets.assets.provenance import Materialization
from twin_assets.assets.raw import raw_documents
from twin_assets.documents import CleanedDocument, Quarantined, digest
from twin_assets.errors import BadInputError
from twin_assets.raw_store import RawStore, open_raw_store
from twin_assets.settings import TwinSettings


@author_asset(
    deps=[raw_documents],
    group="prepare",
    kinds={"python", "parquet"},
    team="data",
    code_version="3",
    rows=CleanedDocument,
)
def cleaned_documents(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[TwinSettings]
) -> dg.Output[None]:
    """The author's documents without boilerplate; Markdown is kept."""
    with closing(open_raw_store(settings)) as store:

        def work(author: str, _: Sequence[Materialization]) -> Outcome:
            documents, quarantined = clean_author(store, author)
            path = artifact_path(settings.artifacts_path, "cleaned_documents", author)
            write_rows(path, CleanedDocument, documents)
            return _outcome(documents, quarantined)

        return AuthorRun(context, has_file(settings)).materialize(work)


def clean_author(store: RawStore, author: str) -> tuple[list[CleanedDocument], list[Quarantined]]:
    """Clean every raw document of the author.

    Raises:
        BadInputError: there are some, and none can be indexed.
    """
    from twin_assets.cleaning import clean  # only where something is cleaned: it takes a while

    documents: list[CleanedDocument] = []
    quarantined: list[Quarantined] = []
    for raw in store.documents(author):
        result = clean(raw)
        if isinstance(result, Quarantined):
            quarantined.append(result)
        else:
            documents.append(result)
    if quarantined and not documents:
        reasons = "; ".join(sorted({q.reason for q in quarantined}))
        raise BadInputError(f"No document of {author} can be indexed: {reasons}.")
    return documents, quarantined


def _outcome(documents: list[CleanedDocument], quarantined: list[Quarantined]) -> Outcome:
    return Outcome(
        data_version=digest(
            *(digest(*(str(value or "") for value in astuple(d))) for d in documents)
        ),
        metadata={
            **row_count(documents),
            "documents": len(documents),
            "characters": sum(len(document.text) for document in documents),
            "quarantined": len(quarantined),
            "quarantined documents": table(
                [{"link": q.link, "title": q.title, "reason": q.reason} for q in quarantined]
            ),
            "preview": preview(documents[0].text if documents else ""),
        },
    )
