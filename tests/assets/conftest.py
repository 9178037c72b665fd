"""Authors with a few short documents in an empty home, and builds of them."""

from collections.abc import Callable, Mapping
from contextlib import closing

import dagster as dg
import pytest
from builders import raw_document

from twin_assets.documents import Author
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_serving.cli.launch import BuildReport, build

Write = Callable[[str, Mapping[str, str]], None]
Build = Callable[..., BuildReport]


@pytest.fixture
def write(settings: TwinSettings) -> Write:
    """Put ``{link name: text}`` into the raw store as the author's articles."""

    def put(author: str, texts: Mapping[str, str]) -> None:
        with closing(open_raw_store(settings)) as store:
            store.put_author(Author(author, author.title()))
            store.upsert(
                raw_document(f"https://example.com/{author}/{name}", text, author=author)
                for name, text in texts.items()
            )

    return put


@pytest.fixture
def build_now(settings: TwinSettings, instance: dg.DagsterInstance) -> Build:
    """Build the named authors, or all."""

    def run(*names: str) -> BuildReport:
        return build(settings, instance, names, lambda event: None)

    return run
