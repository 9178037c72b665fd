"""Questions to begin with come from what is served, and reading it costs once."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from builders import partition
from shown import partition as served

from twin_assets.documents import Author, Category
from twin_assets.errors import IndexCorruptedError
from twin_assets.stores.faiss import FaissStore
from twin_serving.page.examples import Examples

POST, ARTICLE = (Category.POST, 9), (Category.ARTICLE, 1)


def published(store: FaissStore, name: str, kinds, *titles: str):
    made = partition(Author(name, name.title()), kinds)
    documents = [
        replace(one, title=title) for one, title in zip(made.documents, titles, strict=True)
    ]
    version = store.publish(replace(made, documents=documents)).version
    return served(made.author, version=version)


def test_each_author_is_asked_about_what_was_written_most_on(tmp_path: Path) -> None:
    store = FaissStore(tmp_path)
    examples = Examples(store)
    some = [
        published(store, "ada", [POST, ARTICLE, (Category.ARTICLE, 3)], "A post", "Rye", "Wheat"),
        published(store, "bob", [POST], "What is spelt?"),
        published(store, "eve", [ARTICLE], "A title " * 20),
        published(store, "fay", [ARTICLE], "Oats"),
        published(store, "gus", [ARTICLE], "Beyond the fourth"),
    ]
    asked = [
        "What does Ada write about “Wheat”?",
        "What is spelt?",
        "What does Fay write about “Oats”?",
    ]
    assert examples.of(some) == asked
    shutil.rmtree(tmp_path)
    assert examples.of(some) == asked  # nothing is read twice
    with pytest.raises(IndexCorruptedError):
        examples.of(some[4:])
