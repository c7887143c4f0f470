"""Holds verdicts against starts in containers: `python -m tests.container.campaign`, and `--help`.

The states are the oracle's. Each is a start of its own, as `shim run --in container` makes it. What
extensions have to do beyond being started, no made-up program does: states with extensions, those
that `shim run` refuses to unpack, and those at which AWS's emulator itself crashes, are left out,
and others take their place.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker  # type: ignore[import-untyped] # its types are a package of others

from shim.arch import Arch
from shim.check.verdict import verdict
from shim.emulate.container import Containers
from shim.emulate.image import container_engine
from shim.emulate.session import Session
from shim.emulate.start import Start
from shim.errors import InputError
from shim.package.names import BOOTSTRAP
from tests.check.oracle.campaign import TIMEOUTS, Tally, as_zips, new_generator
from tests.check.oracle.programs import TOKEN
from tests.check.oracle.real import RealStart, as_refused
from tests.check.oracle.roots import RELEASES, unpack_root
from tests.container.images import root_image

if TYPE_CHECKING:
    from shim.check.state import State
    from shim.emulate.session import Place
    from shim.package.read import Package


def campaign(
    arch: Arch, runtime: str, number: int, *, first: int, place: Place, folder: Path
) -> Tally:
    """Start so many states in containers, from a seed on, and compare."""
    generator = new_generator(arch, runtime, unpack_root(runtime, arch, folder))
    tally = Tally()
    seeds = count(first)
    while tally.states < number:
        seed = next(seeds)
        state = generator.state(seed)
        if any(map(_is_left_out, (state.package, *state.layers))):
            continue
        zipped = as_zips(state, folder, partial(as_refused, state=state))
        try:
            real = start_in_container(zipped, place)
        except InputError:
            continue
        tally.compare(verdict(state), real, where=f"seed {seed} {arch} {runtime}")
    return tally


def _is_left_out(package: Package) -> bool:
    """Extensions; and a `bootstrap` that is a link to itself, at which the emulator crashes."""
    bootstrap = package.names.get(BOOTSTRAP)
    is_loop = bootstrap is not None and bootstrap.read(0, bootstrap.size) == BOOTSTRAP.encode()
    return is_loop or any(name.startswith("extensions/") for name in package.names)


def start_in_container(state: State, place: Place) -> RealStart:
    """Start it as `shim run` does, and invoke it: whether its program ran, and what it wrote."""
    said: list[bytes] = []
    start = Start(
        package=Path(state.package.path),
        handler=state.handler,
        arch=state.arch,
        layers=tuple(Path(layer.path) for layer in state.layers),
        environment=dict(state.environment),
        timeout=int(TIMEOUTS[state.arch]),
    )
    with Session(start, place=place, log=said.append) as session:
        answer = session.invoke(b"{}")
    output = b"".join(said).decode(errors="replace")
    return RealStart(ran=TOKEN in output, output=f"{output} {answer.error_type}")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arch", type=Arch)
    parser.add_argument("runtime", choices=RELEASES)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--rie", type=Path, required=True, metavar="FILE", help="the emulator")
    arguments = parser.parse_args()
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shim-oracle-")))
        client: Any = docker.from_env()
        stack.callback(client.close)
        image = stack.enter_context(root_image(client, arguments.runtime, arguments.arch))
        engine = stack.enter_context(container_engine())
        containers = Containers(engine, image, program=arguments.rie, folder=folder / "marks")
        tally = campaign(
            arguments.arch,
            arguments.runtime,
            arguments.count,
            first=arguments.first,
            place=stack.enter_context(containers),
            folder=folder,
        )
    print(f"{arguments.arch} {arguments.runtime}, from seed {arguments.first} on:")
    tally.print(time.monotonic() - began)
    return 1 if tally.disagreed else 0


if __name__ == "__main__":
    sys.exit(main())
