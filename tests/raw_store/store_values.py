"""What the tests of every raw store put into it and read from it."""

from builders import raw_document

from twin_assets.documents import Author, RawDocument
from twin_assets.raw_store import RawStore

BOB = Author("bob", "Bob", ("Bobby", "B. Ob"), sample=True)


def many(number: int, author: str = "ada", text: str = "Words.") -> list[RawDocument]:
    return [raw_document(f"https://a.com/{n:05}", text, author=author) for n in range(number)]


def links(store: RawStore, author: str = "ada") -> list[str]:
    return [document.link for document in store.documents(author)]
