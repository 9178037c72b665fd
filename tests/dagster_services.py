"""Dagster's webserver and daemon over a home, started as `twin up` starts them."""

import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from twin_assets.documents import Author, Category, RawDocument
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings, load_settings
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import build
from twin_serving.cli.services import DAEMON, UI, Running

# Another way of cutting texts makes every author stale from the chunks on, and gives long texts a
# new index version. The daemon's sensor, which waits for new documents, does nothing about it.
CUT = {"article_chunk_characters": 400}
TEXT = "The dough of rye is to have a sour starter, so that the acid in it keeps the starch. " * 12


def settings_of(home: Path) -> TwinSettings:
    """Return settings over the home, with a port for the Dagster UI that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return load_settings(home=home, dagster_port=port, _env_file=None)


def build_home(settings: TwinSettings, authors: Mapping[str, str]) -> None:
    """Build the authors, given as ``{slug: name}``, each with one article, in this process."""
    with closing(open_raw_store(settings)) as store:
        for slug, name in authors.items():
            store.put_author(Author(slug, name))
            link = f"https://example.com/{slug}"
            store.upsert([RawDocument(slug, "blog", Category.ARTICLE, link, "Rye", TEXT)])
    with open_instance(settings) as instance:
        assert not build(settings, instance, [], lambda event: None).failed


def break_index(settings: TwinSettings, slug: str) -> None:
    """Let every build of the author fail: a file stands where the index's folder would."""
    folder = settings.indexes_path / "faiss" / slug
    shutil.rmtree(folder)
    folder.touch()


@contextmanager
def dagster_running(settings: TwinSettings) -> Iterator[None]:
    """Run the two processes, with what these settings say of cutting."""
    with pytest.MonkeyPatch.context() as patch, Running(settings) as running:
        for name in CUT:
            patch.setenv(f"TWIN_{name.upper()}", str(getattr(settings, name)))
        running.start(lambda service: None, (UI, DAEMON))
        yield
