"""A function in a served account, brought along a plan while things go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from shim.aws.api import Alias, Configuration, UpdateStatus
from shim.aws.boto import BotoApi
from shim.aws.connection import Connection
from shim.deploy.alias import AliasExecutor
from shim.deploy.transition import Transition
from shim.errors import ShimError
from shim.package.packages import code_sha256
from shim.plan.alias import AliasPlan
from tests.aws.wire.server import Cloud
from tests.deploy.faults.scenarios import ALIAS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shim.aws.api import Function, LambdaApi
    from shim.check.state import State
    from shim.deploy.patience import Clock
    from shim.plan.plan import Plan
    from shim.simulate.control import ControlPlane
    from tests.aws.wire.access import Principal
    from tests.aws.wire.account import Account
    from tests.aws.wire.model import Answer, Call
    from tests.deploy.faults.scenarios import Scenario

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


def carry_out(
    api: LambdaApi,
    function: str,
    plan: Plan | AliasPlan,
    *,
    arns: Mapping[str, str],
    clock: Clock,
    is_back: bool = False,
) -> None:
    """Carry the plan out from where the function is, or all of it back."""
    executor = AliasExecutor(api, function, clock=clock, random=Random(), layers=arns)
    if isinstance(plan, AliasPlan):
        executor.apply_alias(plan, Transition(pause=60.0))
    else:
        executor.apply(plan.way_back if is_back else plan)


class Stage:
    """One function for one scenario; every state that it enters is kept."""

    def __init__(self, cloud: Plotted, scenario: Scenario, name: str) -> None:
        self.cloud, self.scenario, self.name = cloud, scenario, name
        account = cloud.account()
        begin = scenario.latest.begin
        self.arns = {
            layer.path: account.add_layer(f"known-{number}", Path(layer.path).read_bytes())
            for number, layer in enumerate(dict.fromkeys((*begin.layers, *scenario.layers)))
        }
        self.plane: ControlPlane = account.create(
            name, begin, layers=[self.arns[layer.path] for layer in begin.layers]
        ).plane
        if isinstance(scenario.plan, AliasPlan):
            now = self.plane.get_function(name)
            self.plane.publish_version(name, code_sha256=now.code_sha256, revision=now.revision)
            cloud.sleep(60)
            self.plane.aliases.put(Alias(name=ALIAS, version="1"))
        self.entered: list[Function] = []
        self.plane.on_change = lambda: self.entered.append(self.plane.get_function(name))
        self.api = BotoApi(Connection(region="eu-west-1").client())

    @property
    def is_aliased(self) -> bool:
        """Whether the traffic is on an alias."""
        return isinstance(self.scenario.plan, AliasPlan)

    def run(self, *, is_back: bool = False, clock: Clock | None = None) -> ShimError | None:
        """Carry the plan out; what ended it before its end."""
        self.cloud.requests.clear()
        try:
            carry_out(
                self.api,
                self.name,
                self.scenario.plan,
                arns=self.arns,
                clock=clock or CountingClock(),
                is_back=is_back,
            )
        except ShimError as error:
            return error
        return None

    def interfere(self, handler: str) -> None:
        """Somebody else changes the function."""
        self.cloud.sleep(60)
        now = self.plane.get_function(self.name)
        change = Configuration(handler=handler)
        self.plane.update_configuration(self.name, change, revision=now.revision)

    def problem(self, *, is_back: bool = False, foreign: str = "") -> str:
        """What is wrong with where the function is, or what it went through; empty: nothing."""
        self.cloud.sleep(60)
        now, states = self.plane.get_function(self.name), self.scenario.latest.states
        known = {_of_state(state) for state in states}
        strange = [one for one in self.entered if one.handler != foreign and _of(one) not in known]
        wanted = states[0] if is_back else states[-1]
        if now.update is not UpdateStatus.SUCCESSFUL or _of(now) != _of_state(wanted):
            return f"it ended as {now}"
        if strange:
            return f"it went through {strange[0]}"
        if isinstance(self.scenario.plan, AliasPlan):
            alias = self.plane.aliases.get(ALIAS)
            version = self.plane.get_function(self.name, alias.version)
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
