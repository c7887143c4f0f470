"""Lambda's control plane in memory, for one function, on a virtual clock.

What it does is what is known of the real one. Sources: [states] AWS Compute Blog, "Expansion of AWS
Lambda states to all functions"; [api] the Lambda API reference; [docs/why/lambda.md] this project's
own collection.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shim.aws.api import (
    LATEST,
    TIMEOUT,
    Alias,
    Configuration,
    Conflict,
    Function,
    Invoked,
    LambdaError,
    NotFound,
    Refused,
    RevisionMismatch,
    Throttled,
    UpdateStatus,
    Zip,
)
from shim.aws.pace import OTHERS
from shim.check.runtimes import read_runtimes
from shim.package.read import read_package
from shim.plan.alias import MoveAlias, PublishVersion
from shim.plan.refusals import refusal
from shim.plan.step import UpdateCode, UpdateConfiguration, after
from shim.simulate.aliases import Aliases
from shim.simulate.budget import Budget
from shim.simulate.layers import Layers
from shim.simulate.machines import Machines
from shim.simulate.provisioning import Provisioning
from shim.simulate.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import date
    from random import Random

    from shim.arch import Arch
    from shim.aws.api import Provisioned
    from shim.check.runtimes import Runtime
    from shim.check.state import State
    from shim.package.read import Package
    from shim.plan.alias import AliasStep
    from shim.plan.step import Step
    from shim.simulate.timeline import Timeline


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What is to go wrong with the next call of that name."""

    call: str
    error: LambdaError
    is_carried_out: bool = False
    """The call takes effect, and only its answer is lost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """One change of the function or of an alias; times in seconds, `held` is when it was there."""

    step: AliasStep
    begun: float
    held: float | None = None


def invoke_nothing(version: str, event: bytes) -> Invoked:
    """An answer, without a function behind it."""
    del version, event
    return Invoked(error_type=None, payload=b"null")


class ControlPlane:
    """A `LambdaApi` on which time passes only in the calls and sleeps of whoever uses it."""

    def __init__(
        self,
        clock: Timeline,
        random: Random,
        *,
        name: str = "function",
        timing: Timing | None = None,
        day: date | None = None,
        budget: Budget | None = None,
    ) -> None:
        """`budget` is the account's, where it has other functions."""
        self.clock = clock
        self.name = name
        self.timing = timing or Timing()
        self.faults: list[Fault] = []
        """The first that is for a call is used up by it."""
        self.failing_update: str | None = None
        """The reason code with which the next update ends, as `LastUpdateStatus` `Failed`."""
        self.failing_version = ""
        """Why the next version that is published never becomes active."""
        self.invoker: Callable[[str, bytes], Invoked] = invoke_nothing
        """Who runs an invocation of a version; the control plane has no machines."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when an update has taken hold: the moment from which old sandboxes linger."""
        self.updates: list[Update] = []
        self.machines = Machines(clock, random, spread=self.timing.spread)
        self.aliases = Aliases(
            random, new_revision=self._new_revision, check_version=self._function
        )
        self.provisioning = Provisioning(
            clock, self.aliases, seconds=lambda: self._draw(self.timing.provision)
        )
        self._random = random
        self._day = day
        self._budget = budget or Budget(clock)
        self._functions: dict[str, Function] = {}
        self._packages: dict[str, Package] = {}
        self._layers = Layers()
        self._revisions = 0

    def create(self, state: State, package: Zip, *, layers: Sequence[str] = ()) -> Function:
        """The function, active; its layers are those that `add_layer` gave these ARNs."""
        self.add_package(package, state.package)
        self.machines.run(LATEST, state)
        self._shown = state
        self._functions[LATEST] = Function(
            version=LATEST,
            code_sha256=package.sha256,
            arch=state.arch,
            runtime=state.runtime.name,
            handler=state.handler,
            layers=tuple(layers),
            environment=state.environment,
            revision=self._new_revision(),
        )
        return self._functions[LATEST]

    def add_package(self, package: Zip, contents: Package) -> None:
        """A package that need not be read again when it is uploaded."""
        self._packages[package.sha256] = contents

    def add_layer(self, arn: str, layer: Zip, package: Package) -> None:
        """A layer's version that was published before."""
        self._layers.add(arn, layer, package)

    def equip(self, *, role: str = "", dead_letters: str = "") -> None:
        """Give `$LATEST` what no plan changes."""
        latest = replace(self._functions[LATEST], role=role, dead_letters=dead_letters)
        self._functions[LATEST] = latest

    @property
    def versions(self) -> tuple[Function, ...]:
        """`$LATEST`, and then those that were published, in their order."""
        return tuple(self._functions.values())

    def get_function(self, function: str, qualifier: str = LATEST) -> Function:
        """See `LambdaApi`; an update shows at once, before it has taken hold [states]."""
        self._pass_call("get_function", function, operation="GetFunction")
        return self._function(self.aliases.version(qualifier))

    def update_code(self, function: str, package: Zip, *, arch: Arch, revision: str) -> Function:
        """See `LambdaApi`."""
        self._pass_call("update_code", function)
        changed = replace(self._function(LATEST), code_sha256=package.sha256, arch=arch)
        step = UpdateCode(package=self._package(package), arch=arch)
        return self._update("update_code", step, changed, revision=revision)

    def try_code(self, function: str, package: Zip, *, arch: Arch, revision: str) -> None:
        """See `LambdaApi`."""
        self._pass_call("try_code", function)
        self._check_change(self._function(LATEST), revision)
        self._check_call(UpdateCode(package=self._package(package), arch=arch))

    def update_configuration(
        self, function: str, change: Configuration, *, revision: str
    ) -> Function:
        """See `LambdaApi`."""
        self._pass_call("update_configuration", function)
        now = self._function(LATEST)
        changed = replace(
            now,
            runtime=now.runtime if change.runtime is None else change.runtime,
            handler=now.handler if change.handler is None else change.handler,
            layers=now.layers if change.layers is None else change.layers,
            environment=now.environment if change.environment is None else change.environment,
        )
        step = UpdateConfiguration(
            runtime=None if change.runtime is None else _runtime(change.runtime),
            handler=change.handler,
            layers=None
            if change.layers is None
            else tuple(map(self._layers.package, change.layers)),
            environment=change.environment,
        )
        return self._update("update_configuration", step, changed, revision=revision)

    def find_layer(self, name: str, layer: Zip) -> str | None:
        """See `LambdaApi`."""
        self._pass_call("find_layer", self.name)
        return self._layers.find(name, layer)

    def publish_layer(self, name: str, layer: Zip, *, architectures: Collection[Arch]) -> str:
        """See `LambdaApi`."""
        del architectures  # Lambda shows them to people, and checks nothing by them [api]
        self._pass_call("publish_layer", self.name)
        arn = self._layers.publish(name, layer, read_package(layer.path))
        self._answer("publish_layer")
        return arn

    def publish_version(self, function: str, *, code_sha256: str, revision: str) -> Function:
        """See `LambdaApi`; nothing is published when nothing changed since the last [api]."""
        self._pass_call("publish_version", function)
        latest = self._function(LATEST)
        self._check_change(latest, revision)
        if latest.code_sha256 != code_sha256:
            raise Refused(f"CodeSHA256 is different from that of $LATEST: {latest.code_sha256}")
        last = str(len(self._functions) - 1)
        if last in self._functions and self._functions[last].settings == latest.settings:
            return self._functions[last]
        version = str(len(self._functions))
        published = replace(latest, version=version, is_active=False, revision=self._new_revision())
        self._functions[version] = published
        self.machines.run(version, self._shown)
        held = self._begin(PublishVersion(code_sha256=code_sha256))
        self.clock.after(self._draw(self.timing.publish), lambda: self._activate(version, held))
        self._answer("publish_version")
        return published

    def invoke(
        self, function: str, event: bytes, *, qualifier: str = LATEST, timeout: float = TIMEOUT
    ) -> Invoked:
        """See `LambdaApi`; a version that is still `Pending` can't be invoked [states]."""
        del timeout
        self._pass_call("invoke", function, operation="Invoke")
        version = self.aliases.route(qualifier)
        if not self._function(version).is_active:
            raise Conflict(f"the function is in the following state: Pending: {version}")
        return self.invoker(version, event)

    def get_alias(self, function: str, alias: str) -> Alias:
        """See `LambdaApi`."""
        self._pass_call("get_alias", function)
        return self.aliases.get(alias)

    def update_alias(self, function: str, alias: Alias) -> Alias:
        """See `LambdaApi`."""
        self._pass_call("update_alias", function)
        before, moved = self.aliases.get(alias.name), self.aliases.move(alias)
        self.provisioning.follow(before, moved)
        self._begin(_move(before, moved))()
        self._answer("update_alias")
        return self.aliases.get(alias.name)

    def get_provisioned(self, function: str, alias: str) -> Provisioned | None:
        """See `LambdaApi`."""
        self._pass_call("get_provisioned", function)
        return self.provisioning.configs.get(alias)

    def _update(self, call: str, step: Step, changed: Function, *, revision: str) -> Function:
        """Begin an update; it takes hold later, and until then no other is taken [states]."""
        self._check_change(self._function(LATEST), revision)
        self._check_call(step)
        begun = replace(
            changed,
            update=UpdateStatus.IN_PROGRESS,
            reason_code="",
            reason="",
            revision=self._new_revision(),
        )
        self._functions[LATEST] = begun
        held = self._begin(step)
        self._shown = after(self._shown, step)
        self.clock.after(self._draw(self.timing.update), lambda: self._take_hold(held))
        self._answer(call)
        return begun

    def _begin(self, step: AliasStep) -> Callable[[], None]:
        """Note that a change has begun; call what this returns when it is there."""
        index = len(self.updates)
        self.updates.append(Update(step=step, begun=self.clock.now))

        def hold() -> None:
            self.updates[index] = replace(self.updates[index], held=self.clock.now)

        return hold

    def _check_call(self, step: Step) -> None:
        if reason := refusal(self._shown, step, day=self._day):
            raise Refused(reason)

    def _package(self, package: Zip) -> Package:
        if package.sha256 not in self._packages:
            self.add_package(package, read_package(package.path))
        return self._packages[package.sha256]

    def _take_hold(self, held: Callable[[], None]) -> None:
        """New sandboxes start from what is shown; or from what they did before, where it failed."""
        code, self.failing_update = self.failing_update, None
        self._functions[LATEST] = replace(
            self._functions[LATEST],
            update=UpdateStatus.FAILED if code else UpdateStatus.SUCCESSFUL,
            reason_code=code or "",
            reason=f"the update was made to fail: {code}" if code else "",
            # It has another one then, so that nobody can go on with the answer to the update.
            revision=self._new_revision(),
        )
        if not code:
            held()
            self.machines.run(LATEST, self._shown)
            self.on_change()

    def _activate(self, version: str, held: Callable[[], None]) -> None:
        failure, self.failing_version = self.failing_version, ""
        self._functions[version] = replace(
            self._functions[version], is_active=not failure, failure=failure
        )
        if not failure:
            held()

    def _check_change(self, latest: Function, revision: str) -> None:
        if latest.update is UpdateStatus.IN_PROGRESS:
            raise Conflict(f"an update is in progress for resource: {self.name}")
        if revision != latest.revision:
            raise RevisionMismatch("the revision id is not the function's latest")

    def _function(self, version: str) -> Function:
        if version not in self._functions:
            raise NotFound(f"function not found: {self.name}:{version}")
        return self._functions[version]

    def _pass_call(self, call: str, function: str, *, operation: str = OTHERS) -> None:
        """The way to the control plane: time, throttling, faults."""
        self.clock.sleep(self._draw(self.timing.call))
        if not self._budget.take(operation):
            raise Throttled("rate exceeded", retry_after=1)
        if function != self.name:
            raise NotFound(f"function not found: {function}")
        self._fail(call, is_carried_out=False)

    def _answer(self, call: str) -> None:
        """The way back, on which an answer can be lost."""
        self._fail(call, is_carried_out=True)

    def _fail(self, call: str, *, is_carried_out: bool) -> None:
        fault = next((one for one in self.faults if one.call == call), None)
        if fault and fault.is_carried_out is is_carried_out:
            self.faults.remove(fault)
            raise fault.error

    def _draw(self, bounds: tuple[float, float]) -> float:
        return self._random.uniform(*bounds)

    def _new_revision(self) -> str:
        self._revisions += 1
        return f"revision-{self._revisions}"


def _move(before: Alias, moved: Alias) -> MoveAlias:
    """What a call did to an alias: as plans have it."""
    if moved.other_version is not None:
        return MoveAlias(alias=moved.name, old_version=moved.version, share=moved.other_weight)
    share = 0.0 if before.version == moved.version else 1.0
    return MoveAlias(alias=moved.name, old_version=before.version, share=share)


def _runtime(name: str) -> Runtime:
    runtimes = read_runtimes()
    if name not in runtimes:
        raise Refused(f"value not in the set of runtimes: {name}")
    return runtimes[name]
