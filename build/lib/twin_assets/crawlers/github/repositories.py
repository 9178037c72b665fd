"""A repository's files as documents, each with a link that lasts."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from urllib.parse import quote

from twin_assets.crawlers.found import Found, Task
from twin_assets.crawlers.github.files import Entry, LeftOut, describe, source_files
from twin_assets.documents import Category, RawDocument, digest
from twin_assets.languages import language_of

Tree = Callable[[], Iterable[Entry]]
FileLink = Callable[[RawDocument], str]


def found_in(tree: Tree, task: Task, link: str, file_link: FileLink, platform: str) -> Found:
    """Return what a repository's tree holds, its files counted, its documents yet to be read.

    Args:
        tree: yields the files, each time that it is called.
        task: whose documents they are.
        link: what the find is about.
        file_link: gives a document its link.
        platform: where the repository comes from.

    Raises:
        BadInputError: the tree cannot be read; also while the documents are read.
    """
    left_out: Counter[LeftOut] = Counter()
    kept = sum(1 for _ in source_files(tree(), left_out))
    documents = _documents(tree, task.author.slug, file_link, platform)
    return Found(link, documents, detail=describe(kept, left_out))


def _documents(
    tree: Tree, author: str, file_link: FileLink, platform: str
) -> Iterator[RawDocument]:
    for file in source_files(tree(), Counter()):
        document = RawDocument(
            author=author,
            platform=platform,
            category=Category.REPOSITORY,
            link="",
            title=file.path,
            text=file.text,
            language=language_of(file.path),
            path=file.path,
        )
        yield replace(document, link=file_link(document))


def links_at_commit(name: str, commit: str, task: Task) -> FileLink:
    """Return what links a file of ``owner/name`` on GitHub at the commit.

    A file that is stored already with the same content keeps its link, which names an earlier
    commit and shows the same: so a commit makes new documents of the files that it changed only.
    """
    prefix = f"https://github.com/{name}/blob/"
    earlier = {
        (file.removeprefix(prefix).partition("/")[2], content): file
        for file, content in sorted(task.hashes(prefix).items())
    }

    def file_link(document: RawDocument) -> str:
        path = quote(document.path or "")
        return earlier.get((path, document.content_hash), f"{prefix}{commit}/{path}")

    return file_link


def links_by_content(folder: str) -> FileLink:
    """Return what links a file of a folder that is nowhere on the web.

    The address leads nowhere (RFC 2606 keeps ``invalid`` for that); the file's content stands in it
    in the place of a commit, so that a file keeps its link until it changes.
    """

    def file_link(document: RawDocument) -> str:
        version, path = digest(document.text)[:40], quote(document.path or "")
        return f"https://local.invalid/{quote(folder, safe='')}/blob/{version}/{path}"

    return file_link
