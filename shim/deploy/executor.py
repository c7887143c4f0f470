"""Carries a plan out, call by call, each sent when the last has taken hold.

It asks where the function is before every call, and sends what leads on from there. So a call whose
answer was lost, a second run, and a run after one that was killed are all the same thing.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, assert_never

from shim.arch import Arch
from shim.aws.api import (
    Configuration,
    Function,
    LambdaError,
    NotNow,
    UpdateStatus,
    Zip,
)
from shim.errors import InputError
from shim.package.packages import code_sha256
from shim.plan.step import UpdateCode, UpdateConfiguration
from shim.plan.wording import call_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shim.aws.api import LambdaApi
    from shim.check.state import State
    from shim.package.read import Package
    from shim.plan.plan import Plan
    from shim.plan.step import Step

POLL_SECONDS, UPDATE_SECONDS = 1.0, 300.0
"""How often is asked whether an update has taken hold, and how long (botocore's waiter
`function_updated_v2`)."""

FIRST_PAUSE, LONGEST_PAUSE, TRIES = 0.5, 20.0, 12
"""Seconds between the tries of a call that wasn't taken, doubled each time; two minutes in all."""

_Answer = TypeVar("_Answer")


class Clock(Protocol):
    """Time, as far as waiting asks for it."""

    def sleep(self, seconds: float) -> None:
        """Return so much later."""


class Stopped(LambdaError):
    """The function isn't where the plan has it, or can't be brought on."""


class Executor:
    """Brings one function along plans; `tell` gets a sentence on each call and each wait.

    `layers` holds the ARNs of layers by their packages' paths; what isn't there is published.
    """

    def __init__(
        self,
        api: LambdaApi,
        function: str,
        *,
        clock: Clock,
        layers: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._api = api
        self._function = function
        self._clock = clock
        self._arns = dict(layers or {})
        self._tell = tell
        self._zips: dict[str, Zip] = {}

    def apply(self, plan: Plan) -> int:
        """Carry out what is left of `plan`; returns how many calls that took.

        Raises `LambdaError` where the function is in none of the plan's states, where an update
        fails or takes too long, and where the API refuses a call.
        """
        wanted = [self._function_in(state) for state in plan.states]
        now = self._settled("the function's last update")
        at = first = self._index(now, wanted)
        pauses = new_pauses()
        while at < len(plan.steps):
            step = plan.steps[at]
            self._tell(f"call {at + 1} of {len(plan.steps)}: {call_in_words(step)}")
            try:
                self._send(step, revision=now.revision)
            except NotNow as error:
                # It may have been carried out all the same: where the function is now says it.
                self._pause(pauses, error)
            now = self._settled(call_in_words(step))
            then = self._index(now, wanted)
            if then not in {at, at + 1}:
                raise _changed(now)
            if then > at:
                at, pauses = then, new_pauses()
        return at - first

    def rush(self, steps: Iterable[Step]) -> None:
        """Send call after call and wait for nothing but conflicts: what plans are held against."""
        for step in steps:
            self._tell(call_in_words(step))
            self._patiently(partial(self._send_now, step))

    def _send_now(self, step: Step) -> None:
        self._send(step, revision=self._api.get_function(self._function).revision)

    def _send(self, step: Step, *, revision: str) -> None:
        match step:
            case UpdateCode():
                package = self._zip(step.package)
                self._api.update_code(self._function, package, arch=step.arch, revision=revision)
            case UpdateConfiguration():
                change = Configuration(
                    runtime=step.runtime.name if step.runtime else None,
                    handler=step.handler,
                    layers=None if step.layers is None else self._layer_arns(step.layers),
                    environment=step.environment,
                )
                self._api.update_configuration(self._function, change, revision=revision)
            case _:
                assert_never(step)

    def _settled(self, what: str) -> Function:
        """The function, when no update is in progress any more; `what` is waited for."""
        left = UPDATE_SECONDS
        while True:
            now = self._patiently(lambda: self._api.get_function(self._function))
            if now.update is UpdateStatus.FAILED:
                raise Stopped(
                    f"an update of the function failed, {now.reason_code}: {now.reason}",
                    hint="what it runs is not what it shows: find the cause, then start again",
                )
            if now.update is UpdateStatus.SUCCESSFUL and now.is_active:
                return now
            if left <= 0:
                raise Stopped(f"it has not taken hold in {UPDATE_SECONDS:.0f} seconds: {what}")
            self._tell(f"waiting until it has taken hold: {what}")
            self._clock.sleep(POLL_SECONDS)
            left -= POLL_SECONDS

    def _index(self, now: Function, wanted: list[Function]) -> int:
        """Which of the plan's states the function is in."""
        for index, one in reversed(list(enumerate(wanted))):
            if now.settings == one.settings:
                return index
        raise _changed(now)

    def _function_in(self, state: State) -> Function:
        """What the API says of a function in `state`, as far as a plan changes it."""
        return Function(
            version="",
            code_sha256=self._zip(state.package).sha256,
            arch=state.arch,
            runtime=state.runtime.name,
            handler=state.handler,
            layers=self._layer_arns(state.layers) + state.absent_layers,
            environment=state.environment,
            revision="",
        )

    def _layer_arns(self, layers: tuple[Package, ...]) -> tuple[str, ...]:
        for layer in layers:
            if layer.path not in self._arns:
                self._tell(f"publishing a layer: {layer.path}")
                self._arns[layer.path] = self._publish(layer)
        return tuple(self._arns[layer.path] for layer in layers)

    def _publish(self, layer: Package) -> str:
        name, zipped = Path(layer.path).stem, self._zip(layer)
        return self._patiently(
            lambda: self._api.publish_layer(name, zipped, architectures=tuple(Arch))
        )

    def _zip(self, package: Package) -> Zip:
        if package.path not in self._zips:
            self._zips[package.path] = read_zip(package)
        return self._zips[package.path]

    def _patiently(self, call: Callable[[], _Answer]) -> _Answer:
        """What `call` answers, tried again where it may be; for calls that do no harm twice."""
        pauses = new_pauses()
        while True:
            try:
                return call()
            except NotNow as error:
                self._pause(pauses, error)

    def _pause(self, pauses: list[float], error: LambdaError) -> None:
        if not pauses:
            raise Stopped(f"given up after {TRIES} tries: {error.message}") from error
        self._tell(f"trying again in {pauses[0]:g} seconds: {error.message}")
        self._clock.sleep(pauses.pop(0))


def read_zip(package: Package) -> Zip:
    """The zip of a package, with its hash; `InputError` where there is none, or not any more."""
    sha256 = code_sha256(package)
    if sha256 is None:
        raise InputError(
            f"only a zip can be uploaded, this is a folder: `{package.path}`",
            hint="make a zip of it: `shim pack` does",
        )
    return Zip(path=Path(package.path), sha256=sha256)


def _changed(now: Function) -> Stopped:
    shown = f"{now.runtime}, {now.arch}, handler {now.handler}, code {now.code_sha256}"
    return Stopped(
        f"the function is in none of the plan's states, somebody else changed it: {shown}",
        hint="make a new plan from what it is now",
    )


def new_pauses() -> list[float]:
    """Seconds to wait before each further try."""
    return [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(TRIES)]
