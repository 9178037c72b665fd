"""Folders, with and without git's own, and tarballs of this machine."""

import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from os.path import commonprefix
from pathlib import Path

import pytest
from github_site import FIRST, SECOND, crawled, member, packed, tarball

from twin_assets.crawlers.github.local import LocalRepositoryCrawler
from twin_assets.documents import Category, Outcome, RawDocument, Visit, digest
from twin_assets.raw_store.sqlite import SqliteRawStore

FILES = {"README.md": "# Engine\n", "src/mill.py": "mill = 1\r\n"}
ENGINE = "https://github.com/ada/engine/blob"
CONFIG = """[core]
\trepositoryformatversion = 0
[remote "upstream"]
\turl = https://github.com/grace/engine.git
[Remote "origin"]
\tfetch = +refs/heads/*:refs/remotes/origin/*
\tURL = git@github.com:ada/engine.git
[branch "main"]
\tremote = origin
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteRawStore]:
    with closing(SqliteRawStore(tmp_path / "raw.db")) as opened:
        yield opened


@pytest.fixture
def crawl(store):
    """Crawl a source into the store, and return its visit."""

    def run(source: Path | str) -> Visit:
        (visit,) = crawled(store, LocalRepositoryCrawler(), [str(source)]).values()
        return visit

    return run


@pytest.fixture
def links(store):
    return lambda: [found.link for found in store.documents("ada")]


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    return written(tmp_path / "engine", FILES)


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        (folder / path).write_bytes(data)
    return folder


def index(*paths: str, version: int = 2, hash_bytes: int = 20, mode: int = 0o100644) -> bytes:
    """Return git's index with the paths; their order is the index's."""
    data = b"DIRC" + version.to_bytes(4, "big") + len(paths).to_bytes(4, "big")
    before = b""
    for path in paths:
        name = path.encode()
        extended = version >= 3
        entry = bytes(24) + mode.to_bytes(4, "big") + bytes(12) + b"#" * hash_bytes
        entry += (len(name) | (0x4000 if extended else 0)).to_bytes(2, "big")
        entry += bytes(2) if extended else b""
        if version == 4:
            shared = len(commonprefix([before, name]))  # noqa: RUF071  characters are meant
            entry += varint(len(before) - shared) + name[shared:] + b"\0"
        else:
            entry += name
            entry += bytes(8 - len(entry) % 8)
        before = name
        data += entry
    return data + b"TREE" + b"checksum"


def varint(value: int) -> bytes:
    data = bytes([value & 0x7F])
    while value := value >> 7:
        value -= 1
        data = bytes([0x80 | value & 0x7F]) + data
    return data


def git(folder: Path, **files: str | bytes) -> Path:
    """Write the folder's ``.git``; by default at FIRST on main, both files tracked."""
    default = {
        "HEAD": "ref: refs/heads/main\n",
        "config": CONFIG,
        "refs/heads/main": f"{FIRST}\n",
        "index": index(*FILES),
    }
    written(folder / ".git", default | files)
    return folder


def test_a_folder_that_is_nowhere_on_the_web(crawl, store, engine):
    visit = crawl(engine)
    assert (visit.outcome, visit.link) == (Outcome.NEW, str(engine))
    readme, mill = sorted(store.documents("ada"), key=lambda found: found.title)
    version = digest("mill = 1\r\n")[:40]
    assert mill == RawDocument(
        "ada",
        "repository",
        Category.REPOSITORY,
        f"https://local.invalid/engine/blob/{version}/src/mill.py",
        "src/mill.py",
        "mill = 1\r\n",
        language="python",
        path="src/mill.py",
    )
    revision = store.revision("ada")
    assert crawl(engine).outcome is Outcome.UNCHANGED
    assert store.revision("ada") == revision
    (engine / "src/mill.py").write_text("mill = 2\n")
    (engine / "README.md").rename(engine / "docs.md")
    assert crawl(engine).detail == "2 new, 0 changed, 0 unchanged, 2 gone; 2 files"
    assert readme.link not in {found.link for found in store.documents("ada")}


def test_a_checkout_of_github_has_its_links(crawl, store, engine):
    crawl(git(engine))
    assert {found.link: found.platform for found in store.documents("ada")} == {
        f"{ENGINE}/{FIRST}/{path}": "github" for path in FILES
    }


def test_a_commit_keeps_the_links_of_what_it_did_not_change(crawl, links, engine):
    crawl(git(engine))
    (engine / "README.md").write_text("# The engine\n")
    git(engine, **{"refs/heads/main": SECOND})
    assert crawl(engine).outcome is Outcome.CHANGED
    assert links() == [f"{ENGINE}/{FIRST}/src/mill.py", f"{ENGINE}/{SECOND}/README.md"]


def test_files_that_git_does_not_track_are_not_the_repositorys(crawl, engine):
    written(engine, {"notes/secret.txt": "secret", "out.bin": b"\0"})
    assert crawl(git(engine)).detail.endswith("2 files; left out: 2 untracked")


@pytest.mark.parametrize("version", [2, 3, 4])
def test_every_form_of_the_index(crawl, links, tmp_path, version):
    paths = sorted([*(f"src/{'a' * n}/mill{n}.py" for n in range(1, 200, 7)), "src/a.py", "é.py"])
    folder = written(tmp_path / "engine", dict.fromkeys([*paths, "untracked.py"], "x = 1\n"))
    crawl(git(folder, index=index(*paths, version=version)))
    assert len(links()) == len(paths)


def test_commits_of_sha_256(crawl, links, engine):
    git(engine, **{"refs/heads/main": FIRST + "1" * 24, "index": index(*FILES, hash_bytes=32)})
    crawl(engine)
    assert links()[0] == f"{ENGINE}/{FIRST}{'1' * 24}/README.md"


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": FIRST},
        {"refs/heads/main": "", "packed-refs": f"# pack-refs\n{FIRST} refs/heads/main\n"},
        {"HEAD": "ref: refs/heads/fix/a-b_1.0\n", "refs/heads/fix/a-b_1.0": FIRST},
    ],
)
def test_where_the_commit_is_found(crawl, links, engine, files):
    crawl(git(engine, **files))
    assert links()[0] == f"{ENGINE}/{FIRST}/README.md"


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": "ref: refs/../../stolen\n", "../stolen": FIRST},
        {"HEAD": ""},
        {"refs/heads/main": "no commit"},
        {"config": CONFIG.replace("github.com", "git.example")},
        {"config": b"\xff\0[["},
    ],
)
def test_a_checkout_without_known_origin(crawl, links, engine, files):
    crawl(git(engine, **files))
    assert links()[0].startswith("https://local.invalid/engine/blob/")


@pytest.mark.parametrize(
    "data", [b"", b"DIRC\0\0\0\x09", index(*FILES)[:90], index(*FILES, version=4)[:60]]
)
def test_an_index_that_cannot_be_read(crawl, engine, data):
    visit = crawl(git(engine, index=data))
    assert visit.outcome is Outcome.FAILED
    assert "index cannot be read" in visit.detail


def test_a_worktree(crawl, links, engine, tmp_path):
    main = git(tmp_path / "main")
    written(
        main / ".git/worktrees/engine",
        {"HEAD": "ref: refs/heads/fix\n", "commondir": "../..\n", "index": index("README.md")},
    )
    written(main / ".git", {"refs/heads/fix": SECOND})
    written(engine, {".git": f"gitdir: {main}/.git/worktrees/engine\n"})
    crawl(engine)
    assert links() == [f"{ENGINE}/{SECOND}/README.md"]


def test_nothing_in_the_checkout_is_run_or_followed(crawl, links, engine, tmp_path):
    secret = written(tmp_path / "outside", {"secret.py": "secret = 1\n"}) / "secret.py"
    (engine / "file.py").symlink_to(secret)
    (engine / "folder").symlink_to(secret.parent)
    witness = tmp_path / "witness"
    hook = f"#!/bin/sh\ntouch {witness}\n"
    names = ["file.py", "folder/secret.py", "folder", "../outside/secret.py", *FILES]
    git(engine, index=index(*names), **{"hooks/post-checkout": hook})
    written(engine, {".git/config": f"{CONFIG}[core]\n\tfsmonitor = touch {witness}\n"})
    (engine / ".git/hooks/post-checkout").chmod(0o755)
    assert crawl(engine).detail.endswith("2 files; left out: 2 links")
    assert len(links()) == 2
    assert not witness.exists()


def test_a_file_that_may_not_be_read_costs_no_other(crawl, engine, monkeypatch):
    whole = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.name == "mill.py":
            raise PermissionError
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert crawl(engine).detail.endswith("1 file; left out: 1 unreadable")


def test_a_tarball_of_github_has_its_links(crawl, links, tmp_path):
    path = tmp_path / "download.tar.gz"
    path.write_bytes(packed("ada/engine", FIRST, FILES))
    assert crawl(path).outcome is Outcome.NEW
    assert links() == [f"{ENGINE}/{FIRST}/{path}" for path in FILES]
    path.write_bytes(packed("ada/engine", SECOND, FILES | {"README.md": "# New"}))
    crawl(path)
    assert links() == [f"{ENGINE}/{FIRST}/src/mill.py", f"{ENGINE}/{SECOND}/README.md"]


@pytest.mark.parametrize(
    ("readme", "base"),
    [
        ("https://github.com/Ada-L/the-engine", "https://github.com/ada-l/the-engine"),
        ("git@github.com:ada/l-the-engine.git", "https://github.com/ada/l-the-engine"),
        ("https://github.com/grace/engine", "https://local.invalid/ada-l-the-engine"),
    ],
)
def test_a_name_with_hyphens_is_the_one_that_the_files_speak_of(
    crawl, links, tmp_path, readme, base
):
    path = tmp_path / "engine.tgz"
    path.write_bytes(packed("ada-l/the-engine", FIRST, {"README.md": readme}))
    crawl(path)
    (link,) = links()
    assert link.startswith(f"{base}/blob/")


def test_another_tarball(crawl, links, tmp_path):
    path = tmp_path / "My engine.tar.gz"
    path.write_bytes(tarball([member("a.py", b"a = 1"), member("b/c.py", b"c = 1")]))
    crawl(path)
    assert [link.split("/")[3] for link in links()] == ["my%20engine"] * 2
    assert sorted(link.split("/", 6)[-1] for link in links()) == ["a.py", "b/c.py"]


@pytest.mark.parametrize("name", ["missing.tar.gz", "missing/folder", "fifo.tar", "broken.tgz"])
def test_what_cannot_be_read_is_the_sources_outcome(crawl, tmp_path, name):
    (tmp_path / "broken.tgz").write_bytes(b"broken")
    visit = crawl(tmp_path / name)
    assert visit.outcome is Outcome.FAILED
    assert name in visit.detail


@pytest.mark.parametrize(
    ("source", "handled"),
    [
        ("engine.tar.gz", True),
        ("~/engine.TGZ", True),
        ("/srv/engine", True),
        ("../engine", True),
        ("~nobody-has-this-name/engine", True),
        ("https://example.com/engine.tar.gz", False),
        ("medium.com/@ada", False),
        ("/srv/export.zip", False),
        ("a" * 5000, False),
        ("a\0", False),
        ("", False),
    ],
)
def test_sources(source, handled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert LocalRepositoryCrawler().handles(source) is handled


def test_a_folder_by_its_bare_name(engine, monkeypatch):
    monkeypatch.chdir(engine.parent)
    assert LocalRepositoryCrawler().handles("engine")


@pytest.mark.handbook
def test_a_real_repository(crawl, store, data_folder):
    path = data_folder / "repositories" / "simonw-llm.tar.gz"
    visit = crawl(path)
    assert visit.outcome is Outcome.NEW
    commit = "f3f4f29c6e5e623c3776cbf6455dda2345638214"
    found = {raw.path: raw for raw in store.documents("ada")}
    with tarfile.open(path) as tar:
        names = [info.name for info in tar.getmembers() if info.isfile()]
        assert 0.9 * len(names) < len(found) < len(names)
        for name in names:
            raw = found.get(name.partition("/")[2])
            if raw is not None:
                file = tar.extractfile(name)
                assert file is not None
                assert raw.text.encode() == file.read()
                assert raw.link == f"https://github.com/simonw/llm/blob/{commit}/{raw.path}"
    assert {"README.md", "llm/cli.py", "docs/usage.md"} <= set(found)
    assert not {"LICENSE", "llm/py.typed", "llm/default_plugins/__init__.py"} & set(found)
    assert crawl(path).outcome is Outcome.UNCHANGED
