"""Carries a plan out, call by call, each sent when the last has taken hold.

It asks where the function is before every call, and sends what leads on from there. So a call whose
answer was lost, a second run, and a run after one that was killed are all the same thing.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, assert_never

from shim.arch import Arch
from shim.aws.api import Configuration, Function, NotNow, Zip
from shim.deploy.events import Answered, Sending, Waiting
from shim.deploy.patience import Patience, Stopped
from shim.deploy.position import as_shown, begin, has_passed, is_settled
from shim.errors import InputError, ShimError
from shim.package.names import layer_name
from shim.package.packages import code_sha256
from shim.plan.step import UpdateCode, UpdateConfiguration
from shim.plan.wording import PATHS, call_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from random import Random

    from shim.aws.api import LambdaApi
    from shim.check.state import State
    from shim.deploy.events import Event
    from shim.deploy.patience import Clock
    from shim.package.read import Package
    from shim.plan.plan import Plan
    from shim.plan.step import Step
    from shim.plan.wording import Names

POLL_SECONDS, UPDATE_SECONDS = 1.0, 300.0
"""How often is asked whether an update has taken hold, and how long (botocore's waiter
`function_updated_v2`)."""

_Answer = TypeVar("_Answer")


class Executor:
    """Brings one function along plans; `tell` gets each event (`shim.deploy.events`).

    `layers` holds the ARNs of layers by their packages' paths; what isn't there is published.
    `random` draws the pauses.
    """

    def __init__(
        self,
        api: LambdaApi,
        function: str,
        *,
        clock: Clock,
        random: Random,
        layers: Mapping[str, str] | None = None,
        names: Names = PATHS,
        tell: Callable[[Event], None] = lambda _: None,
    ) -> None:
        self._api = api
        self._function = function
        self._clock = clock
        self._random = random
        self._arns = dict(layers or {})
        self._tell, self._names = tell, names
        self._zips: dict[str, Zip] = {}

    def apply(self, plan: Plan) -> int:
        """Carry out what is left of `plan`; returns how many calls that took.

        Raises `LambdaError` where the function is in none of the plan's states, where an update
        fails or takes too long, and where the API refuses a call.
        """
        wanted = [self._function_in(state) for state in plan.states]
        now = self._settled("the function's last update")
        at = first = begin(now, wanted)
        while at < len(plan.steps):
            now = self._bring_on(plan, at, now=now, wanted=wanted)
            at = begin(now, wanted)
        return at - first

    def rush(self, steps: Iterable[Step]) -> None:
        """Send call after call and wait for nothing but conflicts: what plans are held against."""
        for step in steps:
            self._patiently(call_in_words(step, self._names), partial(self._rush_one, step))

    def _rush_one(self, step: Step) -> None:
        self._send(step, revision=self._api.get_function(self._function).revision)

    def layer_arns(self, layers: tuple[Package, ...]) -> tuple[str, ...]:
        """What these have in the account; those that are in no version yet are published."""
        for layer in layers:
            if layer.path not in self._arns:
                name, zipped = layer_name(layer.path), self._zip(layer)
                self._arns[layer.path] = self._patiently(
                    f"the layer {name}", partial(self._find_or_publish, name, zipped)
                )
        return tuple(self._arns[layer.path] for layer in layers)

    def _bring_on(
        self, plan: Plan, at: int, *, now: Function, wanted: Sequence[Function]
    ) -> Function:
        """The function, when it is past the state `at`.

        Whatever a call was answered, where the function is then says whether it is sent again.
        """
        step, text = plan.steps[at], call_in_words(plan.steps[at], self._names)
        sending = Sending(call=step.CALL, text=text, number=at + 1, total=len(plan.steps))
        patience = self._patience(text)
        while True:
            sent, problem = now, None
            try:
                self._ask(sending, partial(self._send, step, revision=now.revision))
            except NotNow as error:
                problem = error
                patience.pause(error.message, error)
            now = self._settled(text)
            if has_passed(at, wanted, now=now, sent=sent, problem=problem):
                return now
            if problem is None:
                # What was accepted may show a little later.
                patience.pause("it was accepted, and doesn't show")
                now = self._settled(text)
                if has_passed(at, wanted, now=now, sent=sent, problem=problem):
                    return now

    def _send(self, step: Step, *, revision: str) -> Function:
        match step:
            case UpdateCode():
                return self._api.update_code(
                    self._function, self._zip(step.package), arch=step.arch, revision=revision
                )
            case UpdateConfiguration():
                change = Configuration(
                    runtime=step.runtime.name if step.runtime else None,
                    handler=step.handler,
                    layers=None if step.layers is None else self.layer_arns(step.layers),
                    environment=step.environment,
                )
                return self._api.update_configuration(self._function, change, revision=revision)
            case _:
                assert_never(step)

    def _settled(self, what: str) -> Function:
        """The function, when no update is in progress any more; `what` is waited for."""
        read = partial(self._api.get_function, self._function)
        now = self._patiently("GetFunction", read)
        end = self._clock.now + UPDATE_SECONDS
        if is_settled(now):
            return now
        self._tell(Waiting(text=f"it has taken hold: {what}"))
        while self._clock.now < end:
            self._clock.sleep(POLL_SECONDS)
            now = self._patiently("GetFunction", read)
            if is_settled(now):
                return now
        raise Stopped(f"it has not taken hold in {UPDATE_SECONDS:.0f} seconds: {what}")

    def _function_in(self, state: State) -> Function:
        """See `as_shown`; layers are published for it."""
        layers = self.layer_arns(state.layers)
        return as_shown(state, code_sha256=self._zip(state.package).sha256, layers=layers)

    def _find_or_publish(self, name: str, layer: Zip) -> str:
        """The ARN of the layer's version with these bytes."""
        if found := self._api.find_layer(name, layer):
            return found
        sending = Sending(call="PublishLayerVersion", text=f"PublishLayerVersion ({name})")
        publish = partial(self._api.publish_layer, name, layer, architectures=tuple(Arch))
        return self._ask(sending, publish, gave=str)

    def _zip(self, package: Package) -> Zip:
        if package.path not in self._zips:
            self._zips[package.path] = read_zip(package)
        return self._zips[package.path]

    def _ask(
        self,
        sending: Sending,
        call: Callable[[], _Answer],
        *,
        gave: Callable[[_Answer], str] = lambda answer: getattr(answer, "revision", ""),
    ) -> _Answer:
        """What `call` answers; told before it and after it."""
        self._tell(sending)
        answered = partial(Answered, call=sending.call, text=sending.text)
        try:
            answer = call()
        except ShimError as error:
            self._tell(answered(error=type(error).__name__, reason=error.message))
            raise
        self._tell(answered(gave=gave(answer)))
        return answer

    def _patiently(self, what: str, call: Callable[[], _Answer]) -> _Answer:
        return self._patience(what).answer(call)

    def _patience(self, what: str) -> Patience:
        return Patience(what, clock=self._clock, random=self._random, tell=self._tell)


def read_zip(package: Package) -> Zip:
    """The zip of a package, with its hash; `InputError` where there is none, or not any more."""
    sha256 = code_sha256(package)
    if sha256 is None:
        raise InputError(
            f"only a zip can be uploaded, this is a folder: `{package.path}`",
            hint="make a zip of it: `shim pack` does",
        )
    return Zip(path=Path(package.path), sha256=sha256)
