"""Carries out a plan for traffic on an alias: change `$LATEST`, publish, invoke, move the alias."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NoReturn, assert_never

from shim.aws.api import LATEST, Alias, NotNow, ProvisionedStatus
from shim.deploy.events import Sending, Waiting
from shim.deploy.executor import POLL_SECONDS
from shim.deploy.handover import HandoverExecutor
from shim.deploy.patience import Stopped
from shim.deploy.position import position
from shim.deploy.transition import Transition, moved_by_others
from shim.errors import ShimError
from shim.plan.alias import InvokeVersion, MoveAlias, PublishVersion

if TYPE_CHECKING:
    from collections.abc import Callable

    from shim.aws.api import Function
    from shim.plan.alias import AliasPlan

VERSION_SECONDS = 1560.0
"""How long a version may take to become active (botocore's waiter `published_version_active`)."""

PROVISION_SECONDS, PROVISION_POLL_SECONDS = 1800.0, 5.0
"""How long an alias may take to have its provisioned concurrency on another version."""

ALARM_SECONDS = 10.0
"""How often alarms are looked at."""


class AliasExecutor(HandoverExecutor):
    """An `Executor` for aliases; like it, it goes on from wherever the function and alias are."""

    def apply_alias(self, plan: AliasPlan, transition: Transition | None = None) -> str:
        """Carry out what is left of `plan`; returns the version that the alias has then.

        Raises `LambdaError` as `apply` does; where the version doesn't answer as it shall, and the
        alias stays where it is; and where an alarm rings, and it is back on the old version then.
        """
        transition = transition or Transition()
        moves = tuple(step for step in plan.after if isinstance(step, MoveAlias))
        if transition.handover:
            moves = moves[-1:]
        begun = self._begun(plan, moves[0]) if moves else None
        if begun is None:
            self.apply(plan.latest)
        version = begun or LATEST
        for step in plan.after:
            match step:
                case PublishVersion():
                    version = begun or self._publish_version(plan, step)
                case InvokeVersion():
                    # What has traffic has answered.
                    if begun is None:
                        self._try(version, transition)
                case MoveAlias():
                    if step in moves:
                        self._bring(step, version, transition)
                case _:
                    assert_never(step)
        return version

    def _begun(self, plan: AliasPlan, step: MoveAlias) -> str | None:
        """The version of what is wanted that the alias has already, for a part or for all of it."""
        now = self._alias(step)
        for version in (now.version, now.other_version):
            if version in {None, step.old_version}:
                continue
            read = partial(self._api.get_function, self._function, version)
            found = self._patiently("GetFunction", read)
            wanted = self._function_in(plan.latest.wanted)
            if version == LATEST or found.settings != wanted.settings:
                raise moved_by_others(now, step.alias)
            return version
        return None

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
        version, end = published.version, self._clock.now + VERSION_SECONDS
        if not published.is_active:
            self._tell(Waiting(text=f"the version is active: {version}"))
        while not published.is_active:
            if published.failure:
                raise Stopped(f"version {version} can't become active, {published.failure}")
            if self._clock.now >= end:
                raise Stopped(f"the version is not active after {VERSION_SECONDS:.0f} seconds")
            self._clock.sleep(POLL_SECONDS)
            published = self._patiently(
                "GetFunction", partial(self._api.get_function, self._function, version)
            )
        return version

    def _try(self, version: str, transition: Transition) -> None:
        text = f"invoking the version: {version}"
        invoke = partial(self._api.invoke, self._function, transition.event, qualifier=version)
        answer = self._patiently(
            text, partial(self._ask, Sending(call=InvokeVersion.CALL, text=text), invoke)
        )
        unmoved = "the alias was not moved, its callers noticed nothing"
        if answer.error_type:
            said = answer.payload.decode(errors="replace")
            raise Stopped(
                f"version {version} fails, {answer.error_type}", hint=f"{unmoved}; it said: {said}"
            )
        if transition.expected and (problem := transition.expected.mismatch(answer.payload)):
            raise Stopped(
                f"version {version} doesn't answer as expected at {problem.path}",
                hint=f"{unmoved}; expected was {problem.expected}, it has {problem.found}",
            )

    def _bring(self, step: MoveAlias, version: str, transition: Transition) -> None:
        """Let the version have its share, and see to it that it keeps it well."""
        before = self._share(step, version)
        if before > step.share:
            return
        if before < step.share:
            if transition.handover:
                self.hand_over(step, version, transition.handover)
                if self._share(step, version) < 1:
                    raise Stopped(f"CodeDeploy has ended, and {step.alias} isn't all on {version}")
            else:
                self._move(step, version)
        self._provisioned(step, version)
        is_over = step.share == 1 and (before == 1 or not transition.watch)
        if not (is_over or transition.handover):
            self._watch(step, version, transition)

    def _move(self, step: MoveAlias, version: str) -> None:
        """Give the version its share, unless it has it, or more, already; of 0, no more."""
        text = f"moving {step.alias} to version {version}: {step.share:.0%}"
        if step.share == 0:
            text = f"moving {step.alias} back to version {step.old_version}"

        def wanted(now: Alias) -> Alias | None:
            share = _share(now, step, version)
            if share == 0 if step.share == 0 else share >= step.share:
                return None
            is_split = 0 < step.share < 1
            return Alias(
                name=step.alias,
                version=version if step.share == 1 else step.old_version,
                other_version=version if is_split else None,
                other_weight=step.share if is_split else 0.0,
                revision=now.revision,
            )

        self._update(step, text, wanted)

    def _update(self, step: MoveAlias, text: str, wanted: Callable[[Alias], Alias | None]) -> None:
        """Make of the alias what is `wanted` of it as it is, until that is nothing."""
        patience = self._patience(text)
        while (change := wanted(self._alias(step))) is not None:
            move = partial(self._api.update_alias, self._function, change)
            try:
                self._ask(Sending(call=step.CALL, text=text), move)
            except NotNow as error:
                patience.pause(error.message, error)

    def _watch(self, step: MoveAlias, version: str, transition: Transition) -> None:
        """Leave the share as it is for the pause; move all back where an alarm rings."""
        end = self._clock.now + transition.pause
        text = (
            f"{transition.pause:g} seconds have passed with {step.share:.0%} on version {version}"
        )
        self._tell(Waiting(text=text))
        while True:
            if transition.watch:
                try:
                    ringing = self._patiently("DescribeAlarms", transition.watch.ringing)
                except ShimError as error:
                    self._recall(step, version, f"alarms can't be watched: {error.message}")
                if ringing:
                    self._recall(step, version, f"{ringing.name} is in ALARM: {ringing.reason}")
            left = end - self._clock.now
            if left <= 0:
                return
            self._clock.sleep(min(left, ALARM_SECONDS) if transition.watch else left)

    def _recall(self, step: MoveAlias, version: str, why: str) -> NoReturn:
        try:
            self._move(step.undo, version)
        except ShimError as error:
            raise Stopped(
                f"{why}; and the alias {step.alias} could not be moved back: {error.message}",
                hint=f"bring it back: `aws lambda update-alias --name {step.alias}"
                f" --function-version {step.old_version} --routing-config"
                f" AdditionalVersionWeights={{}} --function-name {self._function}`",
            ) from error
        raise Stopped(f"{why}; the alias {step.alias} is all on version {step.old_version} again")

    def _provisioned(self, step: MoveAlias, version: str) -> None:
        """Wait for the concurrency that the alias has provisioned, for its new version.

        Until then Lambda itself sends its traffic to the old version, which shows as a weight.
        """
        read = partial(self._api.get_provisioned, self._function, step.alias)
        end = self._clock.now + PROVISION_SECONDS
        while (found := self._patiently("GetProvisionedConcurrencyConfig", read)) is not None:
            if found.status is ProvisionedStatus.FAILED:
                raise Stopped(
                    f"the provisioned concurrency of {step.alias} failed: {found.reason}",
                    hint=f"the alias is on version {version}, without provisioned concurrency",
                )
            if found.status is ProvisionedStatus.READY and self._has_settled(step):
                return
            if self._clock.now >= end:
                raise Stopped(
                    f"the provisioned concurrency is not ready in {PROVISION_SECONDS:.0f} seconds"
                )
            self._tell(Waiting(text=f"the provisioned concurrency of {step.alias} is ready"))
            self._clock.sleep(PROVISION_POLL_SECONDS)
        if not self._has_settled(step):
            raise moved_by_others(self._alias(step), step.alias)

    def _has_settled(self, step: MoveAlias) -> bool:
        """Whether the alias has no weights but those that it was given."""
        return step.share < 1 or self._alias(step).other_version is None

    def _alias(self, step: MoveAlias) -> Alias:
        return self._patiently("GetAlias", partial(self._api.get_alias, self._function, step.alias))

    def _share(self, step: MoveAlias, version: str) -> float:
        return _share(self._alias(step), step, version)


def _share(now: Alias, step: MoveAlias, version: str) -> float:
    """What part of the alias's traffic the version has; raises where somebody else moved it.

    A weight of the old version's on the new one is Lambda's own (`_provisioned`).
    """
    if now.version == version and now.other_version in {None, step.old_version}:
        return 1.0
    if now.version == step.old_version and now.other_version in {None, version}:
        return now.other_weight if now.other_version else 0.0
    raise moved_by_others(now, step.alias)
