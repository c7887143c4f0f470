"""What an engine sends of an image is laid into a folder, and nowhere else."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from shim.emulate import untar
from shim.emulate.untar import unpack_tar

if TYPE_CHECKING:
    from pathlib import Path


def tar(*members: tuple[str, bytes, str | bytes]) -> bytes:
    """A tar of names, kinds, and contents or targets."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o755
            if isinstance(content, bytes):
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                member.linkname = content
                archive.addfile(member)
    return data.getvalue()


FILE, FOLDER, LINK, SAME = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def unpacked(into: Path, data: bytes, *, size: int = 7) -> dict[str, str]:
    """What lies there then: contents and targets, by name."""
    unpack_tar((data[at : at + size] for at in range(0, len(data), size)), into)
    return {
        str(path.relative_to(into)): f"-> {path.readlink()}"
        if path.is_symlink()
        else path.read_text()
        for path in into.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_files_folders_and_links_are_laid_out(tmp_path: Path) -> None:
    data = tar(
        ("usr/", FOLDER, ""),
        ("./usr/lib/", FOLDER, ""),
        ("usr/lib/libc.so.6", FILE, b"libc"),
        ("usr/lib/libc.so", SAME, "usr/lib/libc.so.6"),
        ("lib", LINK, "usr/lib"),
        ("etc", LINK, "/private/etc"),
    )
    assert unpacked(tmp_path, data) == {
        "usr/lib/libc.so.6": "libc",
        "usr/lib/libc.so": "libc",
        "lib": "-> usr/lib",
        "etc": "-> /private/etc",
    }
    assert os.access(tmp_path / "usr/lib/libc.so.6", os.X_OK)


@pytest.mark.parametrize(
    "members",
    [
        [("../outside", FILE, b"x")],
        [("/../outside", FILE, b"x")],
        [("a/", FOLDER, ""), ("a/../../outside", FILE, b"x")],
        [("a", LINK, ".."), ("a/outside", FILE, b"x")],
        [("a", LINK, "../outside"), ("a", FILE, b"x")],
        [("a", LINK, ".."), ("a/", FOLDER, ""), ("a/outside", FILE, b"x")],
        [("secret", SAME, "../secret")],
        [("up", LINK, ".."), ("secret", SAME, "up/secret")],
        [("null", tarfile.CHRTYPE, ""), ("pipe", tarfile.FIFOTYPE, "")],
    ],
)
def test_nothing_leads_out_of_the_folder(
    members: list[tuple[str, bytes, str | bytes]], tmp_path: Path
) -> None:
    into = tmp_path / "into"
    into.mkdir()
    (tmp_path / "secret").write_text("secret")
    found = unpacked(into, tar(*members))
    assert all(text.startswith("-> ") for text in found.values())
    assert {path.name for path in tmp_path.iterdir()} == {"into", "secret"}


def test_a_tar_that_is_cut_off_or_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tar(("a", FILE, b"x" * 2000))
    with pytest.raises(tarfile.TarError):
        unpacked(tmp_path, data[:1500])
    monkeypatch.setattr(untar, "_SIZE_LIMIT", 1999)
    with pytest.raises(tarfile.TarError, match="larger than any runtime"):
        unpacked(tmp_path, data)
