"""A real repository, crawled through the assets from a site of GitHub's shape, and asked about.

Its documentation only: embedding the code and its tests as well takes more than a minute.
"""

import tarfile
from contextlib import closing

import pytest
from fetching import client_on
from github_site import GitHubSite, tarball
from webserver import LocalNetwork, ManualTime, WebServer

from twin_assets.crawlers import dispatcher
from twin_assets.documents import Author, Outcome
from twin_assets.raw_store import open_raw_store
from twin_serving.cli.launch import build
from twin_serving.retrieval import RetrievalOptions
from twin_serving.twin import Twin

HOME = "https://github.com/simonw/llm"
LARGEST = 64 * 1024  # bytes; the changelog is larger


@pytest.fixture
def documentation(data_folder) -> tuple[str, bytes]:
    """The repository's commit, and a tarball of its folder ``docs`` as GitHub packs it."""
    path = data_folder / "repositories" / "simonw-llm.tar.gz"
    if not path.is_file():
        pytest.skip(f"needs {path} (set TWIN_TEST_DATA)")
    with tarfile.open(path) as tar:
        commit = tar.pax_headers["comment"]
        kept = []
        for info in tar.getmembers():
            file = tar.extractfile(info)
            if file is not None and "/docs/" in info.name and info.size <= LARGEST:
                kept.append((info, file.read()))
    return commit, tarball(kept, commit=commit)


@pytest.mark.handbook
def test_a_question_is_answered_with_the_file_s_link_at_its_commit(
    documentation, settings, instance, monkeypatch
):
    commit, packed = documentation
    time, network = ManualTime(), LocalNetwork()
    monkeypatch.setattr(dispatcher, "HttpClient", client_on(network, time))
    with closing(open_raw_store(settings)) as store:
        store.put_author(Author("simon", "Simon", sources=(HOME,)))
    with WebServer(time.clock) as server:
        for host in ("api.github.com", "codeload.github.com"):
            network.add(host, server)
        GitHubSite(server, server).serve("simonw/llm", commit, packed)
        assert build(settings, instance, [], lambda event: None).built == ["simon"]
    with closing(open_raw_store(settings)) as store:
        assert store.visits("simon")[HOME].outcome is Outcome.NEW

    question = "which command lists the installed models?"
    answer = Twin(settings).ask(question, RetrievalOptions())
    documents = [citation.passage.candidate.document for citation in answer.citations]
    for document in documents:
        assert document.link == f"{HOME}/blob/{commit}/{document.path}"
    assert "docs/usage.md" in [document.path for document in documents]
    assert "The llm models command lists every model" in answer.text
