"""What a simulated change shows: naive orders fail for seconds, the plan doesn't."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from shim.arch import Arch
from shim.check.verdicts import Verdicts
from shim.emulate.host import shared_host
from shim.emulate.session import Answer
from shim.errors import MachineError
from shim.package.launchers import Flavour, launcher
from shim.package.read import read_package
from shim.plan.bridge.planning import Bridged, find_bridged_plan, written
from shim.plan.plan import Plan
from shim.plan.step import UpdateCode, UpdateConfiguration
from shim.plan.wording import brief
from shim.simulate.by_start import RealSandbox, RealStarter
from shim.simulate.by_verdict import VerdictStarter
from shim.simulate.changes import PLAN, alias_change, changes
from shim.simulate.drawing import as_html, as_svg
from shim.simulate.sandboxes import Outcome, Traffic
from shim.simulate.simulation import LEAD_SECONDS, World, as_json
from shim.simulate.timing import Timing
from tests.check.oracle.roots import require_roots, unpack_root
from tests.plan import worlds
from tests.plan.builders import state, zipped
from tests.plan.model.universe import SCRIPT
from tests.requirements import require_runs
from tests.simulate.scenarios import DAY, NAMES, ON_BULLSEYE, Scenario, read_scenario

if TYPE_CHECKING:
    from pathlib import Path

    from shim.check.state import State
    from shim.simulate.sandboxes import Starter
    from shim.simulate.simulation import Run

TRAFFIC = Traffic(rate=20, invocations=1400)
BLOCKED = date(2027, 3, 3)
"""From then on functions on go1.x and provided.al2 take one call, to another runtime."""

CODE, CONFIGURATION, PARALLEL = "code first", "configuration first", "in parallel"

ERRORS: dict[str, dict[str, str | None]] = {
    "go1x-to-al2023": {
        CODE: "Runtime.InvalidEntrypoint",
        CONFIGURATION: "Runtime.InvalidEntrypoint",
    },
    "go1x-to-al2023-on-arm64": {CODE: None, CONFIGURATION: "Runtime.InvalidEntrypoint"},
    "x86-to-arm64-with-extension": {
        CODE: "Extension.LaunchError",
        CONFIGURATION: "Extension.LaunchError",
    },
    "handler-renamed": {
        CODE: "Runtime.HandlerNotFound",
        CONFIGURATION: "Runtime.HandlerNotFound",
    },
    "al2-to-al2023-newer-glibc": {CODE: "Runtime.ExitError", CONFIGURATION: None},
}
"""What callers get in each order, as the articles and docs/why/lambda.md tell it."""


@pytest.fixture
def verdicts() -> Verdicts:
    return Verdicts()


def scenario(name: str, built: Path, folder: Path) -> Scenario:
    return read_scenario(name, built, verdicts=Verdicts(), folder=folder)


def world(one: Scenario, starter: Starter, *, seed: int = 1, traffic: Traffic = TRAFFIC) -> World:
    return World(
        begin=one.begin,
        starter=starter,
        traffic=traffic,
        seed=seed,
        layers=one.layers,
        day=DAY,
    )


def simulated(one: Scenario, where: World) -> dict[str, Run]:
    ways = changes(one.begin, one.wanted, one.plan, seed=where.seed, day=DAY)
    return {name: where.run(name, way) for name, way in ways.items()}


@pytest.mark.parametrize("name", NAMES)
def test_by_verdict_the_naive_orders_fail_as_told_and_the_plan_never(
    name: str, built: Path, tmp_path: Path, verdicts: Verdicts
) -> None:
    one = scenario(name, built, tmp_path)
    seconds = []
    for seed in range(1, 7):
        runs = simulated(one, world(one, VerdictStarter(verdicts=verdicts), seed=seed))
        assert runs[PLAN].lost_nothing, seed
        for order, error in ERRORS[name].items():
            assert set(runs[order].errors) == ({error} if error else set())
            seconds += [runs[order].failing_seconds] if error else []
    assert 6 < sum(seconds) / len(seconds) < 12, "some ten seconds"


def test_a_call_that_the_api_refuses_ends_the_change_half_way(
    built: Path, tmp_path: Path, verdicts: Verdicts
) -> None:
    one = scenario("go1x-to-al2023-on-arm64", built, tmp_path)
    run = simulated(one, world(one, VerdictStarter(verdicts=verdicts)))[CODE]
    assert run.problem == "go1.x does not support arm64, only x86_64"
    assert not run.lost_nothing
    assert not run.failures


class Counting(RealStarter):
    """Counts its starts."""

    starts = 0

    def start(self, state: State) -> RealSandbox:
        self.starts += 1
        return super().start(state)


@pytest.mark.parametrize("name", NAMES)
def test_real_processes_fail_and_answer_as_the_verdict_says(
    name: str, built: Path, tmp_path: Path, emulator: Path, verdicts: Verdicts
) -> None:
    one = scenario(name, built, tmp_path)
    for arch in {one.begin.arch, one.wanted.arch}:
        require_runs(arch)
    roots = {}
    if name == "al2-to-al2023-newer-glibc":
        require_roots(Arch.X86_64)
        roots = {ON_BULLSEYE: unpack_root("debian-bullseye", Arch.X86_64, tmp_path)}
    traffic = Traffic(rate=5, invocations=200)
    quick = Timing(update=(3.0, 4.0), linger=3.0, spread=1.0)
    with (
        shared_host(emulator) as host,
        Counting(lambda _: host, roots=roots, verdicts=verdicts) as real,
    ):
        by_verdict = VerdictStarter(verdicts=verdicts)
        told, seen = (
            simulated(one, replace(world(one, starter, traffic=traffic), timing=quick))
            for starter in (by_verdict, real)
        )
    assert seen[PLAN].lost_nothing
    assert len(seen[PLAN].samples) == 200
    assert real.starts == sum(run.starts for run in seen.values())
    for order, run in told.items():
        assert seen[order].errors == run.errors
        assert [one.time for one in seen[order].failures] == [one.time for one in run.failures]


def test_without_its_root_folder_the_verdict_says_what_a_runtime_lacks(
    built: Path, tmp_path: Path, emulator: Path, verdicts: Verdicts
) -> None:
    one = scenario("al2-to-al2023-newer-glibc", built, tmp_path)
    too_new = replace(one.wanted, runtime=one.begin.runtime)
    with (
        shared_host(emulator) as host,
        RealStarter(lambda _: host, roots={}, verdicts=verdicts) as starter,
    ):
        assert starter.start(one.wanted).invoke() == Outcome(error_type=None)
        outcome = starter.start(too_new).invoke()
    assert outcome.error_type == "Runtime.ExitError"
    assert outcome.message.startswith("glibc-too-new: ")


def by_script(folder: Path, functions: dict[Arch, Path]) -> tuple[State, State]:
    """A program behind the script that shim replaces, and another one behind shim's launcher."""
    answering = functions[Arch.X86_64].read_bytes()
    script = {"bootstrap": b'#!/bin/sh\nexec "./$_HANDLER"\n', "hello": answering}
    packed = {"bootstrap": launcher(Arch.X86_64, Flavour.LEAN), "greet": answering}
    begin, wanted = (
        read_package(zipped(folder / f"{name}.zip", files))
        for name, files in (("hello", script), ("greet", packed))
    )
    return state(begin, handler="hello"), state(wanted, handler="greet")


def test_the_script_that_shim_replaces_gets_its_bridge_and_no_start_fails(
    tmp_path: Path,
    emulator: Path,
    functions: dict[Arch, Path],
    lean_launchers: None,
    verdicts: Verdicts,
) -> None:
    del lean_launchers
    require_runs(Arch.X86_64)
    begin, wanted = by_script(tmp_path, functions)
    found = find_bridged_plan(
        begin,
        wanted,
        verdicts=verdicts,
        day=DAY,
        folder=tmp_path,
    )
    assert isinstance(found, Bridged)
    assert found.used
    with ExitStack() as stack:
        plan = stack.enter_context(written(found, verdicts=verdicts)).plan
        host = stack.enter_context(shared_host(emulator))
        starter = stack.enter_context(RealStarter(lambda _: host, roots={}, verdicts=verdicts))
        traffic = Traffic(rate=10, invocations=600)
        where = World(begin=begin, starter=starter, traffic=traffic, seed=1, day=DAY)
        ways = changes(begin, wanted, plan, seed=1, day=DAY)
        runs = {name: where.run(name, way) for name, way in ways.items()}
    assert len(runs[PLAN].samples) == 600
    assert runs[PLAN].lost_nothing
    assert runs[CONFIGURATION].errors.keys() == {"Runtime.ExitError"}


@pytest.mark.parametrize("name", [one for one in NAMES if one.startswith(("go1x", "al2"))])
def test_where_lambda_takes_one_call_only_that_one_is_enough(
    built: Path, tmp_path: Path, emulator: Path, verdicts: Verdicts, name: str
) -> None:
    require_runs(Arch.X86_64)
    one = read_scenario(name, built, verdicts=verdicts, folder=tmp_path, day=BLOCKED)
    assert isinstance(one.plan.steps[0], UpdateConfiguration)
    assert one.plan.steps[0].runtime is one.wanted.runtime
    starter = VerdictStarter(verdicts=verdicts)
    where = replace(world(one, starter, traffic=TRAFFIC), day=BLOCKED)
    assert where.run(PLAN, lambda executor: executor.apply(one.plan)).lost_nothing
    if name == "go1x-to-al2023":
        with (
            shared_host(emulator) as host,
            RealStarter(lambda _: host, roots={}, verdicts=verdicts) as real,
        ):
            traffic = Traffic(rate=10, invocations=600)
            where = replace(where, starter=real, traffic=traffic)
            assert where.run(PLAN, lambda executor: executor.apply(one.plan)).lost_nothing


def test_by_verdict_what_is_unknown_is_never_counted_as_answered(
    tmp_path: Path, functions: dict[Arch, Path], lean_launchers: None, verdicts: Verdicts
) -> None:
    del lean_launchers
    begin, _ = by_script(tmp_path, functions)
    doubtful = read_package(
        zipped(tmp_path / "doubtful.zip", {"bootstrap": SCRIPT, "beside": b"1"})
    )
    step = UpdateCode(package=doubtful, arch=Arch.X86_64)
    where = World(
        begin=begin, starter=VerdictStarter(verdicts=verdicts), traffic=TRAFFIC, seed=1, day=DAY
    )
    plan = Plan(begin=begin, steps=(step,))
    run = where.run(PLAN, lambda executor: executor.apply(plan))
    assert run.unknown
    assert not run.failures
    assert not run.lost_nothing
    assert {one.state.package.path for one in run.unknown} == {doubtful.path}
    said = as_json(where, [run], notes=(), why_not="")["runs"][0]
    assert said["unknown"] == len(said["unknownAt"]) == len(run.unknown)
    text = as_svg([run])
    ElementTree.fromstring(text)  # noqa: S314 - our own
    assert 'fill="url(#unknown)"' in text
    assert f"{len(run.unknown):,} unknown" in text


SHARES = (0.1, 0.5)


def on_alias(one: Scenario, starter: Starter, *, pause: float = 20.0) -> Run:
    """The scenario's function behind an alias, moved by shares."""
    traffic = Traffic(rate=20, invocations=2000)
    where = replace(world(one, starter, traffic=traffic), alias=one.alias)
    return where.run(PLAN, alias_change(one.alias_plan(shares=SHARES), pause=pause))


def _settings(one: State) -> tuple[object, ...]:
    """A state without its packages' contents, which are read more than once."""
    layers = tuple(layer.path for layer in one.layers)
    return (one.package.path, one.arch, one.runtime, one.handler, layers)


@pytest.mark.parametrize("name", NAMES)
def test_traffic_on_an_alias_comes_to_the_new_version_by_shares_and_none_fails(
    built: Path, tmp_path: Path, name: str, verdicts: Verdicts
) -> None:
    one = scenario(name, built, tmp_path)
    run = on_alias(one, VerdictStarter(verdicts=verdicts))
    assert run.lost_nothing
    served = [(sample.time, _settings(sample.state)) for sample in run.samples]
    old, new = _settings(one.begin), _settings(one.wanted)
    assert {settings for _, settings in served} == {old, new}, "never a mix"
    assert [brief(update.step) for update in run.updates][-4:] == [
        "publish",
        *(f"alias ({share:.0%} new)" for share in (*SHARES, 1)),
    ]
    begun = [update.begun for update in run.updates][-3:]
    for share, (low, high) in zip(SHARES, pairwise(begun), strict=True):
        between = [settings for time, settings in served if low < time < high]
        assert between.count(new) / len(between) == pytest.approx(share, abs=0.07)


def test_real_sandboxes_behind_an_alias_lose_nothing(
    built: Path, tmp_path: Path, emulator: Path, verdicts: Verdicts
) -> None:
    require_runs(Arch.X86_64)
    one = scenario("handler-renamed", built, tmp_path)
    with (
        shared_host(emulator) as host,
        RealStarter(lambda _: host, roots={}, verdicts=verdicts) as starter,
    ):
        run = on_alias(one, starter)
    assert run.lost_nothing
    assert run.starts < 60


def test_a_version_that_fails_is_never_met_by_the_aliass_traffic(
    built: Path, tmp_path: Path, verdicts: Verdicts
) -> None:
    one = scenario("handler-renamed", built, tmp_path)
    broken = replace(one.wanted, handler="nowhere")
    plan = replace(one, wanted=broken).alias_plan(shares=())
    where = replace(world(one, VerdictStarter(verdicts=verdicts)), alias=one.alias)
    run = where.run(PLAN, alias_change(plan, pause=1))
    assert run.problem == "version 2 fails, Runtime.HandlerNotFound"
    assert not run.failures
    assert not run.lost_nothing, "the change didn't come to its end"


class Ending:
    """A session whose emulator ends at the first events, so many, and answers all others."""

    def __init__(self, ends: list[bool]) -> None:
        self.ends = ends

    def invoke(self, event: bytes) -> Answer:
        if self.ends.pop(0):
            raise MachineError("the emulator gave no answer")
        return Answer(
            payload=event, error_type=None, error_message="", seconds=0, init_milliseconds=None
        )


def ending_sandbox(ends: list[bool]) -> RealSandbox:
    session = Ending(ends)
    return RealSandbox(
        begin=lambda: session,  # type: ignore[arg-type, return-value] # as much of one as is asked
        event=b"{}",
        closing=ExitStack(),
        unseen=None,
        session=session,  # type: ignore[arg-type] # the same
    )


def test_an_emulator_that_ends_at_its_start_is_started_anew_but_never_one_that_answered() -> None:
    assert ending_sandbox([True, True, False]).invoke() == Outcome(error_type=None)
    with pytest.raises(MachineError):
        ending_sandbox([True] * 3).invoke()
    warm = ending_sandbox([False, True, False])
    warm.invoke()
    with pytest.raises(MachineError):
        warm.invoke()


class Recorder:
    """A starter whose sandboxes all answer, and that keeps what was started and closed."""

    def __init__(self) -> None:
        self.started: list[State] = []
        self.open = 0

    def start(self, state: State) -> Recorder:
        self.started.append(state)
        self.open += 1
        return self

    def invoke(self) -> Outcome:
        assert self.open, "nobody invokes what has been closed"
        return Outcome(error_type=None)

    def close(self) -> None:
        self.open -= 1


def small_world(
    tmp_path: Path, *, starter: Starter, traffic: Traffic = TRAFFIC, seed: int = 1
) -> tuple[World, Plan]:
    small = worlds.World(folder=tmp_path)
    step = UpdateCode(package=small.packages[Arch.ARM64], arch=Arch.ARM64)
    world = World(begin=small.state, starter=starter, traffic=traffic, seed=seed)
    return world, Plan(begin=small.state, steps=(step,))


def run_small(where: World, plan: Plan) -> Run:
    return where.run(PLAN, lambda executor: executor.apply(plan))


def test_the_same_seed_gives_the_same_and_another_seed_another(tmp_path: Path) -> None:
    times = []
    for seed in (1, 1, 2):
        run = run_small(*small_world(tmp_path, starter=Recorder(), seed=seed))
        times.append([sample.time for sample in run.samples])
    assert times[0] == times[1] != times[2]


def test_invocations_come_at_the_rate_that_was_asked_for(tmp_path: Path) -> None:
    for regular in (True, False):
        traffic = Traffic(rate=40, invocations=2000, is_regular=regular)
        run = run_small(*small_world(tmp_path, starter=Recorder(), traffic=traffic))
        assert len(run.samples) == 2000
        assert run.samples[-1].time == pytest.approx(50, rel=0.001 if regular else 0.1)


def test_sandboxes_are_as_many_as_run_at_once_and_each_is_closed_once(tmp_path: Path) -> None:
    starter = Recorder()
    traffic = Traffic(rate=40, invocations=2000, duration=0.1)
    run = run_small(*small_world(tmp_path, starter=starter, traffic=traffic))
    assert starter.open == 0
    assert len(starter.started) == run.starts
    assert 4 < run.starts < 60, "four at once on average, twice"


def test_old_sandboxes_serve_for_some_seconds_and_no_longer(tmp_path: Path) -> None:
    where, plan = small_world(tmp_path, starter=Recorder())
    run = run_small(where, plan)
    held = run.updates[0].held
    assert held
    served = [one.time for one in run.samples if one.state.arch is Arch.X86_64]
    timing = Timing()
    assert held + 1 < max(served) < held + timing.spread + timing.linger + 1
    starts = [one for one in run.samples if one.is_start and one.time > LEAD_SECONDS]
    new = [one.time for one in starts if one.state.arch is Arch.ARM64]
    assert held <= min(new) <= held + timing.spread + timing.linger


def test_traffic_that_ends_before_the_change_shows_nothing(tmp_path: Path) -> None:
    short = Traffic(rate=10, invocations=120)
    run = run_small(*small_world(tmp_path, starter=Recorder(), traffic=short))
    assert not run.is_covered
    assert not run.lost_nothing


def test_every_sandbox_is_closed_when_a_run_is_interrupted(tmp_path: Path) -> None:
    starter = Recorder()
    where, plan = small_world(tmp_path, starter=starter)

    def interrupt(done: int) -> None:
        if done == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        where.run(PLAN, lambda executor: executor.apply(plan), progress=interrupt)
    assert starter.started
    assert starter.open == 0


def test_layers_whose_arn_nobody_told_have_one_all_the_same(
    built: Path, tmp_path: Path, verdicts: Verdicts
) -> None:
    one = replace(scenario("x86-to-arm64-with-extension", built, tmp_path), layers={})
    short = Traffic(rate=10, invocations=700)
    runs = simulated(one, world(one, VerdictStarter(verdicts=verdicts), traffic=short))
    assert runs[CODE].errors.keys() == {"Extension.LaunchError"}
    assert runs[PLAN].lost_nothing


def test_a_drawing_says_in_words_and_shapes_what_failed(
    built: Path, tmp_path: Path, verdicts: Verdicts
) -> None:
    one = scenario("handler-renamed", built, tmp_path)
    runs = list(simulated(one, world(one, VerdictStarter(verdicts=verdicts))).values())
    text = as_svg(runs)
    drawing = ElementTree.fromstring(text)  # noqa: S314 - our own
    words = [element.text for element in drawing.iter() if element.text]
    assert "the plan" in words
    assert "0 of 1,400" in words
    assert f"{len(runs[0].failures)} of 1,400" in words
    assert "configuration (handler)" in words
    assert 'fill="url(#failed)"' in text
    assert as_html(runs).count(text) == 1
