"""Uploads: what they hold is told without storing anything, and what is kept is forgotten."""

import json
import os
import stat
from pathlib import Path

import pytest
from builders import ADA
from github_site import FIRST, packed
from linkedin_files import PROFILE, SHARES
from medium_files import page, section
from zip_builder import damage, zip_of

from twin_assets.documents import Author, Category
from twin_assets.errors import BadInputError, StorageError
from twin_assets.settings import TwinSettings
from twin_serving import uploads
from twin_serving.uploads import count_kept, forget_kept, keep, look_into

LINE = {
    "author": "Ada",
    "platform": "blog",
    "category": "post",
    "link": "https://ada.example/1",
    "text": "Words.",
}


def lines(path: Path, *values: object) -> Path:
    path.write_text("".join(f"{json.dumps(value)}\n" for value in values), encoding="utf-8")
    return path


def test_lines_are_counted_by_category_and_bad_ones_named(
    settings: TwinSettings, tmp_path: Path
) -> None:
    file = lines(
        tmp_path / "documents.JSONL",
        LINE,
        LINE | {"author": "Bob", "category": "article"},
        LINE | {"category": "book"},
        LINE | {"author": "ada"},
    )
    found = look_into(file, ADA, settings)
    assert (found.kind, found.documents, found.whole) == (
        "JSONL",
        {Category.POST: 2, Category.ARTICLE: 1},
        True,
    )
    assert found.authors == {"ada": "Ada", "bob": "Bob"}
    assert (found.bad, [line.number for line in found.bad_lines]) == (1, [3])
    assert not settings.root.exists()


def test_a_file_of_another_kind_costs_no_memory(settings: TwinSettings, tmp_path: Path) -> None:
    file = tmp_path / "noise.jsonl"
    file.write_bytes(b"x\n" * 5000)
    found = look_into(file, ADA, settings)
    assert (found.bad, len(found.bad_lines)) == (5000, 1000)


def test_a_look_ends(
    settings: TwinSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_LOOK_SECONDS", -1.0)
    found = look_into(lines(tmp_path / "a.jsonl", LINE, LINE), ADA, settings)
    assert (found.documents, found.whole) == ({}, False)


def test_an_export_of_medium_is_read_as_a_build_would(
    settings: TwinSettings, tmp_path: Path
) -> None:
    files = {
        "posts/2024-03-05_A-0123456789ab.html": page(section("<p>Words.</p>" * 9)),
        "posts/draft_B-0123456789ac.html": page(section("<p>Draft.</p>")),
    }
    found = look_into(zip_of(tmp_path / "export.zip", files), ADA, settings)
    assert (found.kind, found.documents) == ("medium export", {Category.ARTICLE: 1})
    assert found.detail == "left out: drafts (1)"


def test_whose_export_it_is_can_be_told(settings: TwinSettings, tmp_path: Path) -> None:
    files = {"Shares.csv": SHARES, "Profile.csv": PROFILE, "messages.csv": "private"}
    file = zip_of(tmp_path / "export.zip", files)
    found = look_into(file, ADA, settings)
    assert (found.kind, found.documents) == ("linkedin export", {Category.POST: 2})
    assert "not public (1)" in found.detail
    assert "which is no name" not in found.detail
    other = look_into(file, Author("bob", "Bob"), settings)
    assert "is the export of Ada, which is no name or alias of Bob" in other.detail


def test_a_tarball_s_files_are_counted(settings: TwinSettings, tmp_path: Path) -> None:
    file = tmp_path / "rye.tar.gz"
    file.write_bytes(packed("ada/rye", FIRST, {"README.md": "# Rye\n\nIt is sour.\n"}))
    found = look_into(file, ADA, settings)
    assert (found.kind, found.documents) == ("repository", {Category.REPOSITORY: 1})


def damaged(path: Path) -> Path:
    story = "posts/2024-03-05_A-0123456789ab.html"
    return damage(zip_of(path, {story: page(section("<p>Words.</p>" * 9))}), story)


def bomb(path: Path) -> Path:
    return zip_of(path, {"posts/2024-03-05_A-0123456789ab.html": " " * (8 << 20)})


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: zip_of(path, {"notes.txt": "words"}), "neither an export"),
        (damaged, "is damaged"),
        (bomb, "is a zip bomb"),
    ],
)
def test_an_archive_that_gives_nothing_is_one_line(
    settings: TwinSettings, tmp_path: Path, make, why: str
) -> None:
    file = make(tmp_path / "archive.zip")
    with pytest.raises(BadInputError, match=why) as caught:
        look_into(file, ADA, settings)
    assert str(tmp_path) not in str(caught.value)
    assert "archive.zip" in str(caught.value)


def test_what_is_no_such_file_is_one_line(settings: TwinSettings, tmp_path: Path) -> None:
    for name, why in (("a.exe", "no file that can be taken"), ("gone.jsonl", "cannot be read")):
        with pytest.raises(BadInputError, match=why):
            look_into(tmp_path / name, ADA, settings)
    (tmp_path / "words.zip").write_text("words")
    with pytest.raises(BadInputError, match="no zip file, or a damaged one"):
        look_into(tmp_path / "words.zip", ADA, settings)


def test_what_is_kept_is_found_again_and_forgotten(settings: TwinSettings, tmp_path: Path) -> None:
    first = zip_of(tmp_path / "..%2f My Export (1).ZIP", {"a": "1"})
    kept = keep(settings, "ada", first)
    assert keep(settings, "ada", first) == kept
    assert kept.name == "2f-my-export-1.zip"
    assert kept.is_relative_to(settings.uploads_path / "ada")
    assert kept.read_bytes() == first.read_bytes()
    assert stat.S_IMODE(settings.uploads_path.stat().st_mode) == 0o700
    zip_of(first, {"a": "2"})
    assert keep(settings, "ada", first).parent != kept.parent
    bobs = keep(settings, "bob", first)

    assert count_kept(settings, "ada") == 5  # two files, their folders, the author's
    forget_kept(settings, "ada")
    assert count_kept(settings, "ada") == 0
    forget_kept(settings, "ada")
    assert bobs.exists()


def test_what_was_broken_off_does_not_stay(settings: TwinSettings) -> None:
    folder = uploads.arriving_folder(settings)
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    for name in ("old", "new"):
        (folder / name).touch()
    os.utime(folder / "old", (0, 0))
    assert uploads.arriving_folder(settings) == folder
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_a_home_that_cannot_be_written_is_one_line(settings: TwinSettings, tmp_path: Path) -> None:
    settings.root.parent.mkdir(exist_ok=True)
    settings.root.write_text("a file")
    with pytest.raises(StorageError, match=r"a\.zip cannot be kept"):
        keep(settings, "ada", zip_of(tmp_path / "a.zip", {"a": "1"}))
    with pytest.raises(StorageError, match="cannot be written"):
        uploads.arriving_folder(settings)
