"""The launchers under test, each flavour for each architecture, and programs for them to start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import shim.launcher
from shim.arch import Arch
from tests.launcher.start import Outcome, start
from tests.requirements import require

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LAUNCHER_FOLDER = Path(shim.launcher.__file__).parent
HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A task root with a launcher as its `bootstrap`."""

    arch: Arch
    flavour: str
    root: Path
    probe: Path

    @property
    def bootstrap(self) -> Path:
        """The launcher."""
        return self.root / "bootstrap"

    def add(self, name: str, content: bytes | None = None, mode: int = 0o755) -> Path:
        """Put a file into the package: the probe, unless `content` is given."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.probe.read_bytes() if content is None else content)
        path.chmod(mode)
        return path

    def start(
        self,
        handler: str | bytes | None = None,
        *words: str,
        variables: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Start `bootstrap` with this handler, and as Lambda does it otherwise."""
        environment = {b"LAMBDA_TASK_ROOT": os.fsencode(self.root)}
        if handler is not None:
            environment[b"_HANDLER"] = os.fsencode(handler)
        for name, value in (variables or {}).items():
            environment[os.fsencode(name)] = os.fsencode(value)
        return start(
            self.bootstrap,
            [os.fsencode(self.bootstrap), *map(os.fsencode, words)],
            [name + b"=" + value for name, value in environment.items()],
        )

    def candidates(self, handler: str) -> list[str]:
        """The paths that the launcher tries, in order (design: arm64's own names first)."""
        names = [handler + "_arm64", handler] if self.arch is Arch.ARM64 else [handler]
        return [f"{folder}/{name}" for folder in (self.root, "/opt") for name in names]


def _runs(arch: Arch) -> bool:
    own = Arch.from_machine(os.uname().machine) is arch
    return own or Path(f"/proc/sys/fs/binfmt_misc/qemu-{arch.machine}").exists()


@pytest.fixture(scope="session")
def probes(tmp_path_factory: pytest.TempPathFactory) -> dict[Arch, Path]:
    """`probe.c`, compiled for each architecture."""
    folder = tmp_path_factory.mktemp("probes")
    flags = ("-Os", "-fno-builtin", "-fno-sanitize=all", "-fno-stack-protector", "-c")
    include = f"-I{LAUNCHER_FOLDER}"
    entry = ('-DSHIM_MAIN="probe"', '-DSHIM_AFTERWARDS="shim_entry"')
    for arch in Arch:
        objects = []
        for source in (HERE / "probe.c", LAUNCHER_FOLDER / "entry.c"):
            objects.append(str(folder / f"{source.stem}-{arch}.o"))
            target = ("-target", f"{arch.machine}-linux-musl")
            _zig("cc", *target, *flags, include, *entry, str(source), "-o", objects[-1])
        _zig("ld.lld", "-static", "-s", "-e", "shim_entry", *objects, "-o", str(folder / arch))
    return {arch: folder / arch for arch in Arch}


def _zig(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "ziglang", *words], check=True)


@pytest.fixture(params=["lean", "full"])
def flavour(request: pytest.FixtureRequest) -> str:
    """Which launcher."""
    return str(request.param)


@pytest.fixture
def make_package(
    tmp_path: Path, flavour: str, probes: dict[Arch, Path]
) -> Callable[[Arch], Package]:
    """Makes an empty task root with the installed launcher of this flavour in it."""

    def make(arch: Arch) -> Package:
        require(_runs(arch), f"programs for {arch} do not run here: install qemu-user-static")
        launcher = LAUNCHER_FOLDER / "bin" / f"{flavour}-{arch}"
        require(launcher.exists(), f"no {flavour} launcher is built for {arch}")
        root = tmp_path / "task"
        root.mkdir()
        shutil.copy(launcher, root / "bootstrap")
        return Package(arch=arch, flavour=flavour, root=root, probe=probes[arch])

    return make


@pytest.fixture(params=list(Arch))
def package(request: pytest.FixtureRequest, make_package: Callable[[Arch], Package]) -> Package:
    """A package for each architecture; the other one than this machine's runs under qemu."""
    return make_package(Arch(request.param))


@pytest.fixture
def native_package(make_package: Callable[[Arch], Package]) -> Package:
    """A package for this machine: qemu makes calls of its own and merges equal variables."""
    arch = Arch.from_machine(os.uname().machine)
    assert arch is not None
    return make_package(arch)


@pytest.fixture(scope="session")
def in_folders() -> Callable[..., list[str]]:
    """Words that run a command with other folders at `/var/task` and `/opt`, for it alone."""
    require(os.geteuid() == 0, "only root may make a mount namespace")
    require(shutil.which("unshare") is not None, "unshare is not installed")

    def words(*, task: Path, opt: Path) -> list[str]:
        mounts = (
            'mount -t tmpfs none /var && mkdir /var/task && mount --bind "$1" /var/task'
            ' && mount --bind "$2" /opt && shift 2 && exec "$@"'
        )
        return ["unshare", "--mount", "sh", "-ec", mounts, "sh", str(task), str(opt)]

    return words
