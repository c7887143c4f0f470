"""Builds launchers in containers of the release environment, by the Docker SDK.

The engine may be Docker or what speaks its protocol. Dockerfile.al2 says what is done; here are
the platform, progress, clear words, and the way of the results out of the image.
"""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inputs import fetch_inputs
from lean import ROOT, BuildError

try:
    import docker  # type: ignore[import-untyped] # its types are a package of others
    from docker.errors import DockerException  # type: ignore[import-untyped] # the same
except ImportError as error:
    raise BuildError(
        "the Docker SDK for Python is not installed\ninstall it: `pip install docker`"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    client = _connect()
    paths: list[Path] = []
    for arch in architectures:
        image = f"shim-launchers:{uuid.uuid4().hex[:12]}"
        with tempfile.TemporaryDirectory(prefix="shim-context-") as name:
            context = Path(name) / "context"
            _assemble(context, inputs=fetch_inputs(arch, cache))
            try:
                _build(client, context, arch=arch, image=image, base=base, log=log)
                paths += _copy_out(client, image, output)
            except DockerException as error:
                raise BuildError(f"the engine failed: {error}") from error
            finally:
                _remove_image(client, image)
    wanted = tuple(f"{flavour}-" for flavour in flavours)
    for path in paths:
        if not path.name.startswith((*wanted, "BUILDINFO")):
            path.unlink()
    return [path for path in paths if path.name.startswith(wanted)]


def _connect() -> Any:
    try:
        client = docker.from_env(timeout=3600)
        client.ping()
    except DockerException as error:
        raise BuildError(NO_ENGINE.format(error=error)) from error
    return client


def _assemble(context: Path, *, inputs: Path) -> None:
    """All that the Dockerfile copies, and nothing else."""
    shutil.copytree(inputs, context / "inputs")
    shutil.copy(ROOT / "Dockerfile.al2", context / "Dockerfile")
    leave_out = shutil.ignore_patterns("bin", "__pycache__")
    shutil.copytree(ROOT / "build", context / "build", ignore=leave_out)
    shutil.copytree(ROOT / "shim" / "launcher", context / "shim" / "launcher", ignore=leave_out)


def _build(
    client: Any, context: Path, *, arch: str, image: str, base: str, log: Callable[[str], None]
) -> None:
    from_image = base.replace("{arch}", arch)
    events = client.api.build(
        path=str(context),
        tag=image,
        platform=f"linux/{'arm64' if arch == 'arm64' else 'amd64'}",
        buildargs={"BASE": from_image},
        rm=True,
        forcerm=True,
        decode=True,
    )
    lines: list[str] = []
    for line in _lines(events):
        lines.append(line)
        if line.startswith("Step "):
            log(f"{arch}: {line}")
        if line.startswith("error: "):
            raise BuildError(_reason(lines, arch=arch, base=from_image))


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


def _copy_out(client: Any, image: str, output: Path) -> list[Path]:
    """The files of the image, which has nothing else in it."""
    container = client.containers.create(image, command=["none"])
    try:
        stream, _ = container.get_archive("/")
        data = io.BytesIO(b"".join(stream))
    finally:
        container.remove(force=True)
    output.mkdir(parents=True, exist_ok=True)
    paths = []
    with tarfile.open(fileobj=data) as archive:
        for member in archive:
            name = Path(member.name).name
            if member.isfile() and name.startswith(("lean-", "full-", "BUILDINFO-")):
                paths.append(_write(archive, member, output / name))
    return paths


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> Path:
    content = archive.extractfile(member)
    if content is None:
        raise BuildError(f"the image holds something strange: {member.name}")
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content.read())
    part.chmod(0o755 if path.name[0] != "B" else 0o644)
    part.replace(path)
    return path


def _remove_image(client: Any, image: str) -> None:
    try:
        # The layers below stay: they are what makes the next build quick.
        client.images.remove(image, force=True, noprune=True)
    except docker.errors.ImageNotFound:
        return
