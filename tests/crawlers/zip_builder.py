"""Zip files as platforms make them, and as nobody should."""

import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

from builders import ADA

from twin_assets.crawlers.found import Task


def zip_of(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write a zip file with these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def unpacked(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files as a folder."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder


def with_link(path: Path, name: str, target: str) -> Path:
    """Add a symbolic link to the zip file."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, target)
    return path


def damage(path: Path, name: str) -> Path:
    """Overwrite what the member's compressed bytes begin with, so that reading it fails."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
    raw = bytearray(path.read_bytes())
    name_length, extra_length = struct.unpack_from("<HH", raw, info.header_offset + 26)
    start = info.header_offset + 30 + name_length + extra_length
    assert info.compress_size >= 4
    raw[start : start + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(raw)
    return path


def patch_directory(path: Path, name: str, offset: int, value: bytes) -> Path:
    """Overwrite a field of the member's entry in the zip's directory."""
    raw = bytearray(path.read_bytes())
    at = raw.rindex(name.encode(), 0, raw.rindex(b"PK\x05\x06")) - 46
    assert raw[at : at + 4] == b"PK\x01\x02"
    raw[at + offset : at + offset + len(value)] = value
    path.write_bytes(raw)
    return path


def task_for(source: Path) -> Task:
    """Return the task to crawl the source for Ada."""
    return Task(ADA, str(source), {}, lambda prefix: {})
