"""Where the dynamic linker looks, and what is said of a library that it doesn't find there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.check.verdict import Answer, verdict
from tests.check.builders import codes, entry, launcher, link, package, state
from tests.check.oracle.programs import OUTER_NAME, PRIVATE_NAME, Programs, with_old_run_path
from tests.requirements import require_zig

if TYPE_CHECKING:
    from shim.check.state import State
    from shim.package.read import Entry


@pytest.fixture(scope="module")
def programs(request: pytest.FixtureRequest) -> Programs:
    """Real programs for x86_64."""
    require_zig()
    assert request.config.cache is not None
    return Programs(arch=Arch.X86_64, cache=request.config.cache.mkdir("oracle-programs"))


def checked(
    handler: bytes, *more: Entry, runtime: str = "provided.al2023", library_path: str | None = None
) -> State:
    """A state whose handler `bin/orders` needs something of the linker."""
    environment = {} if library_path is None else {"LD_LIBRARY_PATH": library_path}
    return state(
        entry("bootstrap", launcher()),
        entry("bin/orders", handler),
        *more,
        handler="bin/orders",
        runtime=runtime,
        environment=environment,
    )


@pytest.mark.parametrize(
    ("run_path", "folder", "runtime", "is_found"),
    [
        ("$ORIGIN/$LIB", "bin/lib64", "provided.al2023", True),
        ("${ORIGIN}/${LIB}", "bin/lib64", "provided.al2", True),
        ("$ORIGIN/$LIB", "bin/lib/x86_64-linux-gnu", "debian-bookworm", True),
        ("$ORIGIN/$LIB", "bin/lib", "provided.al2023", False),
        ("/var/task/$LIBS", "$LIBS", "provided.al2023", True),
        ("/var/task/libs/", "libs", "provided.al2023", True),
        ("libs", "libs", "provided.al2023", True),
        (":/nowhere", "", "provided.al2023", True),
        ("", "bin", "provided.al2023", False),
        ("$ORIGIN/../libs", "libs", "provided.al2023", True),
        ("/nowhere:$ORIGIN", "bin", "provided.al2023", True),
    ],
)
def test_a_run_path_is_read_as_the_linker_does(
    programs: Programs, run_path: str, folder: str, runtime: str, *, is_found: bool
) -> None:
    library = entry(f"{folder}/{PRIVATE_NAME}".lstrip("/"), programs.library(), 0o644)
    found = codes(checked(programs.needing(run_path=run_path), library, runtime=runtime))
    assert found == (set() if is_found else {"library-missing"})


@pytest.mark.parametrize("is_old", [True, False])
def test_the_old_run_path_counts_for_libraries_of_libraries(
    programs: Programs, *, is_old: bool
) -> None:
    handler = programs.needing_outer("/var/task/libs")
    libraries = (
        entry(f"libs/{OUTER_NAME}", programs.outer(), 0o644),
        entry(f"libs/{PRIVATE_NAME}", programs.library(), 0o644),
    )
    found = codes(checked(with_old_run_path(handler) if is_old else handler, *libraries))
    assert found == (set() if is_old else {"library-missing"})


@pytest.mark.parametrize(
    ("library_path", "is_found"),
    [("/var/task/deep", True), ("/nowhere;/var/task/deep", True), ("deep", True), ("", False)],
)
def test_the_environments_folders_count(
    programs: Programs, library_path: str, *, is_found: bool
) -> None:
    library = entry(f"deep/{PRIVATE_NAME}", programs.library(), 0o644)
    found = codes(checked(programs.needing(), library, library_path=library_path))
    assert found == (set() if is_found else {"library-missing"})


@pytest.mark.parametrize(
    ("called", "path", "is_found"),
    [
        (f"./{PRIVATE_NAME}", PRIVATE_NAME, True),
        (f"./{PRIVATE_NAME}", f"lib/{PRIVATE_NAME}", False),
        (f"$ORIGIN/{PRIVATE_NAME}", f"bin/{PRIVATE_NAME}", True),
        (f"/var/task/own/{PRIVATE_NAME}", f"own/{PRIVATE_NAME}", True),
    ],
)
def test_a_name_with_a_slash_is_a_path(
    programs: Programs, called: str, path: str, *, is_found: bool
) -> None:
    library = entry(path, programs.library(), 0o644)
    found = codes(checked(programs.needing(called=called), library))
    assert found == (set() if is_found else {"library-missing"})


@pytest.mark.parametrize(
    ("subfolder", "runtime", "answer"),
    [
        ("glibc-hwcaps/x86-64-v3", "provided.al2023", Answer.STARTS),
        ("glibc-hwcaps/x86-64-v2", "provided.al2023", Answer.STARTS),
        ("glibc-hwcaps/x86-64-v4", "provided.al2023", Answer.UNKNOWN),
        ("glibc-hwcaps/x86-64-v1", "provided.al2023", Answer.FAILS),
        ("glibc-hwcaps/x86-64-v3", "provided.al2", Answer.FAILS),
        ("haswell", "provided.al2", Answer.UNKNOWN),
        ("tls/x86_64", "provided.al2", Answer.STARTS),
        ("atomics", "provided.al2", Answer.FAILS),
    ],
)
def test_subfolders_for_processors_are_looked_into(
    programs: Programs, subfolder: str, runtime: str, answer: Answer
) -> None:
    library = entry(f"lib/{subfolder}/{PRIVATE_NAME}", programs.library(), 0o644)
    alone = checked(programs.needing(), library, runtime=runtime)
    assert verdict(alone).answer is answer
    plain = entry(f"lib/{PRIVATE_NAME}", programs.library(), 0o644)
    assert verdict(checked(programs.needing(), library, plain, runtime=runtime)).starts


def test_a_library_for_some_processors_that_is_broken_leaves_it_open(programs: Programs) -> None:
    broken = entry(f"lib/glibc-hwcaps/x86-64-v4/{PRIVATE_NAME}", b"no library\n" * 20, 0o644)
    plain = entry(f"lib/{PRIVATE_NAME}", programs.library(), 0o644)
    assert codes(checked(programs.needing(), broken, plain)) == {"library-unknown"}


def test_a_folder_of_the_librarys_name_stands_in_the_way(programs: Programs) -> None:
    later = entry(f"lib/{PRIVATE_NAME}", programs.library(), 0o644)
    folder = entry(f"{PRIVATE_NAME}/file", mode=0o644)
    assert codes(checked(programs.needing(), folder, later)) == {"library-broken"}


def test_a_link_to_the_systems_library_is_that_library(programs: Programs) -> None:
    handler = programs.asking("libshimzlib.so.1", "")
    library = link("lib/libshimzlib.so.1", "/usr/lib64/libz.so.1")
    assert codes(checked(handler, library)) == {"link-outside"}
    assert verdict(checked(handler, library)).starts
    nowhere = link("lib/libshimzlib.so.1", "/usr/lib64/libnowhere.so.1")
    assert "library-missing" in codes(checked(handler, nowhere))


def test_a_library_of_the_systems_name_is_the_systems(programs: Programs) -> None:
    """`/lib64` comes first on Lambda's LD_LIBRARY_PATH."""
    cut = entry("lib/libz.so.1", b"no library\n" * 20, 0o644)
    handler = programs.asking("libz.so.1", "ZLIB_1.2.9")
    assert codes(checked(handler, cut)) == set()
    assert codes(checked(handler, cut, library_path="/var/task/lib")) == {"library-broken"}


def hint(found: State) -> str:
    return next(one.hint for one in verdict(found).findings if one.code == "library-missing")


def test_the_hint_says_what_is_there(programs: Programs) -> None:
    handler, good = programs.needing(), programs.library()
    other = Programs(arch=Arch.ARM64, cache=programs.cache).library()
    path = f"lib/{PRIVATE_NAME}"
    assert "built for arm64" in hint(checked(handler, entry(path, other, 0o644)))
    assert "has the mode 0600: `chmod 644`" in hint(checked(handler, entry(path, good, 0o600)))
    assert "is a link to nothing" in hint(checked(handler, link(path, f"{PRIVATE_NAME}.0")))
    assert "LD_LIBRARY_PATH" in hint(checked(handler, entry(f"deep/{PRIVATE_NAME}", good, 0o644)))
    assert "/var/task/deep" in hint(checked(handler, entry(f"deep/{PRIVATE_NAME}", good, 0o644)))
    assert "lib` folder" in hint(checked(handler))
    layer = package(entry(f"deep/{PRIVATE_NAME}", good, 0o644), path="layer.zip")
    assert "/opt/deep" in hint(replace(checked(handler), layers=(layer,)))
