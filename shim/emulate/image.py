"""Container images and containers, through the Docker SDK: of any engine that speaks its API.

The only module of shim that knows the SDK. Nothing of an image is started to look into it.
"""

from __future__ import annotations

import socket
import tarfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from shim.arch import SPELLINGS, Arch
from shim.emulate.untar import unpack_tar
from shim.errors import InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

_PLATFORMS = {Arch.X86_64: "amd64", Arch.ARM64: "arm64"}
_SECONDS = 600
_LOOPBACK = "127.0.0.1"
LABEL = "lambda-shim"
"""By which containers of shim's are known; its value, a mark, says whose."""

_NO_SDK = "install it: `pip install 'lambda-shim[container]'`"
_NO_ENGINE = "start one (Docker, Podman, Colima, Rancher Desktop), or name it in DOCKER_HOST"


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """One image for one architecture, as the engine has it."""

    name: str
    identity: str
    """By which the engine knows it, whatever else gets its name."""
    digest: str
    """The registry's; that of its configuration where it never was in one."""
    arch: Arch


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """What is started in a container, and as whom."""

    words: Sequence[str]
    user: str
    folder: str
    tmp_size: str
    port: int
    """Where it listens."""


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

        try:
            # A container that is never started; an image for this may have no command of its own.
            container = self._create(image, ["-"])
            try:
                unpack_tar(container.export(), into)
            finally:
                container.remove()
        except (DockerException, OSError, tarfile.TarError) as error:
            raise MachineError(f"the image can't be read, {error}: {image.name}") from error

    @property
    def arch(self) -> Arch:
        """The architecture of the engine's own machine."""
        with _engine_errors("the engine doesn't say what it runs on"):
            name = self._client.version()["Arch"]
        if arch := SPELLINGS.get(name):
            return arch
        raise MachineError(f"there is no AWS emulator for an engine's machine like this: {name}")

    def fill(self, image: Image, tar: IO[bytes], folders: Sequence[str], *, mark: str) -> str:
        """A container that is never started, whose volumes at `folders` have what is in `tar`."""
        from docker.types import Mount  # type: ignore[import-untyped] # as above

        mounts = [Mount(folder, None, type="volume", no_copy=True) for folder in folders]
        with _engine_errors(f"no container can be made of {image.name}"):
            filled = self._create(image, ["-"], mounts=mounts, labels={LABEL: mark})
            identity: str = filled.id
            try:
                filled.put_archive("/", tar)
            except BaseException:
                self.remove(identity)
                raise
        return identity

    def start(self, image: Image, command: Command, *, volumes: str, mark: str) -> Container:
        """A container that sees the volumes of another one, and can change nothing but its `/tmp`.

        It is gone when its first process ends.
        """
        first, *others = command.words
        with _engine_errors(f"no container can be started of {image.name}"):
            container = self._create(
                image,
                others,
                entrypoint=[first],
                user=command.user,
                working_dir=command.folder,
                volumes_from=[f"{volumes}:ro"],
                read_only=True,
                tmpfs={"/tmp": f"size={command.tmp_size},mode=1777,exec"},
                ports={f"{command.port}/tcp": (_LOOPBACK, None)},
                stdin_open=True,
                auto_remove=True,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                log_config={"Type": "none"},
                labels={LABEL: mark},
            )
            try:
                return Container(self._client, container, command.port)
            except BaseException:
                self.remove(container.id)
                raise

    def remove(self, container: str) -> None:
        """End it, where it runs, and remove it with the volumes that nobody else has."""
        from docker.errors import NotFound

        with _engine_errors("a container can't be removed"), suppress(NotFound):
            self._client.api.remove_container(container, v=True, force=True)

    def marked(self) -> dict[str, str]:
        """The mark of each container that `fill` or `start` made, by whomever."""
        with _engine_errors("the engine's containers can't be listed"):
            found = self._client.api.containers(all=True, filters={"label": LABEL})
        return {one["Id"]: one["Labels"][LABEL] for one in found}

    def _create(self, image: Image, words: Sequence[str], **options: Any) -> Any:
        platform = f"linux/{_PLATFORMS[image.arch]}"
        return self._client.containers.create(image.identity, words, platform=platform, **options)

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
        identity = attributes["Id"]
        return Image(name=name, identity=identity, digest=(digests or [identity])[0], arch=arch)

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
                f"the image can't be had{f' for {arch}' if arch else ''}, {_cause(error)}: {name}",
                hint="is its name right, and does the engine reach its registry? One that the"
                " engine has already (`docker load`) takes no network",
            ) from error


class Container:
    """One that runs: what it writes can be read, and its standard input is held open."""

    def __init__(self, client: Any, container: Any, port: int) -> None:
        """Starts `container`; from the first byte on all that it writes can be read."""
        self._api, self.identity = client.api, container.id
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        self._stream = self._api.attach_socket(self.identity, params=streams)
        self._socket = getattr(self._stream, "_sock", self._stream)
        try:
            self._socket.settimeout(None)  # it may be silent for hours
            container.start()
            container.reload()
            published = container.attrs["NetworkSettings"]["Ports"][f"{port}/tcp"]
            self.port = int(published[0]["HostPort"])
        except BaseException:
            self.close()
            raise

    def output(self) -> Iterator[tuple[int, bytes]]:
        """What it writes, piece by piece, each with its file's number, until it ends."""
        from docker.utils.socket import frames_iter  # type: ignore[import-untyped] # as above

        with suppress(OSError):  # the engine has gone
            yield from frames_iter(self._stream, tty=False)

    def write(self, data: bytes) -> None:
        """Give it standard input."""
        with suppress(OSError):  # it has ended
            self._socket.sendall(data)

    def end_input(self) -> None:
        """Let it meet the end of its standard input."""
        with suppress(OSError):  # it has ended
            self._socket.shutdown(socket.SHUT_WR)

    def await_removal(self, seconds: float) -> bool:
        """Whether it is gone within that time."""
        from docker.errors import DockerException, NotFound

        try:
            self._api.wait(self.identity, timeout=seconds, condition="removed")
        except NotFound:
            return True
        except (DockerException, OSError):
            return False
        return True

    def close(self) -> None:
        """Hold nothing of it open any more."""
        self._stream.close()
        self._socket.close()


@contextmanager
def _engine_errors(what: str) -> Iterator[None]:
    """Say of what the engine refuses that it was `what`."""
    from docker.errors import DockerException

    try:
        yield
    except (DockerException, OSError) as error:
        raise MachineError(f"{what}: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    """What the engine says of it, without the address that it was asked at."""
    return str(getattr(error, "explanation", None) or error)


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
