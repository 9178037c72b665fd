"""One process publishes while another searches, or publishes as well."""

import logging
import os

import chroma_publishing
import faiss_publishing
import pytest
import qdrant_publishing
from publishing import (
    KEPT,
    Backend,
    assert_answers,
    assert_reads,
    assert_serves,
    publish_and_serve,
    seed_of,
    version_of,
    wait_for,
)

from twin_assets.errors import IndexCorruptedError

# Read while tests are collected: the environment is cleared before they run.
PUBLISHES = int(os.environ.get("TWIN_TEST_PUBLISHES", "10"))
PLACES = [
    pytest.param((faiss_publishing, ""), id="faiss"),
    pytest.param((chroma_publishing, ""), id="chroma"),
    pytest.param((chroma_publishing, "chroma_url"), id="chroma-server"),
    pytest.param((qdrant_publishing, ""), id="qdrant"),
    pytest.param((qdrant_publishing, "qdrant_stand_in_url"), id="qdrant-stand-in"),
]
EVERYWHERE = pytest.mark.parametrize("backend", PLACES, indirect=True)


@EVERYWHERE
def test_no_answer_is_torn_empty_or_mixed_while_another_process_publishes(backend: Backend) -> None:
    store = backend.store()
    publish_and_serve(store, "bob", 0)
    publish_and_serve(store, "ada", 0)
    seen, answers = set(), 0
    publisher = backend.module.start(backend.root, backend.url, "ada", 1, PUBLISHES)
    while publisher.poll() is None:
        served = {author: store.serving(author) or "" for author in ("ada", "bob")}
        try:
            snapshot = store.open(served)
            for author, version in served.items():
                store.verify(author, version)
                assert_answers(snapshot, version_of(author, seed_of(version)))
        except IndexCorruptedError:  # said, not answered wrongly: the version is gone by now
            assert served["ada"] != store.serving("ada")
            continue
        seen.add(served["ada"])
        answers += 1
    wait_for(publisher)
    logging.info("%d publishes, %d answers, %d versions seen", PUBLISHES, answers, len(seen))
    assert len(seen) > 1
    served_last = store.serving("ada") or ""
    assert seed_of(served_last) == PUBLISHES
    assert_serves(backend.store(), served_last)
    names = [(m.author.slug, m.version) for a in ("ada", "bob") for m in store.versions(a)]
    assert backend.kept_rows() == set(names)
    assert len(names) == KEPT + 1


@EVERYWHERE
def test_two_processes_publish_at_once_and_nothing_is_lost(backend: Backend) -> None:
    publishers = [
        backend.module.start(backend.root, backend.url, slug, 1, 3, times=10)
        for slug in ("ada", "bob")
    ]
    for publisher in publishers:
        wait_for(publisher)
    store = backend.store()
    for slug in ("ada", "bob"):
        assert len(store.versions(slug)) == 3
        for manifest in store.versions(slug):
            part = version_of(slug, seed_of(manifest.version), 10)
            assert_reads(store, manifest.version, part)
