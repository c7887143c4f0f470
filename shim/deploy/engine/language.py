"""The forms of Amazon States Language with JSONata that the state machine's states have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shim.aws.api import Conflict, Denied, NotFound, Refused, RevisionMismatch
from shim.aws.outcome import OUTCOMES
from shim.deploy.patience import TRIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.aws.api import LambdaError

    State = dict[str, Any]

CHANGED, FAILED_UPDATE, TOO_SLOW, GIVEN_UP = (
    f"Shim.{name}" for name in ("Changed", "FailedUpdate", "TooSlow", "GivenUp")
)
"""The machine's own errors; all others are AWS's."""

WRITE_DONE, WRITE_FAILED, DONE, FAILED = "Write that it is done", "Write why", "Done", "Failed"
"""The states that every function ends with."""

_PAUSES = {
    "IntervalSeconds": 1,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 30,
    "JitterStrategy": "FULL",
}

_UNNAMED, _UNNAMED_TRIES = ["Lambda.LambdaException", "S3.S3Exception"], 3
"""What the SDK's models have no name for: mostly that the role may not."""

_API_SECONDS = 90
"""For one call, before it counts as not answered; the SDK inside gives up after 60."""


def expression(text: str) -> str:
    """JSONata, in one line: validators of the language know no other."""
    return f"{{% {' '.join(text.split())} %}}"


def inputs(*names: str) -> dict[str, str]:
    """What a state was given under these names."""
    return {name: f"{{% $states.input.{name} %}}" for name in names}


def task(action: str, arguments: Mapping[str, Any] | str, *, failed: str = WRITE_FAILED) -> State:
    """A call of AWS's; what isn't known to be final is tried again, more and more slowly."""
    result = result_of(
        outcome="failed",
        error="{% $states.errorOutput.Error %}",
        cause="{% $states.errorOutput.Cause %}",
    )
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::aws-sdk:{action}",
        "Arguments": arguments,
        "TimeoutSeconds": _API_SECONDS,
        "Output": {},
        "Retry": [
            {"ErrorEquals": errors(Denied, NotFound, Refused), "MaxAttempts": 0},
            {"ErrorEquals": _UNNAMED, "MaxAttempts": _UNNAMED_TRIES, **_PAUSES},
            {"ErrorEquals": ["States.ALL"], "MaxAttempts": TRIES, **_PAUSES},
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": result, "Output": {}, "Next": failed}],
    }


def guarded(call: State, *, tried: Mapping[str, Any], again: str) -> State:
    """The call, which others may come before: `again` asks anew then, and comes back."""
    others = errors(Conflict, RevisionMismatch)
    look = {"ErrorEquals": others, "Assign": tried, "Output": {}, "Next": again}
    return {
        **call,
        "Retry": [{"ErrorEquals": others, "MaxAttempts": 0}, *call["Retry"]],
        "Catch": [look, *call["Catch"]],
    }


def wait(seconds: str, following: str) -> State:
    """A state that lets time pass."""
    return {"Type": "Wait", "Seconds": f"{{% {seconds} %}}", "Next": following}


def when(condition: str, following: str, **assigned: Any) -> State:
    """A choice."""
    choice: State = {"Condition": f"{{% {condition} %}}", "Next": following}
    return {**choice, "Assign": assigned} if assigned else choice


def fail(condition: str, error: str, cause: str) -> State:
    """A choice that ends a function with an error of the machine's own."""
    return when(condition, WRITE_FAILED, **result_of(outcome="failed", error=error, cause=cause))


def made(call: str, gave: str) -> str:
    """What is kept of an accepted call: its name, as JSONata, and a field of its answer."""
    return f"{{% [$made, {{'call': {call}, 'gave': $states.result.{gave}}}] %}}"


def result_of(**content: str) -> State:
    """What is said of the function, as a variable: without any of its settings."""
    return {"result": {**content, "made": "{% $made %}"}}


def errors(*outcomes: type[LambdaError]) -> list[str]:
    """As the SDK's integration spells Lambda's errors."""
    return [f"Lambda.{code}" for outcome in outcomes for code in OUTCOMES[outcome]]
