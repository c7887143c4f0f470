"""Carries out what a deployment folder holds, forth or back, and records it there."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from shim.check.verdicts import Verdicts
from shim.deploy.beforehand import look_ahead, look_back
from shim.deploy.events import Answered, Retrying, Sending
from shim.deploy.patience import Patience
from shim.deploy.rollback import BackExecutor
from shim.errors import ShimError
from shim.plan.alias import AliasPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from random import Random

    from shim.aws.api import LambdaApi
    from shim.deploy.beforehand import Outlook, Terms
    from shim.deploy.events import Event
    from shim.deploy.folder import Deployment, DeploymentFolder
    from shim.deploy.patience import Clock
    from shim.deploy.record import Record
    from shim.deploy.transition import Transition
    from shim.plan.plan import Plan
    from shim.plan.target import Target


LOOK = "the look before the first call"
"""What is tried again as a whole, by whoever looks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What deployments take from outside."""

    connect: Callable[[Target], LambdaApi]
    transition: Callable[[Target], Transition]
    """How an alias's gets to a new version."""
    clock: Clock
    random: Random
    now: Callable[[], datetime]
    """The time of day, for records."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A deployment, or a way back, that has come to its end."""

    calls: int
    """That changed something; 0 where all was so already."""
    notes: tuple[str, ...]


def deploy(
    folder: DeploymentFolder,
    means: Means,
    *,
    terms: Terms,
    tell: Callable[[Event], None] = lambda _: None,
) -> Done:
    """Carry the plan out from where the function is; raises `ShimError` where that ends before.

    The same call goes on then, and after a kill; one more changes nothing.
    """
    with _at_work(folder, means, "deploy", tell) as work:
        verdicts = Verdicts(day=terms.day)
        transition = means.transition(work.deployment.target)
        outlook = work.look(
            partial(look_ahead, transition=transition, verdicts=verdicts, terms=terms)
        )
        work.begin(outlook)
        executor, plan = work.executor(outlook), work.deployment.plan
        if isinstance(plan, AliasPlan):
            executor.apply_alias(plan, transition)
        else:
            executor.apply(plan)
    return Done(calls=work.calls, notes=outlook.notes)


def roll_back(
    folder: DeploymentFolder,
    means: Means,
    *,
    terms: Terms,
    tell: Callable[[Event], None] = lambda _: None,
) -> Done:
    """Bring the function back to what the plan began with, through the plan's own states.

    Traffic on an alias goes back first, in one call. Otherwise it is as with `deploy`.
    """
    with _at_work(folder, means, "rollback", tell) as work:
        outlook = work.look(partial(look_back, terms=terms))
        work.begin(outlook)
        executor, plan = work.executor(outlook), work.deployment.plan
        if isinstance(plan, AliasPlan):
            executor.move_back(plan)
        if not outlook.latest_stays:
            executor.apply(work.deployment.latest.way_back)
    return Done(calls=work.calls, notes=outlook.notes)


def without_values(text: str, plan: Plan) -> str:
    """The API's messages repeat what they were sent: without the environment's values."""
    values = {value for state in plan.states for _, value in state.environment if value}
    for value in sorted(values, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "***", text)
    return text


@dataclass(kw_only=True, slots=True)
class _Work:
    """One run on a folder."""

    command: str
    deployment: Deployment
    api: LambdaApi
    means: Means
    record: Record
    tell: Callable[[Event], None]
    calls: int = field(default=0, init=False)

    def look(self, look: Callable[[Deployment, LambdaApi], Outlook]) -> Outlook:
        """What `look` says: as a whole again where a call of it isn't taken, for all may change."""
        patience = Patience(
            LOOK,
            clock=self.means.clock,
            random=self.means.random,
            tell=self.listen,
        )
        return patience.answer(partial(look, self.deployment, self.api))

    def begin(self, outlook: Outlook) -> None:
        target = self.deployment.target
        self.record.write(
            "begin", command=self.command, function=target.address, state=outlook.index
        )

    def executor(self, outlook: Outlook) -> BackExecutor:
        return BackExecutor(
            self.api,
            self.deployment.target.address,
            clock=self.means.clock,
            random=self.means.random,
            layers={layer.path: arn for layer, arn in outlook.arns.items()},
            names=self.deployment.names,
            tell=self.listen,
        )

    def listen(self, event: Event) -> None:
        """Told first, so that who listens can still stop a call; on the disk before it is sent."""
        if isinstance(event, Answered | Retrying):
            event = replace(event, reason=self.hide(event.reason))
        self.tell(event)
        match event:
            case Sending():
                self.record.write("call", call=event.call, text=event.text)
            case Answered():
                self.calls += event.error is None and event.call != "Invoke"
                self.record.write(
                    "answer",
                    call=event.call,
                    gave=event.gave,
                    error=event.error,
                    reason=event.reason,
                )
            case _:
                pass

    def hide(self, text: str) -> str:
        """See `without_values`."""
        return without_values(text, self.deployment.latest)


@contextmanager
def _at_work(
    folder: DeploymentFolder, means: Means, command: str, tell: Callable[[Event], None]
) -> Iterator[_Work]:
    """The folder alone, and its record ended with what became of it."""
    with folder.at_work(means.now) as record:
        deployment = folder.read()
        work = _Work(
            command=command,
            deployment=deployment,
            api=means.connect(deployment.target),
            means=means,
            record=record,
            tell=tell,
        )
        problem: str | None = "interrupted"
        try:
            yield work
            problem = None
        except ShimError as error:
            problem = error.message = work.hide(error.message)
            error.hint = error.hint and work.hide(error.hint)
            raise
        finally:
            record.write("end", problem=problem)
