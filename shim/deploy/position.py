"""Where a function is on its way along a plan, by what it shows and nothing else.

`wanted` is, everywhere here, what the function shows in each of the plan's states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.aws.api import Function, Unanswered, UpdateStatus
from shim.deploy.patience import Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shim.aws.api import NotNow
    from shim.check.state import State


def as_shown(state: State, *, code_sha256: str, layers: tuple[str, ...]) -> Function:
    """What the API says of a function in `state`, as far as a plan changes it."""
    return Function(
        version="",
        code_sha256=code_sha256,
        arch=state.arch,
        runtime=state.runtime.name,
        handler=state.handler,
        layers=layers + state.absent_layers,
        environment=state.environment,
        revision="",
    )


def is_settled(now: Function) -> bool:
    """Whether no update is in progress: the last one has taken hold, or has failed."""
    return now.update is not UpdateStatus.IN_PROGRESS and now.is_active


def position(now: Function, wanted: Sequence[Function]) -> int:
    """The index of the state that the function shows; `Stopped` where it shows none of them."""
    for index in reversed(range(len(wanted))):
        if now.settings == wanted[index].settings:
            return index
    nearest = min(wanted, key=lambda one: len(list(_differences(now, one))))
    raise _changed(f"in none of the plan's states it has {'; '.join(_differences(now, nearest))}")


def begin(now: Function, wanted: Sequence[Function]) -> int:
    """The index of the state that is gone on from.

    Where the last update failed, the function runs what it did before: then the call that led to
    the state that it shows has to be sent again.
    """
    index = position(now, wanted)
    return max(index - 1, 0) if now.update is UpdateStatus.FAILED else index


def has_passed(
    at: int, wanted: Sequence[Function], *, now: Function, sent: Function, problem: NotNow | None
) -> bool:
    """Whether the call that leads on from the state `at` has taken hold, or others have after it.

    `sent` is the function that it was sent for, `problem` what it was answered. Raises `Stopped`
    where its update failed, and where somebody put the function back.
    """
    # A failure stays from before where the revision is the same still, and is somebody else's where
    # ours was refused.
    may_be_ours = problem is None or isinstance(problem, Unanswered)
    if now.update is UpdateStatus.FAILED and may_be_ours and now.revision != sent.revision:
        raise Stopped(
            f"the update failed, {now.reason_code}: {now.reason}",
            hint="the function runs what it did before; find the cause, then start again",
        )
    if position(now, wanted) < at:
        raise _changed("it was put back to an earlier state of the plan")
    return begin(now, wanted) > at


def _changed(what: str) -> Stopped:
    return Stopped(
        f"somebody else changed the function: {what}",
        hint="nothing of that was overwritten: make a new plan from what it is now",
    )


def _differences(now: Function, wanted: Function) -> Iterator[str]:
    """What is not as in the plan; of the environment the names alone."""
    if now.code_sha256 != wanted.code_sha256:
        yield f"code {now.code_sha256}"
    if now.arch is not wanted.arch:
        yield f"architecture {now.arch}"
    if now.runtime != wanted.runtime:
        yield f"runtime {now.runtime}"
    if now.handler != wanted.handler:
        yield f"handler {now.handler}"
    if now.layers != wanted.layers:
        yield f"layers {' + '.join(now.layers) or 'none'}"
    if names := sorted({name for name, _ in set(now.environment) ^ set(wanted.environment)}):
        yield f"environment ({', '.join(names)})"
