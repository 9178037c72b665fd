import subprocess
import sys
import time
from pathlib import Path

import faults
import pytest
from builders import ADA
from faults import NOTE_STEPS, PUBLISH_STEPS, SERVE_STEPS, Step, version_of

from twin_assets.documents import Author
from twin_assets.errors import BadInputError, IndexCorruptedError, StorageError
from twin_assets.stores import IndexPartition
from twin_assets.stores.faiss import FaissStore

FAULTS = [OSError("No space left on device"), KeyboardInterrupt()]


def publish(root: Path, seed: int) -> str:
    time.sleep(0.002)  # a version's name is a time in milliseconds
    return FaissStore(root).publish(version_of(seed)).version


def publish_and_serve(root: Path, seed: int) -> str:
    version = publish(root, seed)
    FaissStore(root).serve(ADA.slug, version)
    return version


def assert_served(root: Path, version: str, seed: int) -> None:
    """A process that starts now serves the version, and every word and number of it is right."""
    store = FaissStore(root)
    assert store.authors() == [ADA.slug]
    assert store.serving(ADA.slug) == version
    assert_reads(store, version, version_of(seed))


def assert_reads(store: FaissStore, version: str, expected: IndexPartition) -> None:
    store.verify(ADA.slug, version)
    read = store.read(ADA.slug, version)
    for field in ("author", "documents", "chunks", "windows", "model", "chunking", "run_id"):
        assert getattr(read, field) == getattr(expected, field)
    assert read.upstream == expected.upstream
    assert (read.vectors == expected.vectors).all()
    snapshot = store.open({ADA.slug: version})
    for chunk, vector in zip(expected.chunks, expected.vectors[[0, 2, 5]], strict=True):
        (hits,) = snapshot.search(vector[None], chunk.category, 1)
        assert hits[0].chunk == chunk
        assert hits[0].score == pytest.approx(1, abs=1e-6)
        assert snapshot.document(chunk) in expected.documents


def assert_next_publish_repairs(root: Path, before: str) -> None:
    version = publish_and_serve(root, 3)
    assert_served(root, version, 3)
    folders = sorted((root / ADA.slug / "versions").iterdir())
    assert all((folder / "manifest.json").is_file() for folder in folders)
    assert not list((root / ADA.slug / "versions").rglob("*.tmp"))
    assert {before, version} <= {folder.name for folder in folders}
    assert FaissStore(root).versions(ADA.slug)[0].version == version


@pytest.mark.parametrize("fault", FAULTS, ids=["OSError", "KeyboardInterrupt"])
@pytest.mark.parametrize("step", PUBLISH_STEPS.values(), ids=PUBLISH_STEPS)
def test_a_fault_at_any_step_of_publishing(
    step: Step, fault: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = publish_and_serve(tmp_path, 1)
    with monkeypatch.context() as patch:
        patch.setattr(step.owner, step.name, step.faulty(lambda: throw(fault)))
        expected = StorageError if isinstance(fault, OSError) else KeyboardInterrupt
        with pytest.raises(expected) as caught:
            FaissStore(tmp_path).publish(version_of(2))
        assert "\n" not in str(caught.value)
    assert_served(tmp_path, before, 1)
    assert_next_publish_repairs(tmp_path, before)


@pytest.mark.parametrize("fault", FAULTS, ids=["OSError", "KeyboardInterrupt"])
@pytest.mark.parametrize("step", SERVE_STEPS.values(), ids=SERVE_STEPS)
def test_a_fault_at_any_step_of_serving(
    step: Step, fault: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = publish_and_serve(tmp_path, 1), publish(tmp_path, 2)
    with monkeypatch.context() as patch:
        patch.setattr(step.owner, step.name, step.faulty(lambda: throw(fault)))
        expected = StorageError if isinstance(fault, OSError) else KeyboardInterrupt
        with pytest.raises(expected):
            FaissStore(tmp_path).serve(ADA.slug, after)
    assert_old_or_new_is_served(tmp_path, before, after, step)
    assert_next_publish_repairs(tmp_path, before)


def throw(fault: BaseException) -> None:
    raise fault


def assert_old_or_new_is_served(root: Path, before: str, after: str, step: Step) -> None:
    """The pointer has moved only once it was renamed."""
    if step in (SERVE_STEPS["flush the pointer's name"], *NOTE_STEPS.values()):
        assert_served(root, after, 2)
    else:
        assert_served(root, before, 1)


@pytest.mark.parametrize("step", [*PUBLISH_STEPS, *SERVE_STEPS])
def test_a_process_that_is_killed(step: str, tmp_path: Path) -> None:
    before = publish_and_serve(tmp_path, 1)
    killed = subprocess.run(
        [sys.executable, faults.__file__, str(tmp_path), "2", step],
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr.decode()
    if step in PUBLISH_STEPS:
        assert_served(tmp_path, before, 1)
    else:
        after = FaissStore(tmp_path).versions(ADA.slug)[0].version
        assert_old_or_new_is_served(tmp_path, before, after, SERVE_STEPS[step])
    assert_next_publish_repairs(tmp_path, before)


def test_a_first_publish_that_is_killed_serves_nothing(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, faults.__file__, str(tmp_path), "2", "rename the manifest"],
        capture_output=True,
        check=False,
    )
    store = FaissStore(tmp_path)
    assert store.authors() == []
    assert store.versions(ADA.slug) == []
    assert store.serving(ADA.slug) is None
    assert len(list((tmp_path / ADA.slug / "versions").iterdir())) == 1
    assert_served(tmp_path, publish_and_serve(tmp_path, 3), 3)
    assert len(list((tmp_path / ADA.slug / "versions").iterdir())) == 1


def test_publishing_serves_nothing_yet(tmp_path: Path) -> None:
    before = publish_and_serve(tmp_path, 1)
    after = publish(tmp_path, 2)
    assert_served(tmp_path, before, 1)
    assert_reads(FaissStore(tmp_path), after, version_of(2))
    FaissStore(tmp_path).serve(ADA.slug, after)
    assert_served(tmp_path, after, 2)
    FaissStore(tmp_path).serve(ADA.slug, before)
    assert_served(tmp_path, before, 1)


def test_a_manifest_says_what_the_version_holds(tmp_path: Path) -> None:
    version = publish(tmp_path, 1)
    (manifest,) = FaissStore(tmp_path).versions(ADA.slug)
    assert (manifest.version, manifest.author, manifest.format) == (version, ADA, 3)
    assert (manifest.documents, manifest.chunks, manifest.window_count) == (3, 3, 6)
    assert dict(manifest.windows) == {"article": 2, "post": 3, "repository": 1}
    folder = tmp_path / ADA.slug / "versions" / version
    kept = {path.name for path in folder.iterdir()}
    assert set(manifest.files) == kept - {"manifest.json", ".verified.json"}
    assert version.endswith("-version-")
    assert manifest.created_at.endswith("+00:00")


@pytest.mark.parametrize(
    "name",
    [
        "documents.arrow",
        "chunks.arrow",
        "bm25.terms.arrow",
        "bm25.chunks.arrow",
        "article_chunks_embedded.npy",
        "post_chunks_embedded.rows.npy",
    ],
)
def test_one_changed_byte_is_noticed_and_a_new_version_repairs_it(
    name: str, tmp_path: Path
) -> None:
    version = publish_and_serve(tmp_path, 1)
    path = tmp_path / ADA.slug / "versions" / version / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    line = rf"^{name} in index version {version} of ada does not match .*`twin build --author ada`"
    store = FaissStore(tmp_path)
    with pytest.raises(IndexCorruptedError, match=line) as caught:
        store.open({ADA.slug: version})
    assert "\n" not in str(caught.value)
    with pytest.raises(IndexCorruptedError, match=line):
        store.verify(ADA.slug, version)
    with pytest.raises(IndexCorruptedError, match=line):
        store.read(ADA.slug, version)
    assert_served(tmp_path, publish_and_serve(tmp_path, 2), 2)


def test_a_missing_file_is_noticed(tmp_path: Path) -> None:
    version = publish_and_serve(tmp_path, 1)
    (tmp_path / ADA.slug / "versions" / version / "post_chunks_embedded.npy").unlink()
    with pytest.raises(IndexCorruptedError, match=r"^post_chunks_embedded\.npy .*checksum"):
        FaissStore(tmp_path).open({ADA.slug: version})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": "x"}', b"\xff\xfe"])
def test_a_version_without_a_readable_manifest_is_none(content: bytes, tmp_path: Path) -> None:
    before, after = publish_and_serve(tmp_path, 1), publish(tmp_path, 2)
    (tmp_path / ADA.slug / "versions" / after / "manifest.json").write_bytes(content)
    store = FaissStore(tmp_path)
    assert [manifest.version for manifest in store.versions(ADA.slug)] == [before]
    with pytest.raises(IndexCorruptedError, match=r"of ada has no readable manifest\. Run"):
        store.open({ADA.slug: after})
    assert_served(tmp_path, before, 1)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"version": 7}', "{}"])
def test_a_pointer_that_cannot_be_read_points_nowhere(content: str, tmp_path: Path) -> None:
    version = publish_and_serve(tmp_path, 1)
    (tmp_path / ADA.slug / "serving.json").write_text(content)
    assert FaissStore(tmp_path).serving(ADA.slug) is None
    FaissStore(tmp_path).serve(ADA.slug, version)
    assert_served(tmp_path, version, 1)


def test_only_a_complete_version_can_be_served(tmp_path: Path) -> None:
    before = publish_and_serve(tmp_path, 1)
    (tmp_path / ADA.slug / "versions" / "unfinished").mkdir()
    for version in ("unfinished", "nowhere", ""):
        with pytest.raises(BadInputError, match=f"^ada has no index version {version};"):
            FaissStore(tmp_path).serve(ADA.slug, version)
    with pytest.raises(BadInputError, match=r"^bob has no index version"):
        FaissStore(tmp_path).serve("bob", before)
    assert_served(tmp_path, before, 1)


def test_prune_keeps_the_newest_and_the_served_one(tmp_path: Path) -> None:
    versions = [publish(tmp_path, seed) for seed in range(5)]
    store = FaissStore(tmp_path)
    store.serve(ADA.slug, versions[0])
    assert store.prune(ADA.slug, 2) == [versions[2], versions[1]]
    kept = [manifest.version for manifest in store.versions(ADA.slug)]
    assert kept == [versions[4], versions[3], versions[0]]
    assert store.prune(ADA.slug, 2) == []
    assert_served(tmp_path, versions[0], 0)
    folders = (tmp_path / ADA.slug / "versions").iterdir()
    assert {folder.name for folder in folders} == set(kept)
    assert store.prune("nobody", 1) == []


def test_old_versions_that_cannot_be_read_are_pruned_too(tmp_path: Path) -> None:
    versions = [publish(tmp_path, seed) for seed in range(5)]
    store = FaissStore(tmp_path)
    store.serve(ADA.slug, versions[0])
    for at in (0, 2, 4):
        (tmp_path / ADA.slug / "versions" / versions[at] / "manifest.json").write_text("{")
    # the newest may be readable to whoever wrote it, and the served one is not touched
    assert store.prune(ADA.slug, 2) == [versions[2]]
    assert store.prune(ADA.slug, 1) == [versions[1]]
    for at in (0, 3):
        (tmp_path / ADA.slug / "versions" / versions[at] / "manifest.json").write_text("{")
    assert store.prune(ADA.slug, 1) == []


def test_a_version_of_another_format_is_not_read(tmp_path: Path) -> None:
    before, after = publish_and_serve(tmp_path, 1), publish(tmp_path, 2)
    manifest = tmp_path / ADA.slug / "versions" / after / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 3', '"format": 4'))
    store = FaissStore(tmp_path)
    with pytest.raises(IndexCorruptedError, match=r"is of format 4, and this Twin reads 3\. Run"):
        store.open({ADA.slug: after})
    assert [found.version for found in store.versions(ADA.slug)] == [before]


def test_a_change_that_cannot_be_noted_is_told_from_a_pointer_that_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_and_serve(tmp_path, 1)
    after = publish(tmp_path, 2)
    step = NOTE_STEPS["rename the note"]
    with monkeypatch.context() as patch:
        patch.setattr(step.owner, step.name, step.faulty(lambda: throw(OSError("no space"))))
        with pytest.raises(StorageError, match=f"^ada serves {after} now, but .*: no space"):
            FaissStore(tmp_path).serve(ADA.slug, after)
    assert_served(tmp_path, after, 2)
    assert {path.name for path in tmp_path.iterdir()} == {ADA.slug, "changes"}


def test_a_prune_that_stops_halfway_is_finished_by_the_next_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, served = publish(tmp_path, 1), publish_and_serve(tmp_path, 2)
    step = Step(faults.versions.shutil, "rmtree")
    with monkeypatch.context() as patch:
        patch.setattr(step.owner, step.name, step.faulty(lambda: throw(OSError("busy"))))
        with pytest.raises(StorageError, match=r"cannot be removed: busy"):
            FaissStore(tmp_path).prune(ADA.slug, 1)
    assert [manifest.version for manifest in FaissStore(tmp_path).versions(ADA.slug)] == [served]
    assert_served(tmp_path, served, 2)
    assert_next_publish_repairs(tmp_path, served)
    assert not (tmp_path / ADA.slug / "versions" / old).exists()


def test_a_stray_file_among_the_versions_is_passed_over(tmp_path: Path) -> None:
    before = publish_and_serve(tmp_path, 1)
    (tmp_path / ADA.slug / "versions" / ".DS_Store").write_text("stray")
    after = publish(tmp_path, 2)
    assert [m.version for m in FaissStore(tmp_path).versions(ADA.slug)] == [after, before]


def test_a_root_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"of ada cannot be written: .*TWIN_HOME") as caught:
        FaissStore(tmp_path / "file").publish(version_of(1))
    assert "\n" not in str(caught.value)


def test_each_author_s_pointer_is_its_own(tmp_path: Path) -> None:
    publish_and_serve(tmp_path, 1)
    bob = Author("bob", "Bob")
    store = FaissStore(tmp_path)
    store.publish(faults.partition(bob))
    assert store.authors() == [ADA.slug]
    assert (tmp_path / ADA.slug / "serving.json").is_file()
    assert not (tmp_path / "bob" / "serving.json").exists()
