"""Every pair of states of a small world: a plan over a bridge, or a reason."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.check.verdicts import Verdicts
from shim.package.read import read_package
from shim.plan.bridge.planning import Bridged, find_bridged_plan
from shim.plan.search import Reason
from tests.check.builders import SCRIPT, launcher, program
from tests.plan.builders import AL2, AL2023, GO, state, zipped

if TYPE_CHECKING:
    from pathlib import Path

    from shim.check.state import State

pytestmark = pytest.mark.usefixtures("lean_launchers")
X86, ARM = Arch.X86_64, Arch.ARM64
DUAL = b'#!/bin/sh\nexec "${0%bootstrap}.shim/$(uname -m)" "$@"\n'
BOTH = {"bootstrap": DUAL, ".shim/x86_64": launcher(), ".shim/aarch64": launcher(ARM)}
DISPATCH = b'#!/bin/sh\nexec "./$_HANDLER"\n'
PACKAGES: dict[str, dict[str, bytes]] = {
    "go": {"main": program()},
    "native": {"bootstrap": program(mark=b"n")},
    "native-arm": {"bootstrap": program(ARM)},
    "single": {"bootstrap": launcher(), "main": program(mark=b"s"), "version": b"1"},
    "single-arm": {"bootstrap": launcher(ARM), "bin/other": program(ARM), "version": b"2"},
    "dual": {**BOTH, "bin/other": program(), "bin/other_arm64": program(ARM)},
    "script": {"bootstrap": DISPATCH, "main": program(mark=b"d"), "data/x": b"x"},
    "shell": {"bootstrap": SCRIPT, "data": b"x"},
    "ignorant": {"bootstrap": DISPATCH, "main": SCRIPT},
}
LAYERS: dict[str, dict[str, bytes]] = {
    "x86": {"extensions/agent": program()},
    "arm": {"extensions/agent": program(ARM), "lib/x": b"x"},
    "other-arm": {"extensions/agent": program(ARM), "lib/y": b"y"},
    "other-x86": {"extensions/agent": program(), "lib/x": b"other"},
}
LAYER_SETS = ((), ("x86",), ("arm",), ("other-arm",), ("other-x86",))


def states(folder: Path) -> list[State]:
    """Every state of the world that starts."""
    packages = {
        name: read_package(zipped(folder / f"{name}.zip", files))
        for name, files in (PACKAGES | LAYERS).items()
    }
    verdicts = Verdicts()
    every = (
        state(
            packages[name],
            arch=arch,
            runtime=runtime,
            handler=handler,
            layers=tuple(packages[one] for one in layers),
        )
        for name, arch, runtime, handler, layers in product(
            PACKAGES, Arch, (GO, AL2, AL2023), ("main", "bin/other", "bootstrap"), LAYER_SETS
        )
    )
    return [one for one in every if verdicts.verdict(one).starts]


def test_every_pair_has_a_plan_all_of_whose_states_start_or_a_reason(tmp_path: Path) -> None:
    world = states(tmp_path)
    verdicts = Verdicts()
    over_a_bridge, without = 0, 0
    # All of them would take minutes.
    for begin, wanted in list(product(world, world))[::31]:
        answer = find_bridged_plan(
            begin,
            wanted,
            verdicts=verdicts,
            day=None,
            folder=tmp_path,
        )
        if isinstance(answer, Bridged):
            assert answer.plan.wanted == wanted
            assert not answer.plan.unknown(verdicts.answer)
            assert all(verdicts.verdict(one).starts for one in answer.plan.states)
            over_a_bridge += bool(answer.bridges)
        else:
            without += 1
            assert answer.answer.reason is Reason.BARRED
            assert answer.reasons
            assert "`lib/x`" in answer.reasons[0]
    assert over_a_bridge > 90
    assert without > 10
