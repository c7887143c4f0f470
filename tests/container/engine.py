"""A container engine for the tests, and base images without a registry.

Where an engine answers, it is taken. Else `dockerd` is started, and ended by its own process id.
Base images are made of Debian's packages, once: their archives are kept in the cache folder.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker  # type: ignore[import-untyped] # its types are a package of others
from docker.errors import ImageNotFound  # type: ignore[import-untyped] # the same

from tests.debian import release_tar
from tests.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.arch import Arch

SOCKET = Path("/var/run/docker.sock")
SECONDS = 60
"""How long an engine may take to start or to end."""

AUTHORITIES = Path("/usr/local/share/ca-certificates")


@contextmanager
def container_engine(folder: Path) -> Iterator[Any]:
    """A client of the running engine, or of one that runs for as long as this is open."""
    if os.environ.get("DOCKER_HOST") or _listens():
        with _client() as client:
            yield client
        return
    require(os.geteuid() == 0, "only root can start a container engine")
    require(shutil.which("dockerd") is not None, "no container engine: install docker.io, iptables")
    log = (folder / "dockerd.log").open("wb")
    process = subprocess.Popen(
        ["dockerd"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait(_listens, process)
        with _client() as client:
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)
        log.close()


def _listens() -> bool:
    """Whether somebody is behind the engine's socket: a client that fails leaves its own open."""
    with socket.socket(socket.AF_UNIX) as door:
        return door.connect_ex(str(SOCKET)) == 0


@contextmanager
def _client() -> Iterator[Any]:
    client = docker.from_env()
    try:
        assert client.ping()
        yield client
    finally:
        client.close()


def _wait(condition: Any, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        require(process.poll() is None, "the container engine does not start here")
        assert time.monotonic() < deadline, "the container engine does not answer"
        time.sleep(0.2)


@contextmanager
def base_images(
    client: Any, architectures: tuple[Arch, ...], folder: Path
) -> Iterator[dict[Arch, str]]:
    """Names of Debian 12 images with this machine's certificate authorities, while this is open.

    What is built on them stays as layers without a name: they make the next run quick.
    """
    names = {arch: f"shim-test-base:{arch}" for arch in architectures}
    made = [arch for arch, name in names.items() if not _has(client, name)]
    try:
        for arch in made:
            _build_base(client, names[arch], arch=arch, archive=_archive(arch), folder=folder)
        yield names
    finally:
        for arch in made:
            if _has(client, names[arch]):
                client.images.remove(names[arch], noprune=True)


def _has(client: Any, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def _archive(arch: Arch) -> Path:
    """A root file system of the distribution's smallest set of packages."""
    require(shutil.which("mmdebstrap") is not None, "mmdebstrap is not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "shim" / "tests"
    tar = cache / f"bookworm-{arch}.tar"
    return release_tar(tar, "bookworm", arch, include=["ca-certificates"])


def _build_base(client: Any, name: str, *, arch: Arch, archive: Path, folder: Path) -> None:
    """`docker import --platform` records the wrong architecture: a Dockerfile does not."""
    context = folder / f"base-{arch}"
    (context / "authorities").mkdir(parents=True)
    os.link(archive, context / "base.tar") if _same_disk(archive, folder) else shutil.copy(
        archive, context / "base.tar"
    )
    for path in AUTHORITIES.glob("*.crt"):
        shutil.copy(path, context / "authorities")
    (context / "Dockerfile").write_text(
        "FROM scratch\nADD base.tar /\nCOPY authorities /usr/local/share/ca-certificates\n"
        # The packages of a test need not survive a power failure: without `fsync` it is quicker.
        "RUN update-ca-certificates && echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/unsafe\n"
    )
    platform = f"linux/{'arm64' if arch == 'arm64' else 'amd64'}"
    client.images.build(path=str(context), tag=name, platform=platform, rm=True, forcerm=True)


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def scratch_image(client: Any, name: str, *, arch: Arch, files: dict[str, bytes]) -> None:
    """An image of nothing but these files, all of them programs."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path, content in {"Dockerfile": b"FROM scratch\nCOPY root /\n", **files}.items():
            entry = tarfile.TarInfo(path if path == "Dockerfile" else f"root/{path}")
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    data.seek(0)
    platform = f"linux/{'arm64' if arch == 'arm64' else 'amd64'}"
    client.images.build(
        fileobj=data, custom_context=True, tag=name, platform=platform, rm=True, forcerm=True
    )
