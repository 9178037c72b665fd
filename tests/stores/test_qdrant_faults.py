import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from faults import flip
from mongo_servers import find_unused_port
from publishing import assert_answers, assert_serves, publish_and_serve, version_of, wait_for
from qdrant_publishing import STEPS, kept_rows, start
from qdrant_servers import Handler, StandIn, answering, hanging_up, running_stand_in

from twin_assets.documents import Category
from twin_assets.errors import BadInputError, StorageError
from twin_assets.stores import VectorStore
from twin_assets.stores.qdrant import QdrantStore


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin_assets.stores.qdrant.retries._PAUSES", (0.0, 0.0, 0.0))


# Several processes


def test_readers_do_not_wait_for_a_writer_and_a_second_writer_gives_up_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = QdrantStore(tmp_path)
    version = publish_and_serve(store, "ada", 1)
    with (tmp_path / "_local" / "twin.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert_serves(QdrantStore(tmp_path), version)
        monkeypatch.setattr("twin_assets.stores.qdrant.database._PATIENCE", 0)
        with pytest.raises(StorageError, match=r"^Another process has been writing to .*_local "):
            store.publish(version_of("ada", 2))
    publish_and_serve(store, "ada", 3)


# A server that is gone, refuses, or is no Qdrant


def one_line(error: pytest.ExceptionInfo[StorageError]) -> str:
    line = str(error.value)
    assert "\n" not in line
    assert "secret" not in line
    return line


def uses(store: VectorStore, version: str) -> list[Callable[[], object]]:
    return [
        lambda: store.publish(version_of("ada", 2)),
        lambda: store.open({"ada": version}),
        lambda: store.read("ada", version),
        lambda: store.traces("ada"),
        lambda: store.forget("ada"),
    ]


def test_a_server_that_is_gone_and_comes_back(tmp_path: Path) -> None:
    stand_in, part = StandIn(), version_of("ada", 1)
    with running_stand_in(stand_in):
        store = QdrantStore(tmp_path, stand_in.url)
        version = publish_and_serve(store, "ada", 1)
        snapshot = store.open({"ada": version})
    for use in (
        lambda: snapshot.search(part.vectors[:1], Category.POST, 9, "ada"),
        lambda: snapshot.document(part.chunks[0]),
        lambda: QdrantStore(tmp_path, stand_in.url).verify("ada", version),
        *uses(store, version)[:-1],
    ):
        with pytest.raises(StorageError) as caught:
            use()
        assert one_line(caught) == (
            f"Qdrant at {stand_in.url} does not answer. Start it, or unset TWIN_QDRANT_URL."
        )
    with running_stand_in(stand_in):
        assert_answers(snapshot, part)
        after = publish_and_serve(store, "ada", 3)
        assert_serves(QdrantStore(tmp_path, stand_in.url), after)


@pytest.mark.parametrize("step", list(STEPS)[:-1])
def test_a_server_that_goes_while_a_version_is_published(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in, broken = StandIn(), STEPS[step]
    with running_stand_in(stand_in) as running:
        store = QdrantStore(tmp_path, stand_in.url)
        before = publish_and_serve(store, "ada", 1)

        def go() -> None:
            running.broken = [hanging_up] * 100

        with monkeypatch.context() as patch:
            patch.setattr(broken.owner, broken.name, broken.faulty(go))
            with pytest.raises(StorageError) as caught:
                store.publish(version_of("ada", 2))
        assert one_line(caught).startswith(f"Qdrant at {stand_in.url} does not answer. ")
        running.broken = []
        assert_serves(QdrantStore(tmp_path, stand_in.url), before)
        after = publish_and_serve(store, "ada", 3)
        assert kept_rows(tmp_path, stand_in.url) == {("ada", before), ("ada", after)}


def test_an_author_is_forgotten_when_the_server_is_back(tmp_path: Path) -> None:
    stand_in = StandIn()
    with running_stand_in(stand_in):
        store = QdrantStore(tmp_path, stand_in.url)
        publish_and_serve(store, "ada", 1)
    with pytest.raises(StorageError, match="does not answer"):
        store.forget("ada")
    assert store.authors() == []
    with running_stand_in(stand_in):
        store.forget("ada")
        assert store.traces("ada") == 0


@pytest.mark.parametrize("scheme", ["http://me:secret@", "me:secret@", ""])
@pytest.mark.parametrize("grpc", [False, True])
def test_no_secret_is_in_what_is_said_of_a_server(
    tmp_path: Path, scheme: str, *, grpc: bool
) -> None:
    port = find_unused_port()
    url = f"{scheme}127.0.0.1:{port}/?api-key=secret"
    with pytest.raises(StorageError) as caught:
        QdrantStore(tmp_path, url, "secret", grpc=grpc).publish(version_of("ada", 1))
    at = f"Qdrant at http://127.0.0.1:{port}" + (" (gRPC: port 6334)" if grpc else "")
    assert one_line(caught) == f"{at} does not answer. Start it, or unset TWIN_QDRANT_URL."


@pytest.mark.parametrize("url", ["http://me:secret@host:port", "ftp://me:secret@127.0.0.1"])
def test_what_is_no_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadInputError, match=r"^TWIN_QDRANT_URL is not a server's") as caught:
        QdrantStore(tmp_path, url).publish(version_of("ada", 1))
    assert "secret" not in str(caught.value)


def test_a_key_is_sent_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    with running_stand_in(StandIn(key="secret")) as stand_in:
        version = publish_and_serve(QdrantStore(tmp_path, stand_in.url, "secret"), "ada", 1)
        for key in ("wrong-secret", None):
            store = QdrantStore(tmp_path, stand_in.url, key)
            for use in uses(store, version)[:-1]:
                with pytest.raises(StorageError) as caught:
                    use()
                assert one_line(caught) == (
                    f"Qdrant at {stand_in.url} refuses access. Check TWIN_QDRANT_API_KEY."
                )


BUSY = '{"status": {"error": "Busy:\\n  come back"}}'
REFUSALS = {
    "busy": (answering(503, BUSY), 4, "it answers 503 (Busy: come back)"),
    "busy proxy": (answering(502, "<html>secret\n</html>"), 4, "it answers 502"),
    "too many": (answering(429, BUSY), 4, "it answers 429 (Busy: come back)"),
    "bad request": (answering(400, BUSY), 1, "it answers 400 (Busy: come back)"),
    "a page": (answering(200, "<html>secret\n</html>"), 1, "its answer is none of Qdrant's"),
    "other JSON": (answering(200, "{}"), 1, "its answer is none of Qdrant's"),
    "a list": (answering(404, '["secret"]'), 1, "it answers 404"),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_server_that_cannot_do_it(
    tmp_path: Path,
    qdrant_stand_in: StandIn,
    refusal: tuple[Callable[[Handler], None], int, str],
) -> None:
    answer, attempts, detail = refusal
    store = QdrantStore(tmp_path, qdrant_stand_in.url)
    version = publish_and_serve(store, "ada", 1)
    snapshot = store.open({"ada": version})
    for use in (
        lambda: snapshot.search(version_of("ada", 1).vectors, Category.POST, 1),
        *uses(store, version)[:-1],
    ):
        qdrant_stand_in.broken = [answer] * 5
        with pytest.raises(StorageError) as caught:
            use()
        assert one_line(caught) == (
            f"Qdrant at {qdrant_stand_in.url} cannot do what it was asked: {detail}. Check "
            "TWIN_QDRANT_URL and the server's log."
        )
        assert len(qdrant_stand_in.broken) == 5 - attempts
    qdrant_stand_in.broken = []
    assert_serves(QdrantStore(tmp_path, qdrant_stand_in.url), version)


def test_what_will_pass_is_asked_again(tmp_path: Path, qdrant_stand_in: StandIn) -> None:
    store = QdrantStore(tmp_path, qdrant_stand_in.url)
    qdrant_stand_in.broken = [answering(503), hanging_up, answering(429)]
    version = publish_and_serve(store, "ada", 1)
    assert not qdrant_stand_in.broken
    qdrant_stand_in.broken = [hanging_up, answering(500), answering(504)]
    assert_serves(QdrantStore(tmp_path, qdrant_stand_in.url), version)


def test_a_server_that_hangs_is_asked_once(
    tmp_path: Path, qdrant_stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = Event()
    monkeypatch.setattr("twin_assets.stores.qdrant.database._TIMEOUT", 1)
    qdrant_stand_in.broken = [lambda handler: released.wait(60) and None] * 2
    with pytest.raises(StorageError) as caught:
        QdrantStore(tmp_path, qdrant_stand_in.url).publish(version_of("ada", 1))
    released.set()
    line = f"Qdrant at {qdrant_stand_in.url} takes more than 1 seconds. See its log, and try again."
    assert one_line(caught) == line
    assert len(qdrant_stand_in.broken) == 1


# A folder that is broken or full


def only(folder: Path, text: bytes) -> None:
    for path in folder.glob("collection/*/storage.sqlite"):
        path.write_bytes(text)


DAMAGES = {
    "garbage rows": lambda folder: only(folder, b"garbage" * 1000),
    "half the rows": lambda folder: [
        os.truncate(path, path.stat().st_size // 2) for path in folder.glob("collection/*/*.sqlite")
    ],
    "a bit of the rows": lambda folder: [
        flip(path, 0) for path in folder.glob("collection/*/storage.sqlite")
    ],
    "a bit of the list": lambda folder: flip(folder / "meta.json", 0),
    "garbage in the list": lambda folder: (folder / "meta.json").write_text("{"),
    "a file in the way": lambda folder: [shutil.rmtree(folder), folder.write_text("")],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_broken_folder(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    root = tmp_path / "index"
    version = publish_and_serve(QdrantStore(root), "ada", 1)
    damage(root / "_local")
    store = QdrantStore(root)
    for use in (*uses(store, version)[:-1], lambda: store.verify("ada", version)):
        with pytest.raises(StorageError) as caught:
            use()
        line = one_line(caught)
        assert line.startswith(f"The Qdrant folder {root / '_local'} cannot be used: ")
        assert line.endswith(f"remove {root} and run `twin build`.")


def test_a_full_disk(tmp_path: Path) -> None:
    """A file can grow no further than to 100 KB; the shell's units are 512 bytes."""
    before = publish_and_serve(QdrantStore(tmp_path), "ada", 1)
    limited = ["sh", "-c", 'ulimit -f 200; exec "$@"', "sh"]
    output = wait_for(start(tmp_path, "", "ada", 2, 1, times=30, before=limited), 1)
    assert "StorageError: The Qdrant folder " in output.splitlines()[-1]
    assert_serves(QdrantStore(tmp_path), before)
    assert_serves(QdrantStore(tmp_path), publish_and_serve(QdrantStore(tmp_path), "ada", 3))
