"""Where functions are started: on this machine, or in containers of a runtime's image."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from shim.cli.cache import cache_folder
from shim.cli.emulator import check_system, find_emulator
from shim.cli.terminal import quiet_status
from shim.errors import InputError, MachineError

if TYPE_CHECKING:
    import argparse
    from argparse import _ActionsContainer as Arguments
    from collections.abc import Mapping

    from shim.check.runtimes import Runtime
    from shim.emulate.image import Engine
    from shim.emulate.session import Place

_MACHINE, _CONTAINER = "machine", "container"
_NO_LINUX = {
    "win32": ("Windows", "; or use WSL: `wsl shim --help`"),
    "darwin": ("macOS", ""),
}


def add_place(parser: Arguments) -> None:
    """Add `--in`, which has a default by what this machine can do."""
    parser.add_argument(
        "--in",
        dest="place",
        choices=(_MACHINE, _CONTAINER),
        metavar="PLACE",
        help="where functions start: `machine`, this one, which stands in for the runtime, or"
        " `container`, of the runtime's image (default: this machine, if it has namespaces)",
    )


class Places:
    """By runtime, where its functions start; all of it goes with `stack`, whenever it came.

    `images` are names of images by runtimes, other than those that AWS publishes. With
    `is_shared`, many are started.
    """

    def __init__(
        self,
        arguments: argparse.Namespace,
        stack: ExitStack,
        *,
        images: Mapping[str, str],
        is_shared: bool,
    ) -> None:
        self._stack = stack.enter_context(ExitStack())
        self._images, self._is_shared = images, is_shared
        self._rie = arguments.rie
        self._engine = _find_engine(arguments.place, stack, has_images=bool(images))
        self._opened: dict[str, Place] = {}

    def __call__(self, runtime: Runtime) -> Place:
        """Where that runtime's functions start."""
        engine = self._engine
        image = self.image(runtime) if engine else ""
        if image not in self._opened:
            self._opened[image] = self._containers(engine, image) if engine else self._machine()
        return self._opened[image]

    def image(self, runtime: Runtime) -> str:
        """The image's name."""
        name = self._images.get(runtime.name, runtime.container)
        if not name:
            raise InputError(f"there is no image of this runtime: {runtime.name}")
        return name

    def _machine(self) -> Place:
        # Only Linux has all that this imports.
        from shim.emulate.host import Host, shared_host

        program = find_emulator(self._rie)
        if self._is_shared:
            return self._stack.enter_context(shared_host(program))
        return Host(program=program)

    def _containers(self, engine: Engine, image: str) -> Place:
        from shim.emulate.container import Containers

        containers = Containers(
            engine,
            image,
            program=find_emulator(self._rie, engine.arch),
            folder=cache_folder() / "containers",
            progress=quiet_status,
        )
        return self._stack.enter_context(containers)


def _find_engine(
    place: str | None, stack: ExitStack, *, has_images: bool, system: str = sys.platform
) -> Engine | None:
    """The container engine, where one is asked for or `system` can't do without; else None."""
    if place == _MACHINE:
        if has_images:
            raise InputError("an --image is for containers, and not for `--in machine`")
        check_system("`--in machine`", system=system)
        return None
    is_asked_for = place == _CONTAINER or has_images
    if system == "linux" and not is_asked_for and _has_namespaces():
        return None
    # What few runs need.
    from shim.emulate.image import container_engine

    try:
        return stack.enter_context(container_engine())
    except MachineError as error:
        if is_asked_for:
            raise
        if system == "linux":
            return None  # a folder does, and a note says what is different there
        name, hint = _NO_LINUX.get(system, (system, ""))
        raise MachineError(
            f"{error.message}; functions are Linux programs, which {name} starts in containers",
            hint=f"{error.hint}{hint}",
        ) from error


def _has_namespaces() -> bool:
    from shim.emulate import sandbox

    return sandbox.obstacle() is None
