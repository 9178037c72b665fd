"""Archives that lie, break and explode; each bad file is named and costs no other."""

import io
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zip_builder import damage, patch_directory, unpacked, with_link, zip_of

from twin_assets.crawlers.exports.archives import Fault, Limits, Member, holds, names, read_members
from twin_assets.errors import BadInputError

GOOD = {"a/good.txt": "good words", "a/später.txt": "日本語 🎉"}


def everything(name: str) -> bool:
    return True


def read(path: Path, limits: Limits | None = None) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts and the reasons of the faults by name."""
    items = list(read_members(path, everything, limits or Limits()))
    texts = {item.name: item.data.decode() for item in items if isinstance(item, Member)}
    faults = {item.name: item.reason for item in items if isinstance(item, Fault)}
    assert len(texts) + len(faults) == len(items)
    return texts, faults


def test_files_are_read_from_an_archive_and_from_its_folder(tmp_path):
    path = zip_of(tmp_path / "export.zip", {**GOOD, "a/folder/": ""})
    folder = unpacked(tmp_path / "folder", GOOD)
    for source in (path, folder):
        assert read(source) == (GOOD, {})
        assert sorted(names(source)) == sorted(GOOD)


def test_only_wanted_files_are_opened(tmp_path):
    path = zip_of(tmp_path / "export.zip", {**GOOD, "private.txt": "never to be read"})
    damage(path, "private.txt")
    assert "private.txt" in read(path)[1]  # reading it would be noticed
    items = list(read_members(path, lambda name: name.startswith("a/")))
    assert [item.name for item in items] == list(GOOD)


@pytest.mark.parametrize(
    "name",
    ["../up.txt", "a/../../up.txt", "/etc/up.txt", "C:/up.txt", "c:up.txt", "..\\up.txt", "a\\up"],
)
def test_names_that_lead_out_are_refused_even_where_nobody_wants_them(tmp_path, name):
    path = zip_of(tmp_path / "export.zip", {name: "bad", **GOOD})
    assert read(path) == (GOOD, {name: "its name leads out of the archive"})
    faults = list(read_members(path, lambda name: False))
    assert faults == [Fault(name, "its name leads out of the archive")]


def test_a_name_cut_off_by_a_zero_byte_is_refused(tmp_path):
    path = zip_of(tmp_path / "export.zip", {"evil.txt?.html": "bad", **GOOD})
    path.write_bytes(path.read_bytes().replace(b"evil.txt?", b"evil.txt\0"))
    assert read(path) == (GOOD, {"evil.txt?.html": "its name leads out of the archive"})


def test_a_damaged_member_costs_only_itself(tmp_path):
    path = zip_of(tmp_path / "export.zip", {"bad.txt": "words that are damaged", **GOOD})
    assert read(damage(path, "bad.txt")) == (GOOD, {"bad.txt": "is damaged"})


def test_a_member_that_is_not_what_its_checksum_says_is_refused(tmp_path):
    path = zip_of(tmp_path / "export.zip", {"bad.txt": "words", **GOOD})
    assert read(patch_directory(path, "bad.txt", 16, b"\1\2\3\4")) == (
        GOOD,
        {"bad.txt": "is damaged"},
    )


def test_an_encrypted_member_is_refused(tmp_path):
    path = zip_of(tmp_path / "export.zip", {"secret.txt": "words", **GOOD})
    patch_directory(path, "secret.txt", 8, struct.pack("<H", 1))
    assert read(path) == (GOOD, {"secret.txt": "is encrypted"})


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 99])
def test_other_compressions_are_refused(tmp_path, method):
    path = zip_of(tmp_path / "export.zip", {"odd.txt": "words", **GOOD})
    patch_directory(path, "odd.txt", 10, struct.pack("<H", method))
    assert read(path) == (GOOD, {"odd.txt": "is compressed in a way that exports are not"})


def test_a_link_in_an_archive_is_refused(tmp_path):
    path = with_link(zip_of(tmp_path / "export.zip", GOOD), "link.txt", "/etc/passwd")
    assert read(path) == (GOOD, {"link.txt": "is a link or a device"})


def test_links_and_devices_in_a_folder_are_refused(tmp_path):
    folder = unpacked(tmp_path / "folder", GOOD)
    outside = unpacked(tmp_path / "outside", {"private.txt": "private"})
    (folder / "link.txt").symlink_to(outside / "private.txt")
    (folder / "linked").symlink_to(outside)
    os.mkfifo(folder / "pipe.txt")  # opening it would wait for ever
    reason = "is a link or a device"
    assert read(folder) == (GOOD, {"link.txt": reason, "pipe.txt": reason})


def zeros(megabytes: int) -> bytes:
    return bytes(megabytes << 20)


def test_a_zip_bomb_is_stopped_by_its_ratio_before_it_fills_the_memory(tmp_path):
    path = zip_of(tmp_path / "export.zip", {"bomb.html": zeros(120), **GOOD})
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    try:
        texts, faults = read(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert texts == GOOD
    assert faults == {"bomb.html": "is a zip bomb: it grows without end when it is decompressed"}
    assert peak < 40 << 20


def test_what_blank_pages_shrink_to_is_no_bomb(tmp_path):
    path = zip_of(tmp_path / "export.zip", {"blank.html": bytes(1 << 20)})
    assert read(path)[0] == {"blank.html": "\0" * (1 << 20)}


def test_a_member_is_cut_off_at_the_size_limit_whatever_its_header_says(tmp_path):
    large = os.urandom(300_000)
    path = zip_of(tmp_path / "export.zip", {"large.txt": large, **GOOD})
    patch_directory(path, "large.txt", 24, struct.pack("<I", 2**31))  # more than there is
    limits = Limits(member_bytes=100_000)
    assert read(path, limits) == (GOOD, {"large.txt": "is larger than 100000 bytes"})
    patch_directory(path, "large.txt", 24, struct.pack("<I", 10))  # less than there is
    assert read(path, limits) == (GOOD, {"large.txt": "is damaged"})


def test_many_members_are_cut_off_at_the_total_limit(tmp_path):
    files = {f"{number}.txt": "x" * 1000 for number in range(10)}
    path = zip_of(tmp_path / "export.zip", files)
    texts, faults = read(path, Limits(total_bytes=5_500))
    assert list(texts) == ["0.txt", "1.txt", "2.txt", "3.txt", "4.txt"]
    assert set(faults.values()) == {"the files together are larger than 5500 bytes"}
    assert len(faults) == 5
    folder = unpacked(tmp_path / "folder", files)
    assert len(read(folder, Limits(total_bytes=5_500))[0]) == 5


def test_more_members_than_the_limit_are_refused_as_a_whole(tmp_path):
    files = {f"{number}.txt": "" for number in range(11)}
    for source in (zip_of(tmp_path / "e.zip", files), unpacked(tmp_path / "folder", files)):
        with pytest.raises(BadInputError, match="holds more than 10 files"):
            read(source, Limits(members=10))
        with pytest.raises(BadInputError, match="holds more than 10 files"):
            list(names(source, Limits(members=10)))


def test_a_directory_larger_than_the_limit_is_not_even_read(tmp_path):
    path = zip_of(tmp_path / "e.zip", {f"{number}{'x' * 200}": "" for number in range(2_000)})
    with pytest.raises(BadInputError, match="no zip file, or a damaged one"):
        read(path, Limits(members=10))


def not_a_zip(path: Path) -> None:
    path.write_text("<html>You are signed out</html>")


def cut_off(path: Path) -> None:
    zip_of(path, {"a.txt": "words" * 1000})
    path.write_bytes(path.read_bytes()[:-10])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def bad_directory(path: Path) -> None:
    zip_of(path, {"a.txt": "words"})
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"PK\x01\x02", b"PK\x09\x09"))


@pytest.mark.parametrize("make", [not_a_zip, cut_off, empty, bad_directory])
def test_what_is_no_zip_file_is_one_clear_line(tmp_path, make):
    path = tmp_path / "export.zip"
    make(path)
    with pytest.raises(BadInputError) as caught:
        read(path)
    line = f"{path} is no zip file, or a damaged one: download it again."
    assert str(caught.value) == line
    assert holds(str(path), everything)


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path):
    path = tmp_path / "gone.zip"
    with pytest.raises(BadInputError, match=r"gone.zip cannot be read: No such file"):
        read(path)
    with pytest.raises(BadInputError, match="cannot be read: its name is no path"):
        read(Path("zero\0byte.zip"))
    with pytest.raises(BadInputError, match="cannot be read: File name too long"):
        read(Path("x" * 5_000 + ".zip"))


def test_a_pipe_is_no_archive(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(BadInputError, match="is no file"):
        read(tmp_path / "pipe.zip")


def test_a_folder_that_cannot_be_listed_is_no_empty_one(tmp_path, monkeypatch):
    folder = unpacked(tmp_path / "folder", GOOD)
    whole = os.scandir

    def scandir(path):
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(BadInputError, match="/a cannot be read: Permission denied"):
        read(folder)


def test_names_in_faults_move_no_cursor_and_fill_no_screen(tmp_path):
    path = zip_of(tmp_path / "export.zip", {"../\x1b[2Jred\n": "", "../" + "x" * 500: ""})
    shown = list(read(path)[1])
    assert shown[0] == "../?[2Jred?"
    assert len(shown[1]) == 120


def test_what_macos_puts_beside_the_files_is_passed_over(tmp_path):
    path = zip_of(tmp_path / "e.zip", {**GOOD, "__MACOSX/a/._good.txt": "x", "a/._good.txt": "x"})
    assert read(path) == (GOOD, {})
    assert read(unpacked(tmp_path / "folder", {**GOOD, "a/._good.txt": "x"})) == (GOOD, {})


def test_a_source_is_known_by_the_names_in_it(tmp_path):
    def good(name: str) -> bool:
        return name == "a/good.txt"

    path = zip_of(tmp_path / "export.ZIP", GOOD)
    folder = unpacked(tmp_path / "folder", GOOD)
    assert holds(str(path), good)
    assert holds(str(folder), good)
    for source in (path, folder):
        assert not holds(str(source), lambda name: False)
    tarball = tmp_path / "export.tar.gz"
    tarball.write_bytes(path.read_bytes())
    assert not holds(str(tarball), everything)
    assert not holds("https://example.com/export.zip", everything)
    assert holds(str(tmp_path / "gone.zip"), good)  # crawling it says so


@settings(deadline=None)
@given(st.text(max_size=40).map("nowhere".__add__) | st.sampled_from(["", "\0", "x" * 9_000]))
def test_any_source_is_a_question_that_can_be_asked(source):
    assert holds(source, lambda name: False) == (
        source.lower().endswith(".zip") and "://" not in source
    )


@settings(deadline=None)
@given(data=st.data())
def test_any_damage_ends_in_members_faults_or_one_line(data, tmp_path_factory):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in GOOD.items():
            archive.writestr(name, text)
    raw = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "fuzzed.zip"
    path.write_bytes(raw)
    try:
        for item in read_members(path, everything):
            assert isinstance(item, Member | Fault)
            assert isinstance(item, Fault) or item.data.decode() in GOOD.values()
    except BadInputError as error:
        assert "\n" not in str(error)
