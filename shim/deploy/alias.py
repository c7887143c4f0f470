"""Carries out a plan for traffic on an alias: change `$LATEST`, publish, invoke, move the alias."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, assert_never

from shim.aws.api import LATEST, Alias, NotNow
from shim.deploy.events import Sending, Waiting
from shim.deploy.executor import POLL_SECONDS, UPDATE_SECONDS, Executor
from shim.deploy.patience import Stopped
from shim.deploy.position import position
from shim.plan.alias import InvokeVersion, MoveAlias, PublishVersion

if TYPE_CHECKING:
    from shim.aws.api import Function
    from shim.plan.alias import AliasPlan

EVENT = b"{}"
CANARY_SECONDS = 60.0
"""How long each share of the traffic is left as it is before the next call."""


class AliasExecutor(Executor):
    """An `Executor` for aliases; like it, it goes on from wherever the function and alias are."""

    def apply_alias(
        self, plan: AliasPlan, *, event: bytes = EVENT, canary: float = CANARY_SECONDS
    ) -> str:
        """Carry out what is left of `plan`; returns the version that the alias has then.

        Raises `LambdaError` as `apply` does, and where the version fails on `event`: the alias
        stays where it is then.
        """
        self.apply(plan.latest)
        version = LATEST
        for step in plan.after:
            match step:
                case PublishVersion():
                    version = self._publish_version(plan, step)
                case InvokeVersion():
                    self._try(version, event)
                case MoveAlias():
                    self._move(step, version)
                    if step.share < 1:
                        text = f"{canary:g} seconds have passed with {step.share:.0%} on it"
                        self._tell(Waiting(text=text))
                        self._clock.sleep(canary)
                case _:
                    assert_never(step)
        return version

    def _publish_version(self, plan: AliasPlan, step: PublishVersion) -> str:
        """A version of what `$LATEST` is now, which is looked at again before each try.

        Where nothing has changed since the last one the API answers with that: so there is one
        version in the end, however often this is called.
        """
        patience = self._patience(step.CALL)
        while True:
            now = self._settled("the function's last update")
            wanted = self._function_in(plan.latest.wanted)
            position(now, [wanted])
            publish = partial(
                self._api.publish_version,
                self._function,
                code_sha256=step.code_sha256 or now.code_sha256,
                revision=now.revision,
            )
            try:
                published = self._ask(
                    Sending(call=step.CALL, text="publishing a version"),
                    publish,
                    gave=lambda answer: answer.version,
                )
            except NotNow as error:
                patience.pause(error.message, error)
            else:
                return self._active(published)

    def _active(self, published: Function) -> str:
        version, end = published.version, self._clock.now + UPDATE_SECONDS
        if not published.is_active:
            self._tell(Waiting(text=f"the version is active: {version}"))
        while not published.is_active:
            if self._clock.now >= end:
                raise Stopped(f"the version is not active after {UPDATE_SECONDS:.0f} seconds")
            self._clock.sleep(POLL_SECONDS)
            published = self._patiently(
                "GetFunction", partial(self._api.get_function, self._function, version)
            )
        return version

    def _try(self, version: str, event: bytes) -> None:
        text = f"invoking the version: {version}"
        invoke = partial(self._api.invoke, self._function, event, qualifier=version)
        answer = self._patiently(
            text, partial(self._ask, Sending(call=InvokeVersion.CALL, text=text), invoke)
        )
        if answer.error_type:
            said = answer.payload.decode(errors="replace")
            raise Stopped(
                f"version {version} fails, {answer.error_type}: {said}",
                hint="the alias was not moved, its callers noticed nothing",
            )

    def _move(self, step: MoveAlias, version: str) -> None:
        """Give the version its share, unless it has it, or more, already."""
        text = f"moving {step.alias} to version {version}: {step.share:.0%}"
        patience = self._patience(text)
        while True:
            now = self._patiently(
                "GetAlias", partial(self._api.get_alias, self._function, step.alias)
            )
            share = _share(now, step, version)
            if share >= step.share:
                return
            wanted = Alias(
                name=step.alias,
                version=version if step.share == 1 else step.old_version,
                other_version=None if step.share == 1 else version,
                other_weight=0.0 if step.share == 1 else step.share,
                revision=now.revision,
            )
            move = partial(self._api.update_alias, self._function, wanted)
            try:
                self._ask(Sending(call=step.CALL, text=text), move)
            except NotNow as error:
                patience.pause(error.message, error)


def _share(now: Alias, step: MoveAlias, version: str) -> float:
    """What part of the alias's traffic the version has; raises where somebody else moved it."""
    if now.version == version and now.other_version is None:
        return 1.0
    if now.version == step.old_version and now.other_version in {None, version}:
        return now.other_weight
    raise Stopped(
        f"somebody else moved the alias {step.alias}: it is on {now.version}"
        + (f" and {now.other_version}" if now.other_version else ""),
        hint="make a new plan from where it is now",
    )
