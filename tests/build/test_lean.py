"""The recipe of the lean launchers: same sources, same bytes; no interpreter, no libc."""

from __future__ import annotations

import shutil
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

import lean
import shim.launcher
from shim.arch import Arch
from tests.requirements import require

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "shim" / "launcher"
INSTALLED = Path(shim.launcher.__file__).parent / "bin"


@pytest.fixture(autouse=True)
def compilers() -> None:
    """What the recipe calls."""
    has_compilers = all(find_spec(name) for name in ("Cython", "ziglang"))
    require(has_compilers, "Cython and ziglang are not installed")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the launcher's sources, to be spoilt."""
    return Path(
        shutil.copytree(SOURCES, tmp_path / "sources", ignore=shutil.ignore_patterns("bin"))
    )


def spoil(path: Path, old: str, new: str) -> None:
    """Change one place of a source."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} has changed: {old}"
    path.write_text(text.replace(old, new))


def test_the_installed_launchers_are_what_these_sources_give(tmp_path: Path) -> None:
    for path in lean.build_lean(tmp_path):
        assert path.read_bytes() == (INSTALLED / path.name).read_bytes()


def test_two_builds_from_different_places_give_the_same_bytes(
    sources: Path, tmp_path: Path
) -> None:
    first = lean.build_lean(tmp_path / "first")
    second = lean.build_lean(tmp_path / "second", sources=sources)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_the_link_fails_when_anything_needs_the_interpreter(sources: Path, tmp_path: Path) -> None:
    """A byte of a literal looks like C, and Cython makes a Python object of it."""
    spoil(sources / "launch.py", 'text[size] != b"/":', 'text[size] != b"/"[0]:')
    with pytest.raises(lean.BuildError, match=r"(?s)ld\.lld.*undefined symbol: Py"):
        lean.build_lean(tmp_path / "bin", sources=sources)
    assert not list((tmp_path / "bin").iterdir())


def test_the_link_fails_when_anything_needs_libc(sources: Path, tmp_path: Path) -> None:
    with (sources / "launch.pxd").open("a") as types:
        types.write('\ncdef extern from "<unistd.h>" nogil:\n    int getpid()\n')
    spoil(sources / "launch.py", "    names: Names\n", "    names: Names\n    getpid()\n")
    with pytest.raises(lean.BuildError, match=r"(?s)ld\.lld.*undefined symbol: getpid"):
        lean.build_lean(tmp_path / "bin", sources=sources)
    assert not list((tmp_path / "bin").iterdir())


def test_cython_refuses_a_python_object(sources: Path, tmp_path: Path) -> None:
    spoil(sources / "launch.py", "    names: Names\n", "    names: Names\n    print(1)\n")
    with pytest.raises(lean.BuildError, match="without gil"):
        lean.build_lean(tmp_path / "bin", sources=sources)


def test_missing_headers_are_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / "nowhere"))
    with pytest.raises(lean.BuildError, match=r"(?s)headers.*missing.*python3-dev"):
        lean.build_lean(tmp_path / "bin")


def test_headers_that_ask_for_another_machines_are_given_this_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's `pyconfig.h` includes one that only the target's own package has."""
    real = Path(sysconfig.get_path("include"))
    headers = tmp_path / "include" / "python3"
    shutil.copytree(real, headers)
    own = tmp_path / "include" / "sparc-linux-gnu" / "python3"
    own.mkdir(parents=True)
    configuration = next(
        path for path in _configurations(real) if "include <" not in path.read_text()
    )
    shutil.copy(configuration, own / "pyconfig.h")
    (headers / "pyconfig.h").write_text(
        "#if defined(__aarch64__)\n# include <aarch64-linux-gnu/python3/pyconfig.h>\n"
        "#elif defined(__x86_64__)\n# include <x86_64-linux-gnu/python3/pyconfig.h>\n"
        "#else\n# include <sparc-linux-gnu/python3/pyconfig.h>\n#endif\n"
    )
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(headers))
    for path in lean.build_lean(tmp_path / "bin"):
        assert path.read_bytes() == (INSTALLED / path.name).read_bytes()


@pytest.mark.parametrize("arch", list(Arch))
def test_a_launcher_is_one_static_program_that_nothing_can_write_to(arch: Arch) -> None:
    with (INSTALLED / f"lean-{arch}").open("rb") as file:
        elf: Any = ELFFile(file)
        assert elf["e_type"] == "ET_EXEC"
        assert elf["e_machine"] == {"x86_64": "EM_X86_64", "arm64": "EM_AARCH64"}[arch]
        segments = {segment["p_type"]: segment["p_flags"] for segment in elf.iter_segments()}
        read, write, execute = 4, 2, 1
        assert segments == {"PT_LOAD": read | execute, "PT_GNU_STACK": read | write}


def _configurations(headers: Path) -> list[Path]:
    return [headers / "pyconfig.h", *headers.parent.glob(f"*/{headers.name}/pyconfig.h")]
