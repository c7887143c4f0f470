"""Packages come from outside: what is in them is unpacked as it is, or refused, and never leaks."""

from __future__ import annotations

import io
import os
import random
import resource
import stat
import subprocess
import sys
import tarfile
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from shim.errors import InputError
from shim.package.extract import read_head, unpack
from shim.package.layered import lay_over, write_tar
from shim.package.limits import read_limits
from shim.package.read import read_package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIMIT = read_limits().unzipped
FILE, LINK, FOLDER, PIPE = stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO


def make_zip(path: Path, *entries: tuple[str, int, str], system: int = 3) -> Path:
    """A zip of (name, mode with its kind, text), in this order, names taken as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, mode, text in entries:
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.create_system = system
            info.external_attr = mode << 16 | 0x20
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text)
    return path


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "outer" / "into"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "package.zip"


def through_a_tar(*sources: Path, limit: int) -> int:
    """As `unpack`, of all but the last into that, in the way that a container gets it."""
    *packages, into = sources
    placed, size = lay_over(packages, limit=limit)
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as tar:
        write_tar(placed, tar, "root", change=lambda head: head)
    data.seek(0)
    with tarfile.open(fileobj=data) as tar:
        for member in tar:
            member.name = member.name.removeprefix("root").lstrip("/")
            member.uid, member.gid = os.getuid(), os.getgid()
            tar.extract(member, into, filter="fully_trusted")
    return size


def tree(folder: Path) -> dict[str, str]:
    """Each path below `folder`: what kind, which mode, what is in it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            text = f"-> {path.readlink()}"
        else:
            content = path.read_text() if path.is_file() else "/"
            text = f"{path.stat().st_mode & 0o777:o} {content}"
        found[str(path.relative_to(folder))] = text
    return found


@pytest.mark.parametrize("way", [unpack, through_a_tar])
def test_files_modes_links_and_folders_are_kept(
    way: Callable[..., int], source: Path, into: Path
) -> None:
    make_zip(
        source,
        ("bootstrap", FILE | 0o755, "start"),
        ("bin/", FOLDER | 0o750, ""),
        ("bin/orders", FILE | 0o4711, "program"),
        ("bin/deep/data", FILE | 0o600, "data"),
        ("bin/deep/up", LINK | 0o777, "../orders"),
        ("current", LINK | 0o777, "bin"),
        ("cache", LINK | 0o777, "/tmp/cache"),
    )
    size = way(source, into, limit=LIMIT)
    assert tree(into) == {
        "bootstrap": "755 start",
        "bin": "750 /",
        "bin/orders": "711 program",
        "bin/deep": "755 /",
        "bin/deep/data": "600 data",
        "bin/deep/up": "-> ../orders",
        "cache": "-> /tmp/cache",
        "current": "-> bin",
    }
    assert size == sum(map(len, ("start", "program", "data", "../orders", "bin", "/tmp/cache")))


def test_a_folder_gives_the_same_as_its_zip(tmp_path: Path, into: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "orders").write_text("program")
    (folder / "bin" / "orders").chmod(0o751)
    (folder / "bootstrap").symlink_to("bin/orders")
    unpack(folder, into, limit=LIMIT)
    assert tree(into) == {"bin": "755 /", "bin/orders": "751 program", "bootstrap": "-> bin/orders"}


@pytest.mark.parametrize("system", [0, 6, 10, 11, 14, 19])
def test_modes_count_where_unix_made_the_entry_and_nowhere_else(
    system: int, source: Path, into: Path
) -> None:
    names = ("bin/", "bin/orders", "./bootstrap")
    make_zip(source, *((name, FILE | 0o700, "") for name in names), system=system)
    unpack(source, into, limit=LIMIT)
    assert tree(into) == {"bin": "755 /", "bin/orders": "644 ", "bootstrap": "644 "}
    assert not read_package(source).has_modes


def test_a_mode_of_nothing_is_one(source: Path, into: Path) -> None:
    make_zip(source, ("bin/", 0, ""), ("orders", 0, ""))
    unpack(source, into, limit=LIMIT)
    assert tree(into) == {"bin": "0 /", "orders": "0 "}


def test_later_layers_lie_over_earlier_ones(tmp_path: Path, into: Path) -> None:
    unpack(
        make_zip(tmp_path / "1", ("a", FILE | 0o400, "1"), ("b", LINK | 0o777, "a")),
        into,
        limit=LIMIT,
    )
    unpack(
        make_zip(tmp_path / "2", ("a", FILE | 0o644, "2"), ("b", FILE | 0o644, "2")),
        into,
        limit=LIMIT,
    )
    assert tree(into) == {"a": "644 2", "b": "644 2"}


def test_layers_lie_over_each_other_in_a_tar_too(tmp_path: Path, into: Path) -> None:
    first = make_zip(
        tmp_path / "1",
        *(("bin/", FOLDER | 0o750, ""), ("bin/a", FILE | 0o400, "1"), ("b", LINK | 0o777, "bin")),
        ("only", FILE | 0o644, "1"),
    )
    second = make_zip(tmp_path / "2", ("bin/a", FILE | 0o644, "2"), ("b", FILE | 0o644, "2"))
    separate = tmp_path / "separate"
    separate.mkdir()
    for one in (first, second):
        unpack(one, separate, limit=LIMIT)
    assert through_a_tar(first, second, into, limit=LIMIT) == 7
    assert tree(into) == tree(separate)
    third = make_zip(tmp_path / "3", ("only/x", FILE | 0o644, ""))
    with pytest.raises(InputError, match="needs a folder"):
        through_a_tar(first, third, into, limit=LIMIT)
    with pytest.raises(InputError, match="2 bytes unzipped are more than the 1 that are left"):
        through_a_tar(first, second, into, limit=6)


def test_a_large_file_is_changed_at_its_beginning_alone(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    source = tmp_path / "package"
    source.mkdir()
    (source / "file").write_bytes(content)
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        change = lambda head: b"#" + head[1:]  # noqa: E731 - the shortest
        write_tar(lay_over([source], limit=LIMIT)[0], tar, "opt", change=change)
    data.seek(0)
    with tarfile.open(fileobj=data) as tar:
        file = tar.extractfile("opt/file")
        assert file
        assert file.read() == b"#" + content[1:]


def test_a_folder_stays_writable_until_all_of_it_is_there(source: Path, into: Path) -> None:
    make_zip(source, ("bin/", FOLDER | 0o555, ""), ("bin/orders", FILE | 0o444, "program"))
    unpack(source, into, limit=LIMIT)
    assert tree(into) == {"bin": "555 /", "bin/orders": "444 program"}


@pytest.mark.parametrize(
    ("sentence", "entries"),
    [
        ("leads out", [("/etc/evil", FILE, "")]),
        ("leads out", [("../evil", FILE, "")]),
        ("leads out", [("bin/../../evil", FILE, "")]),
        ("leads out", [("..", FOLDER, "")]),
        ("leads out", [("evil", LINK, "../outside")]),
        ("leads out", [("evil", LINK, "/etc")]),
        ("leads out", [("evil", LINK, "/opt/../etc")]),
        ("leads out", [("evil", LINK, "/optional")]),
        ("leads out", [("bin/evil", LINK, "../../outside")]),
        ("leads out", [("here", LINK, "."), ("evil", LINK, "here/here/../..")]),
        ("leads out", [("evil", LINK, "")]),
        ("needs a folder", [("out", LINK, "bin"), ("out/evil", FILE, "")]),
        ("needs a folder", [("file", FILE, ""), ("file/evil", FILE, "")]),
        ("needs a folder", [("out", LINK, "bin"), ("out/", FOLDER, "")]),
        ("is a file, and a folder too", [("bin/x", FILE, ""), ("bin", FILE, "")]),
        ("is a file, and a folder too", [("bin/x", FILE, ""), ("bin", LINK, "x")]),
        ("it has no name", [(".", FILE, "")]),
        ("is there twice", [("bin/x", FILE, "1"), ("bin/./x", FILE, "2")]),
        ("neither a file", [("pipe", PIPE, "")]),
        ("longer name than Linux takes", [("n" * 300, FILE, "")]),
        ("null", [("evil", LINK, "bin\0")]),
    ],
)
@pytest.mark.parametrize("way", [unpack, through_a_tar])
def test_what_leads_out_of_the_package_or_contradicts_itself_is_refused(
    way: Callable[..., int],
    sentence: str,
    entries: list[tuple[str, int, str]],
    source: Path,
    into: Path,
) -> None:
    make_zip(source, *entries)
    with pytest.raises(InputError, match=sentence) as caught:
        way(source, into, limit=LIMIT)
    assert str(source) in caught.value.message
    assert [path.name for path in into.parent.iterdir()] == ["into"]
    assert not any(path.name == "evil" for path in into.parent.rglob("*"))


def test_more_than_lambda_takes_is_refused_before_anything_is_written(
    source: Path, into: Path
) -> None:
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a", "b", "c"):
            with archive.open(name, "w") as file:
                for _ in range(100):
                    file.write(bytes(1_000_000))
    assert source.stat().st_size < 1_000_000
    with pytest.raises(InputError, match="300,000,000 bytes unzipped") as caught:
        unpack(source, into, limit=LIMIT)
    assert "250.0 MB, layers included" in str(caught.value.hint)
    assert not list(into.iterdir())


def test_a_zip_that_lies_about_its_sizes_gets_no_more_than_it_says(
    source: Path, into: Path
) -> None:
    make_zip(source, ("bomb", FILE | 0o644, "x" * 1_000_000))
    data = bytearray(source.read_bytes())
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        offset = data.index(signature) + at
        data[offset : offset + 4] = (10).to_bytes(4, "little")
    source.write_bytes(data)
    with pytest.raises(InputError, match="more bytes than the 10 that the zip says"):
        unpack(source, into, limit=LIMIT)
    assert sum(path.stat().st_size for path in into.iterdir()) <= 10


@pytest.mark.parametrize(
    "data",
    [b"", b"no zip", b"PK\x05\x06" + bytes(17), b"PK\x05\x06" + b"\xff" * 18],
    ids=["empty", "text", "cut off", "nonsense"],
)
def test_what_is_no_zip_is_refused_with_a_hint(data: bytes, source: Path, into: Path) -> None:
    source.write_bytes(data)
    with pytest.raises(InputError, match="can't read the package") as caught:
        unpack(source, into, limit=LIMIT)
    assert caught.value.hint


def test_encrypted_and_oddly_compressed_entries_are_refused(source: Path, into: Path) -> None:
    with zipfile.ZipFile(source, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", "text")
    with pytest.raises(InputError, match="neither stored nor deflated"):
        unpack(source, into, limit=LIMIT)


def test_damaged_zips_are_refused_or_unpacked_but_never_crash(tmp_path: Path, into: Path) -> None:
    good = io.BytesIO()
    with zipfile.ZipFile(good, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bootstrap", "#!/bin/sh\n" * 20)
        archive.writestr("bin/orders", os.urandom(300))
    source = tmp_path / "bad.zip"
    chance = random.Random(20)
    for _ in range(1500):
        data = bytearray(good.getvalue())
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.choice((0, 0x2F, 0x2E, 0x7F, 0xFF))
        source.write_bytes(data[: chance.choice((len(data), chance.randrange(len(data))))])
        with suppress(InputError):
            unpack(source, into, limit=10_000)
        with suppress(InputError):
            assert len(read_head(source, "bootstrap", 8)) <= 8
    assert [path.name for path in into.parent.iterdir()] == ["into"]


def test_the_head_of_a_file_is_read_from_zips_and_folders(tmp_path: Path) -> None:
    source = make_zip(tmp_path / "z", ("bootstrap", FILE | 0o755, "#!/bin/sh"))
    assert read_head(source, "bootstrap", 2) == b"#!"
    assert read_head(source, "other", 2) == b""
    (tmp_path / "bootstrap").write_text("#!/bin/sh")
    assert read_head(tmp_path, "bootstrap", 2) == b"#!"
    assert read_head(tmp_path, "other", 2) == b""


def test_a_link_that_announces_gigabytes_takes_no_memory(source: Path, into: Path) -> None:
    with zipfile.ZipFile(source, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (LINK | 0o777) << 16
        archive.writestr(info, "target")
    data = bytearray(source.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 20
    data[at : at + 4] = b"\xf0\xff\xff\xff"  # the compressed size, alone: the other is held to
    source.write_bytes(data)
    code = f"from pathlib import Path; from shim.package.extract import unpack;\
unpack(Path({str(source)!r}), Path({str(into)!r}), limit=1 << 20)"
    half = 1 << 29
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (half, half)),
    )
    assert "MemoryError" not in done.stderr
    assert (done.returncode == 0) == (into / "link").is_symlink()
