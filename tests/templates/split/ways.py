"""Whether there is a way at all: a search by breadth, which shares no code with shim's.

It knows what the packages of this world hold by their names, and builds bridges of its own of that.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from shim.arch import Arch
from shim.package.read import read_package
from tests.check.builders import launcher
from tests.plan.builders import zipped
from tests.plan.test_bridge_pairs import DUAL, LAYERS, PACKAGES
from tests.templates.split.pairs import ARN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shim.check.state import State
    from shim.package.read import Package
    from tests.templates.split.pairs import World

_EXTENSION = b'#!/bin/sh\nexec "/opt/.extensions/$(uname -m)/${0##*/}" "$@"\n'

Place = tuple[Any, Any]


def has_way(
    world: World,
    begin: State,
    wanted: State,
    *,
    starts: Callable[[State], bool],
    hidden: frozenset[str],
) -> bool:
    """Whether calls lead from one to the other, through nothing but what starts.

    Of layers that are `hidden`, by their ARNs, nothing can be made.
    """
    packages = [begin.package, wanted.package, *_bridges(world, begin, wanted)]
    layers = [begin.layers, wanted.layers, *_layers(world, begin, wanted, hidden)]
    codes = list(product(dict.fromkeys(packages), dict.fromkeys((begin.arch, wanted.arch))))
    settings = list(
        product(
            dict.fromkeys((begin.runtime, wanted.runtime)),
            dict.fromkeys((begin.handler, wanted.handler)),
            dict.fromkeys(layers),
        )
    )
    end = ((wanted.package, wanted.arch), (wanted.runtime, wanted.handler, wanted.layers))
    first = ((begin.package, begin.arch), (begin.runtime, begin.handler, begin.layers))
    seen, frontier = {first}, [first]
    while frontier:
        here = frontier.pop(0)
        if here == end:
            return True
        near = [(code, here[1]) for code in codes] + [(here[0], one) for one in settings]
        for there in near:
            if there in seen or not _is_taken(here, there):
                continue
            if there == end or starts(_state(begin, there)):
                seen.add(there)
                frontier.append(there)
    return False


def _state(begin: State, place: Place) -> State:
    (package, arch), (runtime, handler, layers) = place
    return replace(
        begin, package=package, arch=arch, runtime=runtime, handler=handler, layers=layers
    )


def _is_taken(here: Place, there: Place) -> bool:
    """What the API refuses, by the developer guide's table, on the day of these tests."""
    (_, arch), (runtime, *_) = there
    is_go = runtime.name == "go1.x"
    return not is_go or (arch is Arch.X86_64 and here[1][0] is runtime)


def programs(name: str) -> dict[Arch, bytes]:
    """What a package of this world runs, by what is known of it by its name."""
    files = PACKAGES[name]
    match name:
        case "native" | "shell":
            own = {Arch.X86_64: files["bootstrap"]}
        case "native-arm":
            own = {Arch.ARM64: files["bootstrap"]}
        case "dual":
            own = {Arch.X86_64: files["bin/other"], Arch.ARM64: files["bin/other_arm64"]}
        case "single-arm":
            own = {Arch.ARM64: files["bin/other"]}
        case _:
            own = {Arch.X86_64: files["main"]}
    return own


_DATA = {"version", "data/x", "data"}


def _bridges(world: World, begin: State, wanted: State) -> Iterator[Package]:
    """Packages with both programs, or one of them under both names, behind a launcher or not."""
    if begin.package not in world.names:
        return
    old, new = ((world.names[one.package], one) for one in (begin, wanted))
    for sides in ((old, new), (new, old), (old, old), (new, new)):
        data: dict[str, bytes] = {}
        for name, _ in sides:
            for path in _DATA & PACKAGES[name].keys():
                if data.setdefault(path, PACKAGES[name][path]) != PACKAGES[name][path]:
                    data["/"] = b""
        if "/" in data or {"data", "data/x"} <= data.keys():
            continue
        found: dict[Arch, bytes] = {}
        for name, _ in reversed(sides):
            found |= programs(name)
        for number, files in enumerate(_laid_out(found, sides)):
            label = "-".join([*(name for name, _ in sides), begin.handler.replace("/", "."),
                              wanted.handler.replace("/", "."), str(number)])  # fmt: skip
            file = world.folder / f"own-{label}.zip"
            if label not in world.own:
                world.own[label] = read_package(zipped(file, {**data, **files}))
            yield world.own[label]


def _laid_out(
    found: Mapping[Arch, bytes], sides: tuple[tuple[str, State], ...]
) -> Iterator[dict[str, bytes]]:
    both = {f".shim/{arch.machine}": data for arch, data in found.items()}
    bare = dict(both, bootstrap=DUAL)
    go = {state.handler: found[Arch.X86_64] for _, state in sides
          if state.runtime.name == "go1.x" and Arch.X86_64 in found}  # fmt: skip
    yield bare | go
    behind = {"bootstrap": DUAL} | {f".shim/{arch.machine}": launcher(arch) for arch in Arch}
    for _, state in sides:
        for arch, data in found.items():
            behind[f"{state.handler}{arch.suffix}"] = data
    if "bootstrap" not in {state.handler for _, state in sides}:
        yield behind


def _layers(
    world: World, begin: State, wanted: State, hidden: frozenset[str]
) -> Iterator[tuple[Package, ...]]:
    """A layer with both agents, where nothing else in the two is at odds."""
    names = [world.names[one] for state in (begin, wanted) for one in state.layers]
    if len(names) != 2 or hidden & {ARN.format(name) for name in names}:
        return
    libraries: dict[str, bytes] = {}
    agents = {}
    for name in names:
        for path, data in LAYERS[name].items():
            if path.startswith("extensions/"):
                agents["aarch64" if name.endswith("arm") else "x86_64"] = data
            elif libraries.setdefault(path, data) != data:
                return
    files = {f".extensions/{machine}/agent": data for machine, data in agents.items()}
    label = "-".join(names)
    if label not in world.own:
        file = world.folder / f"own-layer-{label}.zip"
        whole = {"extensions/agent": _EXTENSION, **files, **libraries}
        world.own[label] = read_package(zipped(file, whole))
    yield (world.own[label],)
