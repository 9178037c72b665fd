"""Tarballs made to do harm: none is believed, and none takes more memory than a file."""

import io
import tarfile
import tracemalloc
from collections import Counter

import pytest
from github_site import FIRST, member, packed, tarball, unpacked

from twin_assets.crawlers.github import tarballs
from twin_assets.crawlers.github.files import LeftOut, source_files
from twin_assets.crawlers.github.tarballs import Tarball
from twin_assets.errors import BadInputError

FILES = {"README.md": "# Engine", "src/mill.py": "mill = 1"}


def opened(data: bytes) -> Tarball:
    return Tarball(io.BytesIO(data), "The tarball")


def files(tar: Tarball) -> tuple[dict[str, str], Counter[LeftOut]]:
    left_out: Counter[LeftOut] = Counter()
    kept = {file.path: file.text for file in source_files(tar.entries(), left_out)}
    return kept, left_out


def header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
    """Return a member's header with a valid checksum, whatever it claims."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize("unpack", [bytes, unpacked])
def test_a_tarball_as_github_packs_it(unpack):
    tar = opened(unpack(packed("ada/engine", FIRST, FILES)))
    assert (tar.top, tar.commit) == ("ada-engine-1111111", FIRST)
    assert files(tar) == (FILES, Counter())
    assert files(tar) == (FILES, Counter()), "it can be read again"


def test_a_tarball_of_a_folders_content():
    tar = opened(tarball([member("./", type=tarfile.DIRTYPE), member("./a/b.py", b"b = 1")]))
    assert files(tar)[0] == {"b.py": "b = 1"}
    tar = opened(tarball([member("./a/b.py", b"b = 1"), member("./c.py", b"c = 1")]))
    assert files(tar)[0] == {"a/b.py": "b = 1", "c.py": "c = 1"}


def test_members_that_lead_elsewhere_are_left_out():
    members = [
        member("top/", type=tarfile.DIRTYPE),
        member("top/a.py", b"a = 1"),
        member("../evil.py", b"evil"),
        member("top/../../evil.py", b"evil"),
        member("/etc/passwd", b"evil"),
        member("top/\\..\\evil.py", b"evil"),
        member("top/symbolic.py", type=tarfile.SYMTYPE, linkname="../../etc/passwd"),
        member("top/hard.py", type=tarfile.LNKTYPE, linkname="top/a.py"),
        member("top/pipe", type=tarfile.FIFOTYPE),
        member("top/zero", type=tarfile.CHRTYPE),
        member("top/disk", type=tarfile.BLKTYPE),
    ]
    left_out = Counter({LeftOut.NAME: 4, LeftOut.LINK: 2, LeftOut.DEVICE: 3})
    assert files(opened(tarball(members))) == ({"a.py": "a = 1"}, left_out)


def test_a_name_that_is_not_utf_8():
    data = header(b"top/caf\xe9.py", b"00000000003\0") + b"a=1".ljust(512, b"\0")
    assert files(opened(data + bytes(1024))) == ({}, Counter({LeftOut.NAME: 1}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no tarball",
        b"\x1f\x8bno gzip",
        b"\x1f\x8b",
        bytes(10240),
        packed("ada/engine", FIRST, FILES)[:200],
        unpacked(packed("ada/engine", FIRST, FILES))[:1536],  # between two files
        unpacked(packed("ada/engine", FIRST, FILES))[:1700],
        unpacked(packed("ada/engine", FIRST, FILES)).replace(b"src/mill", b"src/mall"),
        packed("ada/engine", FIRST, FILES)[:-8] + b"checksum",
        header(b"a.py", b"\xff" * 12),  # a size below zero
        header(b"a.py", b"\xff" * 10 + b"\x00\x00"),
        header(b"a.py", b"\x80" + b"\xff" * 11),  # a size beyond all measure
        header(b"a" * 100, b"00000000000\0", b"x") * 2000,  # headers of headers of headers
    ],
)
def test_what_is_no_tarball_or_broken(data):
    with pytest.raises(BadInputError, match=r"^The tarball (?:is|holds|unpacks) [^\n]+\.$"):
        files(opened(data))


def test_a_bomb_is_given_up(monkeypatch):
    monkeypatch.setattr(tarballs, "_ALWAYS_ALLOWED", 1024**2)
    bomb = tarball([member("top/a.py", b"a = 1"), member("top/zeros", bytes(20 * 1024**2))])
    with pytest.raises(
        BadInputError, match="unpacks to more than 3 MiB, which is taken for a bomb"
    ):
        opened(bomb)


def test_what_unpacks_to_too_much_is_given_up(monkeypatch):
    monkeypatch.setattr(tarballs, "MOST_UNPACKED", 1024**2)
    with pytest.raises(BadInputError, match="more than 1 MiB"):
        opened(unpacked(tarball([member("top/zeros", bytes(2 * 1024**2))])))


def test_too_many_members_are_given_up(monkeypatch):
    monkeypatch.setattr(tarballs, "MOST_MEMBERS", 100)
    with pytest.raises(BadInputError, match="more than 100 files"):
        opened(tarball(member(f"top/{number}", b"a") for number in range(101)))


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_a_header_of_unreasonable_length_is_not_read(kind):
    """A long name or an extended header is held in memory whole."""
    size = 32 * 1024**2
    data = header(b"top/a.py", b"%011o\0" % size, kind) + b"1" * size
    tracemalloc.start()
    try:
        with pytest.raises(BadInputError, match="header of unreasonable length"):
            opened(data)
        assert tracemalloc.get_traced_memory()[1] < 2 * size  # the data itself, once more at most
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("small", "large", "size"), [(20, 400, 60_000), (100, 3000, 1)])
def test_memory_does_not_grow_with_the_tarball(small, large, size):
    def parts(number: int) -> bytes:
        return tarball(member(f"top/{n}.csv", b"x" * size) for n in range(number))

    def peak(data: bytes) -> int:
        tracemalloc.start()
        try:
            tar = opened(data)
            assert sum(len(entry.read()) for entry in tar.entries()) > 0
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = parts(small), parts(large)
    peak(few)
    assert peak(many) < peak(few) + len(many) + 300_000


def test_the_file_is_closed_with_the_tarball():
    file = io.BytesIO(packed("ada/engine", FIRST, FILES))
    tar = Tarball(file, "The tarball")
    assert not file.closed
    del tar
    assert file.closed


def test_the_repositories_that_the_files_at_the_top_speak_of():
    texts = {
        "README.md": "See https://github.com/Ada-L/the-engine.git or git@github.com:ada/engine.",
        "src/README.md": "https://github.com/not/this",
        "notes.md": "https://github.com/nor/that",
    }
    tar = opened(packed("ada-l/the-engine", FIRST, texts))
    assert tar.names == {"ada-l/the-engine", "ada/engine"}


def test_the_end_is_found_wherever_it_stands():
    """The stream is read by records of twenty blocks, and the end may be any of them."""
    for number in range(1, 45):
        data = unpacked(tarball(member(f"top/{n}.py", b"x") for n in range(number)))
        whole = 1024 * number
        assert len(files(opened(data))[0]) == number
        assert len(files(opened(data[:whole] + bytes(512)))[0]) == number
        with pytest.raises(BadInputError):
            opened(data[:whole])
