import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from builders import ADA, partition
from chroma_publishing import STEPS, kept_rows, start
from chroma_servers import running_chroma
from faults import flip
from publishing import assert_answers, assert_serves, publish_and_serve, version_of, wait_for

from twin_assets.documents import Author, Category
from twin_assets.errors import BadInputError, StorageError
from twin_assets.stores.chroma import ChromaStore
from twin_assets.stores.chroma.database import ChromaDatabase

# Several processes


def test_a_folder_is_one_session_s_at_a_time(tmp_path: Path) -> None:
    with (
        ChromaDatabase(tmp_path, "", None).session(),
        (tmp_path / "twin.lock").open() as lock,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_vectors_that_chroma_saves_do_not_replace_what_another_saved(tmp_path: Path) -> None:
    """It saves a collection's after 1,000 changes, whatever is in the files by then."""
    parts = [
        partition(author, [(Category.POST, windows)] * 60, seed=seed)
        for seed, (author, windows) in enumerate([(ADA, 1), (Author("bob", "Bob"), 20), (ADA, 20)])
    ]
    first, second = ChromaStore(tmp_path), ChromaStore(tmp_path)
    made = [
        store.publish(part).version
        for store, part in zip([first, second, first], parts, strict=True)
    ]
    for version, part in zip(made, parts, strict=True):
        read = ChromaStore(tmp_path).read(part.author.slug, version)
        assert (read.vectors == part.vectors).all()


def test_what_another_process_published_is_seen(tmp_path: Path, chroma_place: str) -> None:
    store = ChromaStore(tmp_path, chroma_place)
    before = publish_and_serve(store, "ada", 1)
    snapshot = store.open({"ada": before})
    wait_for(start(tmp_path, chroma_place, "ada", 2, 1))
    after = store.serving("ada") or ""
    assert after != before
    assert_answers(store.open({"ada": after}), version_of("ada", 2))
    assert_answers(snapshot, version_of("ada", 1))


# What is broken, gone, or refuses


def one_line(error: pytest.ExceptionInfo[StorageError]) -> str:
    line = str(error.value)
    assert "\n" not in line
    assert "secret" not in line
    return line


def test_a_server_that_is_gone(tmp_path: Path) -> None:
    with running_chroma(tmp_path / "server") as running:
        store = ChromaStore(tmp_path / "index", running.url, "secret")
        version = publish_and_serve(store, "ada", 1)
        snapshot = store.open({"ada": version})
        part = version_of("ada", 1)
        kept = snapshot.search(part.vectors[:1], Category.POST, 9, "ada")
        running.process.kill()
        running.process.wait()
        for use in (
            lambda: store.publish(version_of("ada", 2)),
            lambda: store.open({"ada": version}),
            lambda: snapshot.search(part.vectors[:1], Category.ARTICLE, 9, "ada"),
            lambda: snapshot.document(part.chunks[0]),
            lambda: store.verify("ada", version),
            lambda: store.read("ada", version),
            lambda: store.forget("ada"),
            lambda: ChromaStore(tmp_path / "index", running.url, "other").open({"ada": version}),
        ):
            with pytest.raises(StorageError) as caught:
                use()
            assert one_line(caught) == (
                f"Chroma at {running.url} does not answer. Start it with `chroma run`, or unset "
                "TWIN_CHROMA_URL."
            )
        assert snapshot.search(part.vectors[:1], Category.POST, 9, "ada") == kept


@pytest.mark.parametrize("step", list(STEPS)[:-1])
def test_a_server_that_goes_while_a_version_is_published(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = STEPS[step]
    with running_chroma(tmp_path / "server") as running:
        store = ChromaStore(tmp_path / "index", running.url)
        before = publish_and_serve(store, "ada", 1)

        def go() -> None:
            running.process.kill()
            running.process.wait()

        with monkeypatch.context() as patch:
            patch.setattr(broken.owner, broken.name, broken.faulty(go))
            with pytest.raises(StorageError) as caught:
                store.publish(version_of("ada", 2))
        assert one_line(caught).startswith(f"Chroma at {running.url} does not answer. ")
    with running_chroma(tmp_path / "server") as running:
        store = ChromaStore(tmp_path / "index", running.url)
        assert_serves(store, before)
        after = publish_and_serve(store, "ada", 3)
        assert kept_rows(tmp_path / "index", running.url) == {("ada", before), ("ada", after)}


@contextmanager
def answering(status: int, body: bytes, tokens: list[str | None]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tokens.append(self.headers["Authorization"])
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body"),
    [(401, b"secret"), (500, b"<html>\nOh\n</html>"), (200, b"no Chroma"), (503, b"{}")],
)
def test_a_server_that_refuses(tmp_path: Path, status: int, body: bytes) -> None:
    tokens: list[str | None] = []
    with answering(status, body, tokens) as port:
        store = ChromaStore(tmp_path, f"http://me:secret@127.0.0.1:{port}", "secret")
        with pytest.raises(StorageError) as caught:
            store.publish(version_of("ada", 1))
    assert set(tokens) == {"Bearer secret"}
    line = one_line(caught)
    assert line.startswith(f"Chroma at http://127.0.0.1:{port} cannot do what it was asked: ")
    assert "TWIN_CHROMA_TOKEN" in line
    if status != 200:
        assert f"it answers {status}." in line


def cut(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for path in folder.rglob(name):
            os.truncate(path, path.stat().st_size // 2)

    return damage


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with so many rows that Chroma has saved its vectors."""
    root = tmp_path_factory.mktemp("saved")
    publish_and_serve(ChromaStore(root), "ada", 1, times=200)
    assert list((root / "_database").rglob("data_level0.bin"))
    return root


DAMAGES = {
    "no database": lambda folder: (folder / "chroma.sqlite3").write_bytes(b"garbage" * 1000),
    "half a database": cut("chroma.sqlite3"),
    "a bit of the database": lambda folder: flip(folder / "chroma.sqlite3", 0),
    "a bit of the ids": lambda folder: [flip(p, 0) for p in folder.rglob("index_metadata.pickle")],
    "half a header": cut("header.bin"),
    "half the vectors": cut("data_level0.bin"),
    "half the ids": cut("index_metadata.pickle"),
    "no vectors": lambda folder: [shutil.rmtree(path) for path in folder.glob("*/")],
    "a file in the way": lambda folder: [shutil.rmtree(folder), folder.write_text("")],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_broken_folder(saved: Path, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    root = tmp_path / "copy"
    shutil.copytree(saved, root)
    damage(root / "_database")
    store = ChromaStore(root)
    version = store.serving("ada") or ""
    for use in (
        lambda: store.open({"ada": version}),
        lambda: store.verify("ada", version),
        lambda: store.read("ada", version),
        lambda: store.publish(version_of("ada", 2)),
    ):
        with pytest.raises(StorageError) as caught:
            use()
        line = one_line(caught)
        assert line.startswith(f"The Chroma database in {root / '_database'} cannot be used: ")
        assert line.endswith(f"remove {root} and run `twin build`.")


def test_a_full_disk(tmp_path: Path) -> None:
    """A file can grow no further than to 300 KB; the shell's units are 512 bytes."""
    publish_and_serve(ChromaStore(tmp_path), "ada", 1)
    limited = ["sh", "-c", 'ulimit -f 600; exec "$@"', "sh"]
    output = wait_for(start(tmp_path, "", "ada", 2, 100, before=limited), 1)
    assert "StorageError: The Chroma database in " in output.splitlines()[-1]
    served = ChromaStore(tmp_path).serving("ada") or ""
    assert_serves(ChromaStore(tmp_path), served)
    assert_serves(ChromaStore(tmp_path), publish_and_serve(ChromaStore(tmp_path), "ada", 200))


def test_the_database_s_libraries_are_loaded_when_they_are_needed_and_no_model_is(
    tmp_path: Path,
) -> None:
    program = (
        "import sys; from pathlib import Path; from twin_assets.stores.chroma import ChromaStore\n"
        "assert 'chromadb' not in sys.modules\n"
        "ChromaStore(Path(sys.argv[1])).open({})\n"
        "assert 'chromadb' in sys.modules\n"
        "assert not {'torch', 'onnxruntime', 'posthog', 'tokenizers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)


@pytest.mark.parametrize("url", ["http://[::1", "http://ada:secret@[::1"])
def test_a_url_that_is_none_is_one_clear_line(tmp_path: Path, url: str) -> None:
    with pytest.raises(
        BadInputError, match=r"^TWIN_CHROMA_URL is not a server's address"
    ) as caught:
        ChromaStore(tmp_path, url)
    assert "secret" not in str(caught.value)
