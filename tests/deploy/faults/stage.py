"""A function in a served account, brought along a plan while things go wrong."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from shim.aws.api import Alias, Configuration, UpdateStatus
from shim.aws.boto import BotoApi
from shim.aws.connection import Connection
from shim.deploy.beforehand import Terms
from shim.deploy.deployment import Means, deploy, roll_back
from shim.deploy.folder import DeploymentFolder, make_folder
from shim.deploy.transition import Transition
from shim.errors import ShimError
from shim.package.packages import code_sha256
from shim.plan.alias import AliasPlan
from shim.plan.document import as_document
from shim.plan.refusals import refused
from shim.plan.target import Target
from tests.aws.wire.server import Cloud
from tests.plan.worlds import LIVE
from tests.simulate.scenarios import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from shim.aws.api import Function, LambdaApi
    from shim.check.state import State
    from shim.deploy.patience import Clock
    from shim.simulate.control import ControlPlane
    from tests.aws.wire.access import Principal
    from tests.aws.wire.account import Account
    from tests.aws.wire.model import Answer, Call
    from tests.deploy.faults.scenarios import Scenario

NAME = "orders"
REQUEST_SECONDS = 0.4
"""Of the cloud's time, which nothing else moves: so the same requests come in the same order."""


@dataclass(kw_only=True)
class Plotted(Cloud):
    """A cloud in which each request goes as somebody plots it."""

    speed: float = 0.0
    plot: Callable[[int, Call, Callable[[], Answer | None]], Answer | None] | None = None
    """What becomes of a request: its number from 1, the call, and what carries it out."""
    requests: list[Call] = field(default_factory=list)

    def _carry_out(self, call: Call, account: Account, who: Principal | None) -> Answer | None:
        def carry_out() -> Answer | None:
            return super(Plotted, self)._carry_out(call, account, who)

        self.requests.append(call)
        self.sleep(REQUEST_SECONDS)
        if self.plot is None:
            return carry_out()
        return self.plot(len(self.requests), call, carry_out)


class CountingClock:
    """One that moves where somebody sleeps on it."""

    now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def connect() -> BotoApi:
    """To the account of the environment."""
    return BotoApi(Connection(region="eu-west-1").client())


def run(folder: Path, api: LambdaApi, *, clock: Clock, is_back: bool = False) -> None:
    """What `shim deploy` and `shim rollback` do with a folder."""
    means = Means(
        connect=lambda _: api,
        transition=lambda _: Transition(pause=60.0),
        clock=clock,
        random=Random(),
        now=lambda: datetime.now(UTC),
    )
    carry_out = roll_back if is_back else deploy
    carry_out(DeploymentFolder(folder), means, terms=Terms(day=DAY, allow_unknown=True))


class Stage:
    """One function for one scenario; every state that it enters is kept."""

    def __init__(self, cloud: Plotted, scenario: Scenario, number: int) -> None:
        """Each `number` is an account of its own."""
        self.cloud, self.scenario = cloud, scenario
        self.number = f"{number:012}"
        account, begin = cloud.account(self.number), scenario.latest.begin
        arns = {
            layer: account.add_layer(f"known-{number}", Path(layer.path).read_bytes())
            for number, layer in enumerate(dict.fromkeys((*begin.layers, *scenario.layers)))
        }
        layers = [arns[layer] for layer in begin.layers]
        self.plane: ControlPlane = account.create(NAME, begin, layers=layers).plane
        if self.is_aliased:
            now = self.plane.get_function(NAME)
            self.plane.publish_version(NAME, code_sha256=now.code_sha256, revision=now.revision)
            cloud.sleep(60)
            self.plane.aliases.put(Alias(name=LIVE, version="1"))
        os.environ.update(self.environment)
        self.api = connect()
        self.entered: list[Function] = []
        self.plane.on_change = lambda: self.entered.append(self.plane.get_function(NAME))
        self.folder = cloud.folder.parent / self.number
        target = Target(name=NAME)
        document = as_document(
            scenario.plan, verdicts=scenario.verdicts, day=DAY, arns=arns, target=target
        )
        make_folder(self.folder, document)

    def forget(self) -> None:
        """Let go of all that it holds, which is zips of a real size."""
        shutil.rmtree(self.folder)
        self.cloud.requests.clear()
        self.cloud.forget(self.number)

    @property
    def environment(self) -> dict[str, str]:
        """What leads to its account."""
        return self.cloud.environment(self.number)

    @property
    def is_aliased(self) -> bool:
        """Whether the traffic is on an alias."""
        return isinstance(self.scenario.plan, AliasPlan)

    @property
    def is_barred(self) -> bool:
        """Whether Lambda takes nobody back to where the function was."""
        back = self.scenario.latest.way_back
        return refused(back, after=0, day=DAY) is not None

    def run(self, *, is_back: bool = False, clock: Clock | None = None) -> ShimError | None:
        """Carry the plan out, or back; what ended it before its end."""
        self.cloud.requests.clear()
        try:
            run(self.folder, self.api, clock=clock or CountingClock(), is_back=is_back)
        except ShimError as error:
            return error
        return None

    def interfere(self, handler: str) -> None:
        """Somebody else changes the function."""
        self.cloud.sleep(60)
        now = self.plane.get_function(NAME)
        change = Configuration(handler=handler)
        self.plane.update_configuration(NAME, change, revision=now.revision)

    def problem(self, *, is_back: bool = False, foreign: str = "") -> str:
        """What is wrong with where the function is, or what it went through; empty: nothing."""
        self.cloud.sleep(60)
        now, states = self.plane.get_function(NAME), self.scenario.latest.states
        known = {_of_state(state) for state in states}
        strange = [one for one in self.entered if one.handler != foreign and _of(one) not in known]
        wanted = states[0] if is_back else states[-1]
        if now.update is not UpdateStatus.SUCCESSFUL or _of(now) != _of_state(wanted):
            return f"it ended as {now}"
        if strange:
            return f"it went through {strange[0]}"
        if isinstance(self.scenario.plan, AliasPlan):
            alias = self.plane.aliases.get(LIVE)
            version = self.plane.get_function(NAME, alias.version)
            if alias.other_version or _of(version) != _of_state(wanted):
                return f"the alias ended as {alias}"
        return ""


def _of(function: Function) -> tuple[object, ...]:
    return (
        *(function.code_sha256, function.arch, function.runtime, function.handler),
        *(len(function.layers), function.environment),
    )


def _of_state(state: State) -> tuple[object, ...]:
    return (
        *(code_sha256(state.package), state.arch, state.runtime.name, state.handler),
        *(len(state.layers), state.environment),
    )
