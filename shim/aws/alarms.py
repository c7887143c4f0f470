"""CloudWatch's alarms, as far as whoever moves traffic watches them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from shim.aws.outcome import calling
from shim.fields import Field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

RECENT_SECONDS = 5.0
"""How old an answer may be that is taken for what they are now."""


class AlarmState(StrEnum):
    """`StateValue`, spelt as the API spells it."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """An alarm, as it is now."""

    name: str
    state: AlarmState
    reason: str = ""


class Alarms(Protocol):
    """Raises as `shim.aws.api.LambdaApi` does."""

    def describe(self, names: Sequence[str]) -> tuple[Alarm, ...]:
        """Those of these names that there are, of metrics and composite ones."""


class BotoAlarms:
    """See `Alarms`; `client` is boto3's for `cloudwatch`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def describe(self, names: Sequence[str]) -> tuple[Alarm, ...]:
        """See `Alarms`."""
        found = self._describe("MetricAlarm", names)
        # Who asks for composite ones too has to be allowed all alarms, not only these (CloudWatch
        # API reference, `DescribeAlarms`).
        left = sorted(set(names) - {one.name for one in found})
        return (*found, *self._describe("CompositeAlarm", left)) if left else found

    def _describe(self, kind: str, names: Sequence[str]) -> tuple[Alarm, ...]:
        with calling("DescribeAlarms", service="cloudwatch"):
            answer = self._client.describe_alarms(AlarmNames=list(names), AlarmTypes=[kind])
        return tuple(_alarms(Field(value=answer)[f"{kind}s"]))


class RecentAlarms:
    """See `Alarms`: for many who watch the same ones; `now` tells seconds.

    CloudWatch takes nine such calls a second in an account (CloudWatch quotas), whoever makes them.
    """

    def __init__(self, alarms: Alarms, *, now: Callable[[], float]) -> None:
        self._alarms, self._now = alarms, now
        self._lock = Lock()
        self._known: dict[tuple[str, ...], tuple[float, tuple[Alarm, ...]]] = {}

    def describe(self, names: Sequence[str]) -> tuple[Alarm, ...]:
        """See `Alarms`; as they were `RECENT_SECONDS` ago at most."""
        key = tuple(names)
        with self._lock:
            time, found = self._known.get(key, (-RECENT_SECONDS, ()))
            if self._now() - time >= RECENT_SECONDS:
                found = self._alarms.describe(names)
                self._known[key] = self._now(), found
            return found


def _alarms(found: Field) -> Iterator[Alarm]:
    for one in found.items():
        yield Alarm(
            name=one["AlarmName"].text(),
            state=one["StateValue"].one_of(AlarmState),
            reason=one["StateReason"].text() if one.has("StateReason") else "",
        )
