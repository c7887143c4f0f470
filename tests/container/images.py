"""Images for the tests, without a registry: small ones, and Debian's as the base of builds.

Debian's packages are fetched once: the archives are kept in the cache folder.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker.errors import ImageNotFound  # type: ignore[import-untyped] # they are others' package

from tests.check.oracle.roots import require_roots, root_tar
from tests.debian import release_tar
from tests.requirements import require
from tests.shared import shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.arch import Arch

AUTHORITIES = Path("/usr/local/share/ca-certificates")
RECIPE = """\
FROM scratch
ADD base.tar /
COPY authorities /usr/local/share/ca-certificates
# The packages of a test need not survive a power failure: without `fsync` it is quicker.
RUN update-ca-certificates && echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/unsafe
"""


@contextmanager
def base_images(client: Any, architectures: tuple[Arch, ...], folder: Path) -> Iterator[str]:
    """Debian 12 with this machine's certificate authorities, while anybody has this open.

    Gives the images' name, with `{arch}` for the architecture. What is built on them stays as
    layers without a name: they make the next run quick.
    """
    archives = {arch: _archive(arch) for arch in architectures}
    pattern = f"shim-test-base-{_digest(*archives.values())}:{{arch}}"
    with ExitStack() as stack:
        for arch, archive in archives.items():
            base = _Base(client=client, name=pattern.format(arch=arch), arch=arch, archive=archive)
            stack.enter_context(base.open(folder))
        yield pattern


def _archive(arch: Arch) -> Path:
    """A root file system of the distribution's smallest set of packages."""
    require(shutil.which("mmdebstrap") is not None, "mmdebstrap is not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "shim" / "tests"
    tar = cache / f"bookworm-{arch}.tar"
    return release_tar(tar, "bookworm", arch, include=["ca-certificates"])


def _digest(*archives: Path) -> str:
    """What an image of this name has to be made of: another checkout's may be made otherwise."""
    facts = [RECIPE.encode()]
    facts += [path.read_bytes() for path in sorted(AUTHORITIES.glob("*.crt"))]
    facts += [f"{path.stat().st_size} {path.stat().st_mtime_ns}".encode() for path in archives]
    return hashlib.sha256(b"\0".join(facts)).hexdigest()[:12]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Base:
    """The base image for one architecture."""

    client: Any
    name: str
    arch: Arch
    archive: Path

    @contextmanager
    def open(self, folder: Path) -> Iterator[None]:
        """With the image; `folder` is for what the engine is given."""
        lock = self.name.replace(":", "-")
        with shared(lock, start=lambda: self._start(folder / self.arch), end=self._end):
            yield

    def _start(self, context: Path) -> None:
        if _is_there(self.client, self.name):
            return
        (context / "authorities").mkdir(parents=True)
        _link_or_copy(self.archive, context / "base.tar")
        for path in AUTHORITIES.glob("*.crt"):
            shutil.copy(path, context / "authorities")
        (context / "Dockerfile").write_text(RECIPE)
        # `docker import --platform` records the wrong architecture: a Dockerfile does not.
        build_image(self.client, self.name, arch=self.arch, path=str(context))

    def _end(self) -> None:
        if _is_there(self.client, self.name):
            self.client.images.remove(self.name, noprune=True)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # they are on two disks
        shutil.copy(source, target)


def scratch_image(client: Any, name: str, *, arch: Arch, files: dict[str, bytes]) -> None:
    """An image of nothing but these files, all of them programs."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path, content in {"Dockerfile": b"FROM scratch\nCOPY root /\n", **files}.items():
            entry = tarfile.TarInfo(path if path == "Dockerfile" else f"root/{path}")
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    data.seek(0)
    build_image(client, name, arch=arch, fileobj=data, custom_context=True)


@contextmanager
def root_image(client: Any, runtime: str, arch: Arch) -> Iterator[str]:
    """The name of an image of a test runtime's root folder, while anybody has this open."""
    require_roots(arch)
    tar = root_tar(runtime, arch)
    name = f"shim-test-{runtime}:{arch}-{_digest(tar)}"

    def start() -> None:
        if not _is_there(client, name):
            _tar_image(client, name, arch=arch, tar=tar)

    def end() -> None:
        if _is_there(client, name):
            client.images.remove(name)

    with shared(name.replace(":", "-"), start=start, end=end):
        yield name


def _tar_image(client: Any, name: str, *, arch: Arch, tar: Path) -> None:
    with tempfile.TemporaryDirectory(dir=tar.parent) as folder:
        Path(folder, "root.tar").hardlink_to(tar)
        Path(folder, "Dockerfile").write_text("FROM scratch\nADD root.tar /\n")
        build_image(client, name, arch=arch, path=folder)


def _is_there(client: Any, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def build_image(client: Any, name: str, *, arch: Arch, **context: Any) -> None:
    """An image of a Dockerfile, for one architecture."""
    platform = f"linux/{'arm64' if arch == 'arm64' else 'amd64'}"
    client.images.build(tag=name, platform=platform, rm=True, forcerm=True, **context)
