"""Builds in containers of the release environment, by the Docker SDK: launchers, and handlers.

The engine may be Docker or what speaks its protocol. The Dockerfiles say what is done; here are
the platform, progress, clear words, and the way of the results out of the image.
"""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inputs import fetch_handler_wheels, fetch_inputs
from lean import ROOT, SOURCES, BuildError

try:
    import docker  # type: ignore[import-untyped] # its types are a package of others
    from docker.errors import (  # type: ignore[import-untyped] # the same
        DockerException,
        ImageNotFound,
    )
except ImportError as error:
    raise BuildError(
        "the Docker SDK for Python is not installed\ninstall it: `pip install docker`"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECIPE = (
    *("packages.sh", "cpython.sh", "tools.sh", "full-requirements.txt", "release.py"),
    *("lean.py", "lean.ld", "full.py", "full.ld", "nuitka_plugin.py", "verify.py"),
)
"""The files in build/ that the release environment is given: of others the engine's cache must not
depend."""

SHOWN = 60
"""Lines of a failed build that are shown."""

NO_ENGINE = """\
no container engine answers: {error}
start one (Docker: `systemctl start docker`, or Docker Desktop), or name it in DOCKER_HOST"""
NO_EMULATION = """\
this machine does not run programs for {arch}, which a build for it needs
on Debian and Ubuntu: `apt-get install qemu-user-static binfmt-support`; elsewhere:
`docker run --privileged --rm tonistiigi/binfmt --install {arch}`"""
NO_BASE = """\
the image to build in can't be had: {base}: {error}
without a registry: `--base IMAGE` takes one that is there"""


def build_in_container(
    architectures: tuple[str, ...],
    output: Path,
    *,
    flavours: tuple[str, ...],
    base: str,
    cache: Path,
    log: Callable[[str], None],
) -> list[Path]:
    """Build for each architecture in turn; the launchers and BUILDINFO go to `output`.

    Raises `BuildError`. No container and no image of ours is left, whatever happens, but for the
    layers that the engine keeps as its cache.
    """
    wanted = (*(f"{flavour}-" for flavour in flavours), "BUILDINFO-")
    paths: list[Path] = []
    for builder in _builders(architectures, log):
        with _temporary() as folder:
            assemble_release(folder / "release", arch=builder.arch, cache=cache)
            with builder.image(folder / "release", base=base) as image:
                paths += builder.copy_out(image, output, beginnings=wanted)
    return [path for path in paths if not path.name.startswith("BUILDINFO-")]


def compile_in_container(
    program: Path,
    output: Path,
    *,
    architectures: tuple[str, ...],
    base: str,
    cache: Path,
    log: Callable[[str], None],
) -> list[Path]:
    """Compile a handler in Python to `output`/<architecture>/bin, and return the programs.

    Raises `BuildError`; leaves as little as `build_in_container`.
    """
    paths = []
    for builder in _builders(architectures, log):
        with _temporary() as folder:
            assemble_release(folder / "release", arch=builder.arch, cache=cache)
            _assemble_handler(folder / "handler", program, arch=builder.arch, cache=cache)
            with (
                builder.image(folder / "release", base=base, target="tools") as tools,
                builder.image(folder / "handler", base=tools, PROGRAM=program.name) as image,
            ):
                builder.copy_out(image, output / builder.arch, beginnings=("bin/",))
        paths.append(output / builder.arch / "bin" / program.stem)
    return paths


def assemble_release(folder: Path, *, arch: str, cache: Path) -> None:
    """Make a folder of all that Dockerfile.al2 copies for `arch`, and nothing else."""
    if folder.exists():
        raise BuildError(f"there is something already: {folder}")
    shutil.copytree(fetch_inputs(arch, cache), folder / "inputs")
    shutil.copy(ROOT / "Dockerfile.al2", folder / "Dockerfile")
    leave_out = shutil.ignore_patterns("bin", "__pycache__")
    shutil.copytree(SOURCES, folder / "shim" / "launcher", ignore=leave_out)
    (folder / "build").mkdir()
    for name in RECIPE:
        shutil.copy(ROOT / "build" / name, folder / "build")


def _assemble_handler(folder: Path, program: Path, *, arch: str, cache: Path) -> None:
    """The same for Dockerfile.handler: the program's folder, its wheels, and the recipe."""
    leave_out = shutil.ignore_patterns("out", "out.*", ".*", "__pycache__")
    wheels = fetch_handler_wheels(program.with_name("requirements.txt"), arch=arch, cache=cache)
    shutil.copytree(wheels, folder / "wheels")
    shutil.copytree(program.parent, folder / "handler", ignore=leave_out)
    shutil.copy(ROOT / "build" / "Dockerfile.handler", folder / "Dockerfile")
    shutil.copy(ROOT / "build" / "handler.sh", folder)


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shim-context-") as name:
        yield Path(name)


def _builders(architectures: tuple[str, ...], log: Callable[[str], None]) -> list[_Builder]:
    try:
        client = docker.from_env(timeout=3600)
        client.ping()
    except DockerException as error:
        raise BuildError(NO_ENGINE.format(error=error)) from error
    return [_Builder(client=client, arch=arch, log=log) for arch in architectures]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Builder:
    """The engine, building for one architecture."""

    client: Any
    arch: str
    log: Callable[[str], None]

    @contextmanager
    def image(
        self, context: Path, *, base: str, target: str = "", **arguments: str
    ) -> Iterator[str]:
        """The name of the image that the context's Dockerfile gives, removed in the end."""
        name = f"shim-build:{uuid.uuid4().hex[:12]}"
        base = base.replace("{arch}", self.arch)
        try:
            events = self.client.api.build(
                path=str(context),
                tag=name,
                platform=f"linux/{'arm64' if self.arch == 'arm64' else 'amd64'}",
                buildargs={"BASE": base, **arguments},
                target=target,
                rm=True,
                forcerm=True,
                decode=True,
            )
            self._follow(events, base=base)
            yield name
        except DockerException as error:
            raise BuildError(f"the engine failed: {error}") from error
        finally:
            self._remove(name)

    def _follow(self, events: Iterator[dict[str, Any]], *, base: str) -> None:
        lines: list[str] = []
        for line in _lines(events):
            lines.append(line)
            if line.startswith("Step "):
                self.log(f"{self.arch}: {line}")
            if line.startswith("error: "):
                raise BuildError(_reason(lines, arch=self.arch, base=base))

    def _remove(self, name: str) -> None:
        try:
            # The layers below stay: they are what makes the next build quick.
            self.client.images.remove(name, force=True, noprune=True)
        except ImageNotFound:
            return

    def copy_out(self, image: str, output: Path, *, beginnings: tuple[str, ...]) -> list[Path]:
        """Write those files of the image whose paths begin so, and return where they are."""
        container = self.client.containers.create(image, command=["none"])
        try:
            stream, _ = container.get_archive("/")
            data = io.BytesIO(b"".join(stream))
        finally:
            container.remove(force=True)
        with tarfile.open(fileobj=data) as archive:
            return [
                _write(archive, member, output / path)
                for member in archive
                if member.isfile()
                and (path := member.name.removeprefix(".").lstrip("/")).startswith(beginnings)
            ]


def _lines(events: Iterator[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        if "error" in event:
            yield f"error: {event['error'].strip()}"
        yield from (line for line in event.get("stream", "").splitlines() if line.strip())


def _reason(lines: list[str], *, arch: str, base: str) -> str:
    text = "\n".join(lines[-SHOWN:])
    if "exec format error" in text:
        return NO_EMULATION.format(arch=arch)
    if not any(line.startswith("Step 3") for line in lines) and "RUN" not in text:
        return NO_BASE.format(base=base, error=lines[-1].removeprefix("error: "))
    return f"the build in the container failed:\n{text}"


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> Path:
    content = archive.extractfile(member)
    if content is None or ".." in path.parts:
        raise BuildError(f"the image holds something strange: {member.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content.read())
    part.chmod(0o755 if member.mode & 0o100 else 0o644)
    part.replace(path)
    return path
