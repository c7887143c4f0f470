"""Container images, through the Docker SDK: of any engine that speaks its API.

The only module of shim that knows the SDK. Nothing of an image is started to look into it.
"""

from __future__ import annotations

import tarfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from shim.arch import Arch
from shim.errors import InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_PLATFORMS = {Arch.X86_64: "amd64", Arch.ARM64: "arm64"}
_SECONDS = 600
_SIZE_LIMIT = 4 << 30
"""Bytes of an image's files: Lambda takes images of 10 GB, a runtime has some hundred MB."""

_NO_SDK = "install it: `pip install 'lambda-shim[container]'`"
_NO_ENGINE = "start one (Docker, Podman, Colima, Rancher Desktop), or name it in DOCKER_HOST"


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """One image for one architecture, as the engine has it."""

    name: str
    digest: str
    """The registry's; that of its configuration where it never was in one."""
    arch: Arch


@contextmanager
def container_engine(*, seconds: int = _SECONDS) -> Iterator[Engine]:
    """The engine that `docker` would call; `MachineError` where none answers in so many seconds."""
    try:
        import docker  # type: ignore[import-untyped] # its types are a package of others
        from docker.context import ContextAPI  # type: ignore[import-untyped] # the same
        from docker.errors import DockerException  # type: ignore[import-untyped] # the same
    except ImportError as error:
        raise MachineError("the Docker SDK for Python is not installed", hint=_NO_SDK) from error
    with ExitStack() as stack:
        try:
            # Without DOCKER_HOST the context counts, Colima's or Rancher's say, as for `docker`.
            context = None if docker.utils.kwargs_from_env() else ContextAPI.get_current_context()
            client = (
                docker.DockerClient(base_url=context.Host, timeout=seconds)
                if context
                else docker.from_env(timeout=seconds)
            )
            stack.callback(client.close)
            client.ping()
        except (DockerException, OSError) as error:
            raise MachineError(f"no container engine answers: {error}", hint=_NO_ENGINE) from error
        yield Engine(client)


class Engine:
    """A container engine."""

    def __init__(self, client: Any) -> None:
        """See `container_engine`."""
        self._client = client

    def describe(self) -> str:
        """Its version and system."""
        about = self._client.version()
        return f"{about['Version']}, {about['Os']} {about['Arch']}"

    def find_image(
        self, name: str, arch: Arch | None, *, tell: Callable[[str], None] = lambda _: None
    ) -> Image:
        """The image for one architecture, pulled where it isn't there; `tell` gets what is done.

        Where none is asked for: the one that is there, or else the engine's own.

        Raises `InputError` where there is no such image, or not for that architecture.
        """
        found = self._local(name)
        if found is None or arch not in {None, found.arch}:
            self._pull(name, arch, tell)
            found = self._local(name)
        if found is None or arch not in {None, found.arch}:
            raise InputError(f"there is no such image for {arch or 'Lambda'}: {name}")
        return found

    def unpack(self, image: Image, into: Path) -> None:
        """Lay the files, folders and links of the image into the empty folder `into`."""
        from docker.errors import DockerException

        platform = f"linux/{_PLATFORMS[image.arch]}"
        try:
            # A container that is never started; an image for this may have no command of its own.
            container = self._client.containers.create(image.name, ["-"], platform=platform)
            try:
                unpack_tar(container.export(), into)
            finally:
                container.remove()
        except (DockerException, OSError, tarfile.TarError) as error:
            raise MachineError(f"the image can't be read, {error}: {image.name}") from error

    def _local(self, name: str) -> Image | None:
        from docker.errors import ImageNotFound

        try:
            attributes = self._client.images.get(name).attrs
        except ImageNotFound:
            return None
        arch = next((one for one in Arch if _PLATFORMS[one] == attributes["Architecture"]), None)
        digests = [one.partition("@")[2] for one in attributes.get("RepoDigests") or ()]
        if arch is None:
            return None
        return Image(name=name, digest=(digests or [attributes["Id"]])[0], arch=arch)

    def _pull(self, name: str, arch: Arch | None, tell: Callable[[str], None]) -> None:
        from docker.errors import DockerException
        from docker.utils import parse_repository_tag  # type: ignore[import-untyped] # as above

        repository, tag = parse_repository_tag(name)
        platform = f"linux/{_PLATFORMS[arch]}" if arch else None
        try:
            events = self._client.api.pull(
                repository, tag=tag or "latest", stream=True, decode=True, platform=platform
            )
            for text in _progress(events):
                tell(f"pulling {name}: {text}")
        except (DockerException, _PullError) as error:
            raise InputError(
                f"the image can't be had{f' for {arch}' if arch else ''}, {error}: {name}",
                hint="is its name right, and does the engine reach its registry?",
            ) from error


class _PullError(Exception):
    """What the engine says in the middle of a pull."""


def _progress(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    """How much of all layers that are known of has come."""
    layers: dict[str, tuple[int, int]] = {}
    for event in events:
        if "error" in event:
            raise _PullError(event["error"])
        detail = event.get("progressDetail") or {}
        if event.get("status") == "Downloading" and detail.get("total"):
            layers[event["id"]] = (detail["current"], detail["total"])
            done, total = map(sum, zip(*layers.values(), strict=True))
            yield f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB"


def unpack_tar(pieces: Iterable[bytes], into: Path) -> None:
    """Lay a tar's files, folders and links into the empty folder `into`.

    A name counts only below a folder that the tar itself has, so that nothing goes through a link;
    what is there twice counts once. Devices are left out. `TarError` where it is too large.
    """
    folders: set[tuple[str, ...]] = {()}
    left = _SIZE_LIMIT
    with tarfile.open(fileobj=cast("IO[bytes]", _Stream(pieces)), mode="r|") as tar:
        for member in tar:
            parts = tuple(part for part in member.name.split("/") if part not in {"", "."})
            path = into.joinpath(*parts)
            if ".." in parts or parts[:-1] not in folders or path.is_symlink() or path.exists():
                continue
            left -= member.size
            if left < 0:
                raise tarfile.TarError("it is larger than any runtime")
            if member.isdir():
                path.mkdir()
                folders.add(parts)
            elif member.issym():
                path.symlink_to(member.linkname)
            elif member.islnk():
                _link(into, member.linkname, path)
            elif (file := tar.extractfile(member)) is not None:
                path.write_bytes(file.read())
                path.chmod(member.mode & 0o777 | 0o400)


def _link(into: Path, target: str, path: Path) -> None:
    """A second name of a file that the tar had before."""
    parts = [part for part in target.split("/") if part not in {"", "."}]
    source = into.joinpath(*parts)
    if ".." not in parts and source.resolve() == into.resolve().joinpath(*parts):
        with suppress(FileNotFoundError):
            path.hardlink_to(source)


class _Stream:
    """Pieces of bytes, read as a file is."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def read(self, size: int) -> bytes:
        """So many bytes; fewer at the end."""
        found = [self._rest]
        length = len(self._rest)
        while length < size and (piece := next(self._pieces, b"")):
            found.append(piece)
            length += len(piece)
        data = b"".join(found)
        self._rest = data[size:]
        return data[:size]
