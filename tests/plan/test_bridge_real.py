"""Every state of plans over bridges, started for real: the right program answers in each."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shim.arch import Arch
from shim.check.verdicts import Verdicts
from shim.emulate import standin
from shim.emulate.host import Host
from shim.emulate.session import Session
from shim.emulate.start import Start
from shim.package.launchers import Flavour, launcher
from shim.package.read import read_package
from shim.plan.bridge.planning import Bridged, find_bridged_plan, written
from tests.plan.builders import AL2, AL2023, GO, state, zipped
from tests.requirements import require

if TYPE_CHECKING:
    from shim.check.state import State

pytestmark = pytest.mark.usefixtures("lean_launchers")
HERE = Path(__file__).parent
X86, ARM = Arch.X86_64, Arch.ARM64


@dataclass(frozen=True, kw_only=True, slots=True)
class Kit:
    """What packages are made of."""

    folder: Path
    emulator: Path
    old: dict[Arch, bytes]
    """Programs that answer with `machine`."""
    new: dict[Arch, bytes]
    """Programs that answer with `renewed`."""

    def state(
        self,
        name: str,
        files: dict[str, bytes],
        *layers: dict[str, bytes],
        handler: str,
        arch: Arch = X86,
        runtime: str = AL2023,
    ) -> State:
        """A state whose package and layers are zips on disk."""
        packages = [
            read_package(zipped(self.folder / f"{name}-{number}.zip", content))
            for number, content in enumerate((files, *layers))
        ]
        return state(
            packages[0], arch=arch, runtime=runtime, handler=handler, layers=tuple(packages[1:])
        )

    def answer(self, started: State) -> dict[str, Any]:
        """What the state's function answers."""
        start = Start(
            package=Path(started.package.path),
            handler=started.handler,
            arch=started.arch,
            layers=tuple(Path(layer.path) for layer in started.layers),
            runs_handler=started.runtime.runs_handler,
        )
        with Session(start, place=Host(program=self.emulator), log=lambda _: None) as session:
            answer = session.invoke(b"{}")
        assert answer.error_type is None, (answer.error_type, answer.error_message, started)
        found: dict[str, Any] = json.loads(answer.payload)
        return found


@pytest.fixture
def kit(tmp_path: Path, emulator: Path, functions: dict[Arch, Path]) -> Kit:
    require(all(map(standin.can_run, Arch)), "both architectures are needed: qemu-user-static")
    old = {arch: path.read_bytes() for arch, path in functions.items()}
    new = {arch: data.replace(b'"machine"', b'"renewed"') for arch, data in old.items()}
    assert all(old[arch] != new[arch] for arch in Arch)
    return Kit(folder=tmp_path, emulator=emulator, old=old, new=new)


@pytest.fixture(scope="session")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> dict[Arch, bytes]:
    """A real extension for each architecture."""
    folder = tmp_path_factory.mktemp("extensions")
    options = ["-static", "-nostdlib", "-Os", "-s", "-fno-stack-protector", "-fno-builtin"]
    for arch in Arch:
        command = [sys.executable, "-m", "ziglang", "cc", "-target", f"{arch.machine}-linux-musl"]
        code = HERE / "extension.c"
        subprocess.run([*command, *options, "-w", "-o", folder / arch, code], check=True)
    return {arch: (folder / arch).read_bytes() for arch in Arch}


BLOCKED = date(2027, 3, 3)
"""From then on functions on go1.x and provided.al2 take one call."""


def check_all(
    kit: Kit, begin: State, wanted: State, *, takes: str, day: date | None = None
) -> None:
    """Plan, write the bridges, start every state: each side's settings run its own program."""
    verdicts = Verdicts()
    found = find_bridged_plan(
        begin,
        wanted,
        verdicts=verdicts,
        day=day,
        folder=kit.folder,
    )
    assert isinstance(found, Bridged), found
    assert takes == " ".join(one.kind.removeprefix("bridge ") for one in found.used)
    with written(found, verdicts=verdicts) as bridged:
        for each in bridged.plan.states:
            assert verdicts.verdict(each).starts
            answer = kit.answer(each)
            is_new = "renewed" in answer
            assert answer["renewed" if is_new else "machine"] == each.arch.machine
            if (each.runtime, each.handler, each.arch) == _settings(begin):
                assert not is_new or _settings(begin) == _settings(wanted)
            if (each.runtime, each.handler, each.arch) == _settings(wanted):
                assert is_new or _settings(begin) == _settings(wanted)


def _settings(one: State) -> tuple[object, ...]:
    return (one.runtime, one.handler, one.arch)


@pytest.mark.parametrize("arch", list(Arch))
def test_go1x_to_a_native_bootstrap(kit: Kit, arch: Arch) -> None:
    begin = kit.state("old", {"main": kit.old[X86]}, handler="main", runtime=GO)
    wanted = kit.state("new", {"bootstrap": kit.new[arch]}, handler="bootstrap", arch=arch)
    check_all(kit, begin, wanted, takes="package")


def test_go1x_behind_a_launcher_in_a_layer(kit: Kit) -> None:
    begin = kit.state("old", {"main": kit.old[X86]}, handler="main", runtime=GO)
    wanted = kit.state("new", {"bootstrap": kit.new[X86]}, handler="bootstrap")
    check_all(kit, begin, wanted, takes="layer", day=BLOCKED)


def test_a_new_program_in_a_layer_before_the_new_package_is_there(kit: Kit) -> None:
    start = launcher(X86, Flavour.LEAN)
    begin = kit.state(
        "old", {"bootstrap": start, "orders": kit.old[X86]}, handler="orders", runtime=AL2
    )
    wanted = kit.state(
        "new", {"bootstrap": start, "bin/orders": kit.new[X86]}, handler="bin/orders"
    )
    check_all(kit, begin, wanted, takes="layer", day=BLOCKED)


def test_go1x_to_a_launcher_and_a_new_name(kit: Kit) -> None:
    begin = kit.state("old", {"main": kit.old[X86]}, handler="main", runtime=GO)
    files = {"bootstrap": launcher(ARM, Flavour.LEAN), "bin/orders": kit.new[ARM]}
    wanted = kit.state("new", files, handler="bin/orders", arch=ARM)
    check_all(kit, begin, wanted, takes="package")


def test_a_handler_renamed_with_its_package(kit: Kit) -> None:
    start = launcher(X86, Flavour.LEAN)
    begin = kit.state("old", {"bootstrap": start, "orders": kit.old[X86]}, handler="orders")
    wanted = kit.state(
        "new", {"bootstrap": start, "bin/orders": kit.new[X86]}, handler="bin/orders"
    )
    check_all(kit, begin, wanted, takes="package")


def test_where_other_files_conflict_the_old_package_alone_is_the_bridge(kit: Kit) -> None:
    start = launcher(X86, Flavour.LEAN)
    begin = kit.state(
        "old", {"bootstrap": start, "old": kit.old[X86], "version": b"1"}, handler="old"
    )
    wanted = kit.state(
        "new", {"bootstrap": start, "a/new": kit.new[X86], "version": b"2"}, handler="a/new"
    )
    found = find_bridged_plan(
        begin,
        wanted,
        verdicts=Verdicts(),
        day=None,
        folder=kit.folder,
    )
    assert isinstance(found, Bridged)
    with written(found, verdicts=Verdicts()) as bridged:
        answers = [kit.answer(each) for each in bridged.plan.states]
    # Old code until the last call, also under the new name.
    assert [*map(list, answers)] == [["machine", "program"]] * 3 + [["renewed", "program"]]
    assert answers[2]["program"] == "/var/task/a/new"


def test_name_and_architecture_together(kit: Kit) -> None:
    begin = kit.state(
        "old", {"bootstrap": launcher(X86, Flavour.LEAN), "orders": kit.old[X86]}, handler="orders"
    )
    files = {"bootstrap": launcher(ARM, Flavour.LEAN), "bin/orders": kit.new[ARM]}
    wanted = kit.state("new", files, handler="bin/orders", arch=ARM)
    check_all(kit, begin, wanted, takes="package")


def test_a_native_bootstrap_and_an_extension_to_a_launcher_on_arm64(
    kit: Kit, extensions: dict[Arch, bytes]
) -> None:
    agent = {arch: {"extensions/agent": extensions[arch]} for arch in Arch}
    begin = kit.state("old", {"bootstrap": kit.old[X86]}, agent[X86], handler="anything")
    files = {"bootstrap": launcher(ARM, Flavour.LEAN), "bin/orders": kit.new[ARM]}
    wanted = kit.state("new", files, agent[ARM], handler="bin/orders", arch=ARM)
    check_all(kit, begin, wanted, takes="layer")


def test_a_renamed_handler_and_an_extension_on_another_architecture(
    kit: Kit, extensions: dict[Arch, bytes]
) -> None:
    agent = {arch: {"extensions/agent": extensions[arch]} for arch in Arch}
    files = {"bootstrap": launcher(X86, Flavour.LEAN), "orders": kit.old[X86]}
    begin = kit.state("old", files, agent[X86], handler="orders")
    files = {"bootstrap": launcher(ARM, Flavour.LEAN), "bin/orders": kit.new[ARM]}
    wanted = kit.state("new", files, agent[ARM], handler="bin/orders", arch=ARM)
    check_all(kit, begin, wanted, takes="package layer")


def test_launcher_layers_for_one_architecture_each(kit: Kit) -> None:
    layer = {arch: {"bootstrap": launcher(arch, Flavour.LEAN)} for arch in Arch}
    both = {"orders": kit.old[X86], "orders_arm64": kit.new[ARM]}
    begin = kit.state("old", both, layer[X86], handler="orders")
    wanted = kit.state("new", both, layer[ARM], handler="orders", arch=ARM)
    check_all(kit, begin, wanted, takes="layer")
