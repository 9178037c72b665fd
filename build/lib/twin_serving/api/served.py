"""What is served: the authors, and the index versions that answer for them."""

from anyio import to_thread
from fastapi import APIRouter
from typing_extensions import TypedDict

from twin_serving.api.problems import problems
from twin_serving.catalog import Served
from twin_serving.twin import Twin


class ServedAuthor(TypedDict):
    """An author who can be asked about."""

    slug: str
    name: str
    aliases: list[str]
    sample: bool
    documents: int
    chunks: int


class ServedVersion(TypedDict):
    """The index version that answers for an author."""

    author: str
    version: str
    materialized_at: str
    run_id: str
    documents: int
    chunks: int
    windows: int


class ServedIndex(TypedDict):
    """An index backend with what it serves; ``faults`` are one line each."""

    backend: str
    versions: list[ServedVersion]
    faults: list[str]


def served_routes(twin: Twin) -> APIRouter:
    """Return the routes that say what is served."""
    routes = APIRouter(tags=["served"])

    async def served() -> Served:
        return await to_thread.run_sync(twin.catalog.served)

    @routes.get("/authors", responses=problems(503))
    async def authors() -> list[ServedAuthor]:
        """List the authors that can be asked about."""
        return [
            {
                "slug": p.author.slug,
                "name": p.author.name,
                "aliases": list(p.author.aliases),
                "sample": p.author.sample,
                "documents": p.documents,
                "chunks": p.chunks,
            }
            for p in (await served()).partitions
        ]

    @routes.get("/indexes", responses=problems(503))
    async def indexes() -> list[ServedIndex]:
        """List the index that answers, with the version of each author."""
        now = await served()
        versions: list[ServedVersion] = [
            {
                "author": p.author.slug,
                "version": p.version,
                "materialized_at": p.materialized_at,
                "run_id": p.run_id,
                "documents": p.documents,
                "chunks": p.chunks,
                "windows": p.windows,
            }
            for p in now.partitions
        ]
        return [{"backend": now.backend, "versions": versions, "faults": list(now.faults)}]

    return routes
