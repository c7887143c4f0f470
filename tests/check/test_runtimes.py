"""runtimes.toml: validated, and every line says where it was read and when."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import shim.check
from shim.arch import Arch
from shim.check.listing import DataInvalid, format_listing, parse_listing
from shim.check.runtimes import _runtime, read_runtimes, read_service

TEXT = (Path(shim.check.__file__).parent / "runtimes.toml").read_text()
LISTINGS = Path(shim.check.__file__).parent / "listings"


def lines_without_source(text: str) -> list[str]:
    """Lines of a runtimes.toml that don't say where they were read and when."""
    sources = tomllib.loads(text)["sources"].keys()
    return [
        line
        for line in text.partition("[sources]")[0].splitlines()
        if line
        and not line.startswith(("#", "[", "]"))
        and not line.endswith("= [")
        and "format" not in line
        and not ((named := _sources(line)) and named <= sources)
    ]


def unused_sources(text: str) -> list[str]:
    """What nothing in a runtimes.toml comes from."""
    named = _sources(text.partition("[sources]")[0])
    return [name for name in tomllib.loads(text)["sources"] if name not in named]


def _sources(text: str) -> set[str]:
    comments = (line.rpartition(" # ")[2] for line in text.splitlines())
    return {name for one in comments for name, _ in re.findall(r"([\w-]+) (\d{4}-\d{2})", one)}


def test_every_line_has_its_source_and_date() -> None:
    assert lines_without_source(TEXT) == []
    assert lines_without_source(f"seconds = 5\n{TEXT}") == ["seconds = 5"]


def test_every_source_is_used() -> None:
    assert unused_sources(TEXT) == []
    assert unused_sources(f'{TEXT}nobody = "a page"\n') == ["nobody"]


@pytest.mark.parametrize(
    ("name", "glibc", "architectures"),
    [
        ("provided.al2023", "2.34", {Arch.X86_64, Arch.ARM64}),
        ("provided.al2", "2.26", {Arch.X86_64, Arch.ARM64}),
        ("provided", "2.17", {Arch.X86_64}),
        ("go1.x", "2.17", {Arch.X86_64}),
    ],
)
def test_the_runtimes_are_what_lambda_has(name: str, glibc: str, architectures: set[Arch]) -> None:
    runtime = read_runtimes()[name]
    assert runtime.version("GLIBC") == glibc
    assert runtime.architectures == architectures
    assert runtime.runs_handler == (name == "go1.x")
    for arch in architectures:
        assert not {"/bin/sh", "/usr/bin/sh"}.isdisjoint(runtime.programs(arch))


def test_lambda_itself_is_described() -> None:
    assert read_service().extensions == 10
    assert read_service().library_path[0] == "/lib64"


@pytest.mark.parametrize(
    "change",
    [
        {"glibc": 3},
        {"programs": ["relative"], "merged_usr": False},
        {"merged_usr": "yes"},
        {"versions": {"GLIBCXX": "3.4.33"}},
        {"listing": ["libc.so.6"]},
        {"reports": [{"day": "2025-04-14"}]},
        {"libraries": ["libc.so.6"]},
        {"architectures": None},
    ],
)
def test_a_mistake_in_the_data_is_refused(change: dict[str, object]) -> None:
    table = {**tomllib.loads(TEXT)["runtime"]["provided.al2023"], **change}
    with pytest.raises(DataInvalid):
        _runtime("provided.al2023", table)


@pytest.mark.parametrize("text", ["/bin/sh GLIBC_2.17\n", "lib/libc.so.6\n", "\n", "a\na\n"])
def test_a_mistake_in_a_listing_is_refused(text: str) -> None:
    with pytest.raises(DataInvalid):
        parse_listing(text)


def test_a_listing_is_read_as_it_is_written() -> None:
    text = "/usr/bin/env\nlibacl.so.1\nlibgmp.so.10 -\nlibz.so.1 ZLIB_1.2.0 ZLIB_1.2.9\n"
    assert format_listing(parse_listing(text)) == text


AMAZON = {"provided.al2": "al2", "provided.al2023": "al2023"}
ALL = [(name, arch) for name in AMAZON for arch in Arch if not read_runtimes()[name].digests]
"""Those whose listings are names that somebody published: of a read image they are more."""


def names_in_image(name: str, arch: Arch) -> list[str]:
    file = LISTINGS / f"{AMAZON[name]}-{arch}.txt"
    return [line for line in file.read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("name", "arch"), ALL)
def test_every_library_of_the_image_is_there(name: str, arch: Arch) -> None:
    names = names_in_image(name, arch)
    assert len(names) > 180
    assert list(read_runtimes()[name].listing(arch).libraries) == names


ZLIB = (
    "1.2.0 1.2.0.2 1.2.0.8 1.2.2 1.2.2.3 1.2.2.4 1.2.3.3 1.2.3.4 1.2.3.5 1.2.5.1 1.2.5.2 1.2.7.1"
    " 1.2.9"
)
"""The releases after which zlib's symbol versions are named, up to 1.2.11."""


@pytest.mark.parametrize(("name", "arch"), ALL)
def test_the_versions_are_those_of_the_releases_in_the_image(name: str, arch: Arch) -> None:
    """Of each project whose releases and symbol versions go together, by its file's name."""
    runtime, names = read_runtimes()[name], "\n".join(names_in_image(name, arch))
    (libstdcxx,) = re.findall(r"^libstdc\+\+\.so\.6\.0\.(\d+)$", names, re.MULTILINE)
    (libgcc,) = re.findall(r"^libgcc_s-(\d+)-\d+\.so\.1$", names, re.MULTILINE)
    (zlib,) = re.findall(r"^libz\.so\.(\d+\.\d+\.\d+)$", names, re.MULTILINE)
    (openssl,) = re.findall(r"^libssl\.so\.(\d+\.\d+\.\d+)k?$", names, re.MULTILINE)
    assert runtime.version("GLIBCXX") == f"3.4.{libstdcxx}"
    assert runtime.version("GCC") == f"{libgcc}.0.0"
    there = [version for version in ZLIB.split() if numbers(version) <= numbers(zlib)]
    assert runtime.version("ZLIB") == there[-1]
    for version in ZLIB.split():
        assert runtime.defines("libz.so.1", f"ZLIB_{version}", arch) == (version in there)
    assert runtime.versions["OPENSSL"][:2] == numbers(openssl)[:2]


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_what_only_one_architecture_has_is_there_on_that_one() -> None:
    for name in AMAZON:
        runtime = read_runtimes()[name]
        assert "libmvec.so.1" in runtime.listing(Arch.X86_64).libraries
        assert "libmvec.so.1" not in runtime.listing(Arch.ARM64).libraries


@pytest.mark.parametrize(
    ("name", "library", "is_there"),
    [
        ("provided.al2023", "libexpat.so.1", False),
        ("provided.al2023", "libcrypt.so.1", False),
        ("provided.al2023", "libreadline.so.8", True),
        ("provided.al2023", "libffi.so.8", True),
        ("provided.al2023", "libssl.so.10", False),
        ("provided.al2", "libgmp.so.10", True),
        ("provided.al2", "libexpat.so.1", True),
        ("provided.al2", "libzstd.so.1", False),
        ("provided", "libcurl.so.4", False),
    ],
)
def test_libraries_are_those_of_the_images(name: str, library: str, *, is_there: bool) -> None:
    runtime = read_runtimes()[name]
    for arch in runtime.architectures:
        assert (library in runtime.listing(arch).libraries) == is_there


@pytest.mark.parametrize(
    ("name", "library", "version", "defined"),
    [
        ("provided.al2023", "libc.so.6", "GLIBC_2.34", True),
        ("provided.al2023", "libc.so.6", "GLIBC_2.35", False),
        ("provided.al2023", "libc.so.6", "GLIBC_ABI_DT_RELR", False),
        ("provided.al2023", "libc.so.6", "GLIBC_PRIVATE", True),
        ("provided.al2023", "libstdc++.so.6", "GLIBCXX_3.4.33", True),
        ("provided.al2023", "libstdc++.so.6", "CXXABI_1.3.16", False),
        ("provided.al2023", "libcurl.so.4", "CURL_OPENSSL_4", True),
        ("provided.al2023", "libacl.so.1", "ACL_1.2", True),
        ("provided.al2023", "libacl.so.1", "ACL_1.3", None),
        ("provided.al2", "libacl.so.1", "ACL_1.0", None),
        ("provided.al2023", "libgmp.so.10", "GMP_6", True),
        ("provided.al2023", "libuuid.so.1", "UUID_1.0", None),
        ("provided.al2", "libz.so.1", "ZLIB_1.2.5.2", True),
        ("provided.al2", "libz.so.1", "ZLIB_1.2.9", False),
        ("provided.al2", "libcurl.so.4", "CURL_OPENSSL_4", None),
        ("provided.al2", "libcrypto.so.10", "OPENSSL_1.0.1_EC", True),
        ("provided", "libz.so.1", "ZLIB_1.2.0", None),
        ("debian-bookworm", "libz.so.1", "ZLIB_1.2.12", True),
        ("debian-bullseye", "libz.so.1", "ZLIB_1.2.12", False),
        ("debian-bookworm", "libgmp.so.10", "GMP_1", True),
    ],
)
def test_symbol_versions_are_there_or_not_or_not_known(
    name: str, library: str, version: str, *, defined: bool | None
) -> None:
    runtime = read_runtimes()[name]
    known = runtime.defines(library, version, Arch.X86_64)
    # Of an image that was read, nothing is unknown any more.
    assert known is defined or (defined is None and runtime.digests)
