"""Lambda's control plane in memory, for one function, on a virtual clock.

What it does is what is known of the real one. Sources: [states] AWS Compute Blog, "Expansion of AWS
Lambda states to all functions"; [api] the Lambda API reference; [quotas] Lambda quotas; [faq] AWS
Lambda FAQs; [110] AWS's answer quoted in DataDog/datadog-cdk-constructs #110; [5927] CloudTrail
times in DataBiosphere/azul #5927; [docs/lambda.md] this project's own collection.
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
from shim.check.runtimes import read_runtimes
from shim.package.read import read_package
from shim.plan.refusals import refusal
from shim.plan.step import UpdateCode, UpdateConfiguration, after

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import date
    from random import Random

    from shim.arch import Arch
    from shim.check.runtimes import Runtime
    from shim.check.state import State
    from shim.package.read import Package
    from shim.plan.step import Step
    from shim.simulate.timeline import Timeline

CALLS_PER_SECOND = 15
"""Of all calls but invocations and `GetFunction` together, in one account [quotas]."""

_LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:{name}:{number}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """Seconds; a pair is drawn from evenly.

    With these, two updates that wait for each other lie some 10 s apart, as told in [110], and as
    the two calls' times in [5927] have it (7 to 15 s).
    """

    call: tuple[float, float] = (0.2, 0.6)
    """Until a call is answered."""
    update: tuple[float, float] = (6.0, 12.0)
    """`InProgress`: until an update has taken hold."""
    publish: tuple[float, float] = (1.0, 3.0)
    """`Pending`: until a published version can be invoked."""
    spread: float = 3.0
    """So long a new sandbox may still be started from what was before: "cached" [110]."""
    linger: float = 10.0
    """So long a sandbox may still serve that was started from what was before [faq]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What is to go wrong with the next call of that name."""

    call: str
    error: LambdaError
    is_carried_out: bool = False
    """The call takes effect, and only its answer is lost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """One update of the function; times in seconds, `held` is when it had taken hold."""

    step: Step
    begun: float
    held: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Since:
    """What new sandboxes start from since a time."""

    time: float
    state: State


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
    ) -> None:
        self.clock = clock
        self.name = name
        self.timing = timing or Timing()
        self.faults: list[Fault] = []
        """Used up from the front, call by call."""
        self.failing_update: str | None = None
        """The reason code with which the next update ends, as `LastUpdateStatus` `Failed`."""
        self.invoker: Callable[[str, bytes], Invoked] = invoke_nothing
        """Who runs an invocation of a version; the control plane has no machines."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when an update has taken hold: the moment from which old sandboxes linger."""
        self.updates: list[Update] = []
        self._random = random
        self._day = day
        self._functions: dict[str, Function] = {}
        self._history: dict[str, list[_Since]] = {}
        self._aliases: dict[str, Alias] = {}
        self._packages: dict[str, Package] = {}
        self._layers: dict[str, tuple[Zip, Package]] = {}
        self._calls: list[float] = []
        self._revisions = 0

    def create(self, state: State, package: Zip, *, layers: Sequence[str] = ()) -> Function:
        """The function, active; its layers are those that `add_layer` gave these ARNs."""
        self.add_package(package, state.package)
        self._history[LATEST] = [_Since(time=self.clock.now, state=state)]
        self._functions[LATEST] = Function(
            version=LATEST,
            code_sha256=package.sha256,
            arch=state.arch,
            runtime=state.runtime.name,
            handler=state.handler,
            layers=tuple(layers),
            environment=state.environment,
            revision=self._revision(),
        )
        return self._functions[LATEST]

    def add_package(self, package: Zip, contents: Package) -> None:
        """A package that need not be read again when it is uploaded."""
        self._packages[package.sha256] = contents

    def add_layer(self, arn: str, layer: Zip, package: Package) -> None:
        """A layer's version that was published before."""
        self._layers[arn] = layer, package

    def add_alias(self, alias: Alias) -> None:
        """An alias that was made before."""
        self._check_versions(alias)
        self._aliases[alias.name] = replace(alias, revision=self._revision())

    @property
    def versions(self) -> tuple[Function, ...]:
        """`$LATEST`, and then those that were published, in their order."""
        return tuple(self._functions.values())

    @property
    def aliases(self) -> tuple[Alias, ...]:
        """All of them, in the order in which they were made."""
        return tuple(self._aliases.values())

    def route(self, qualifier: str) -> str:
        """The version that an invocation goes to: an alias draws by weight [docs/lambda.md]."""
        if qualifier not in self._aliases:
            return qualifier
        alias = self._aliases[qualifier]
        if alias.other_version and self._random.random() < alias.other_weight:
            return alias.other_version
        return alias.version

    def newest_state(self, version: str) -> State:
        """What the version is, once every machine has heard of it."""
        return self._history[version][-1].state

    def state_for_new_sandbox(self, version: str) -> State:
        """What a sandbox that starts now starts from: one update after the other, never a mix.

        "Each update is processed serially and cached" [110]: for some seconds, `Timing.spread`,
        some of the machines have not heard of the newest.
        """
        heard = self.clock.now - self._random.uniform(0, self.timing.spread)
        history = self._history[version]
        return next(
            (since.state for since in reversed(history) if since.time <= heard), history[0].state
        )

    def get_function(self, function: str, qualifier: str = LATEST) -> Function:
        """See `LambdaApi`; an update shows at once, before it has taken hold [states]."""
        self._pass_call("get_function", function, is_limited=False)
        version = self._aliases[qualifier].version if qualifier in self._aliases else qualifier
        return self._function(version)

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
            layers=None if change.layers is None else tuple(map(self._layer, change.layers)),
            environment=change.environment,
        )
        return self._update("update_configuration", step, changed, revision=revision)

    def find_layer(self, name: str, layer: Zip) -> str | None:
        """See `LambdaApi`."""
        self._pass_call("find_layer", self.name)
        for arn, (known, _) in reversed(self._layers.items()):
            if f":layer:{name}:" in arn and known.sha256 == layer.sha256:
                return arn
        return None

    def publish_layer(self, name: str, layer: Zip, *, architectures: Collection[Arch]) -> str:
        """See `LambdaApi`."""
        del architectures  # Lambda shows them to people, and checks nothing by them [api]
        self._pass_call("publish_layer", self.name)
        arn = _LAYER.format(name=name, number=1 + sum(f":{name}:" in arn for arn in self._layers))
        self._layers[arn] = layer, read_package(layer.path)
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
        published = replace(latest, version=version, is_active=False, revision=self._revision())
        self._functions[version] = published
        self._history[version] = [_Since(time=0.0, state=self.newest_state(LATEST))]
        self.clock.after(self._draw(self.timing.publish), lambda: self._activate(version))
        self._answer("publish_version")
        return published

    def invoke(
        self, function: str, event: bytes, *, qualifier: str = LATEST, timeout: float = TIMEOUT
    ) -> Invoked:
        """See `LambdaApi`; a version that is still `Pending` can't be invoked [states]."""
        del timeout
        self._pass_call("invoke", function, is_limited=False)
        version = self.route(qualifier)
        if not self._function(version).is_active:
            raise Conflict(f"the function is in the following state: Pending: {version}")
        return self.invoker(version, event)

    def get_alias(self, function: str, alias: str) -> Alias:
        """See `LambdaApi`."""
        self._pass_call("get_alias", function)
        if alias not in self._aliases:
            raise NotFound(f"cannot find the alias: {alias}")
        return self._aliases[alias]

    def update_alias(self, function: str, alias: Alias) -> Alias:
        """See `LambdaApi`."""
        self._pass_call("update_alias", function)
        if alias.name not in self._aliases:
            raise NotFound(f"cannot find the alias: {alias.name}")
        if alias.revision != self._aliases[alias.name].revision:
            raise RevisionMismatch("the revision id is not the alias's latest")
        self._check_versions(alias)
        self._aliases[alias.name] = replace(alias, revision=self._revision())
        self._answer("update_alias")
        return self._aliases[alias.name]

    def _update(self, call: str, step: Step, changed: Function, *, revision: str) -> Function:
        """Begin an update; it takes hold later, and until then no other is taken [states]."""
        self._check_change(self._function(LATEST), revision)
        self._check_call(step)
        begun = replace(
            changed,
            update=UpdateStatus.IN_PROGRESS,
            reason_code="",
            reason="",
            revision=self._revision(),
        )
        self._functions[LATEST] = begun
        self.updates.append(Update(step=step, begun=self.clock.now))
        new = after(self.newest_state(LATEST), step)
        self.clock.after(self._draw(self.timing.update), lambda: self._take_hold(new))
        self._answer(call)
        return begun

    def _check_call(self, step: Step) -> None:
        if reason := refusal(self.newest_state(LATEST), step, day=self._day):
            raise Refused(reason)

    def _package(self, package: Zip) -> Package:
        if package.sha256 not in self._packages:
            self.add_package(package, read_package(package.path))
        return self._packages[package.sha256]

    def _take_hold(self, state: State) -> None:
        """New sandboxes start from `state`; or nothing has changed for them, where it failed."""
        code, self.failing_update = self.failing_update, None
        self._functions[LATEST] = replace(
            self._functions[LATEST],
            update=UpdateStatus.FAILED if code else UpdateStatus.SUCCESSFUL,
            reason_code=code or "",
            reason=f"the update was made to fail: {code}" if code else "",
            # It has another one then, so that nobody can go on with the answer to the update.
            revision=self._revision(),
        )
        if not code:
            self.updates[-1] = replace(self.updates[-1], held=self.clock.now)
            self._history[LATEST].append(_Since(time=self.clock.now, state=state))
            self.on_change()

    def _activate(self, version: str) -> None:
        self._functions[version] = replace(self._functions[version], is_active=True)

    def _check_change(self, latest: Function, revision: str) -> None:
        if latest.update is UpdateStatus.IN_PROGRESS:
            raise Conflict(f"an update is in progress for resource: {self.name}")
        if revision != latest.revision:
            raise RevisionMismatch("the revision id is not the function's latest")

    def _check_versions(self, alias: Alias) -> None:
        """An alias with a weight has two published versions, and no more [docs/lambda.md]."""
        for version in filter(None, (alias.version, alias.other_version)):
            self._function(version)
        if alias.other_version is None:
            return
        if LATEST in {alias.version, alias.other_version}:
            raise Refused(
                "$LATEST is not supported for an alias that points to more than 1 version"
            )
        if alias.version == alias.other_version or not 0 <= alias.other_weight <= 1:
            raise Refused(f"a weight from 0 to 1 for a second version: {alias.other_weight}")

    def _function(self, version: str) -> Function:
        if version not in self._functions:
            raise NotFound(f"function not found: {self.name}:{version}")
        return self._functions[version]

    def _layer(self, arn: str) -> Package:
        if arn not in self._layers:
            raise Refused(f"layer version does not exist: {arn}")
        return self._layers[arn][1]

    def _pass_call(self, call: str, function: str, *, is_limited: bool = True) -> None:
        """The way to the control plane: time, throttling, faults."""
        self.clock.sleep(self._draw(self.timing.call))
        if is_limited:
            self._calls = [time for time in self._calls if time > self.clock.now - 1]
            if len(self._calls) >= CALLS_PER_SECOND:
                raise Throttled("rate exceeded")
            self._calls.append(self.clock.now)
        if function != self.name:
            raise NotFound(f"function not found: {function}")
        self._fail(call, is_carried_out=False)

    def _answer(self, call: str) -> None:
        """The way back, on which an answer can be lost."""
        self._fail(call, is_carried_out=True)

    def _fail(self, call: str, *, is_carried_out: bool) -> None:
        if self.faults and (self.faults[0].call, self.faults[0].is_carried_out) == (
            call,
            is_carried_out,
        ):
            raise self.faults.pop(0).error

    def _draw(self, bounds: tuple[float, float]) -> float:
        return self._random.uniform(*bounds)

    def _revision(self) -> str:
        self._revisions += 1
        return f"revision-{self._revisions}"


def _runtime(name: str) -> Runtime:
    runtimes = read_runtimes()
    if name not in runtimes:
        raise Refused(f"value not in the set of runtimes: {name}")
    return runtimes[name]
