"""The one state machine that carries out every plan, in Amazon States Language with JSONata.

A Distributed Map starts one child for each plan of a document (document.py) in a bucket. A child
does what `Executor` does: it asks where the function is, looks for that among the plan's states,
sends the call that leads on from there, guarded by the revision that it has just read, and waits
until it has taken hold. What it knows is in variables, so that neither plan nor settings go from
state to state through the history. Nothing in it depends on what is deployed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shim import __version__
from shim.aws.api import Conflict, Denied, NotFound, Refused, RevisionMismatch
from shim.aws.outcome import OUTCOMES
from shim.deploy.patience import TRIES
from shim.plan.step import UpdateCode, UpdateConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.aws.api import LambdaError

CHANGED, FAILED_UPDATE, TOO_SLOW, GIVEN_UP = (
    f"Shim.{name}" for name in ("Changed", "FailedUpdate", "TooSlow", "GivenUp")
)
"""The machine's own errors; all others are AWS's."""

BEGIN, SPREAD, ASK, DECIDE, WAIT = (
    *("Begin", "Take turns"),
    *("Ask where it is", "What is next?", "Wait"),
)
WRITE_DONE, WRITE_FAILED, DONE, FAILED = "Write that it is done", "Write why", "Done", "Failed"
"""The states besides the two calls, which have the calls' names."""

_GIVEN = ("bucket", "results", "wait", "polls", "concurrency")
"""Of the execution's input, what every child gets; see run.py."""

_SETTINGS = """{
    'CodeSha256': CodeSha256, 'Architectures': [Architectures], 'Runtime': Runtime,
    'Handler': Handler, 'Layers': [Layers.Arn], 'Environment': $merge([{}, Environment.Variables])
}"""
"""Of what `GetFunction` answers, in the form that a plan's states have in document.py."""

_NOW = f"""$states.result.Configuration.{{
    'revision': RevisionId,
    'is_changing': LastUpdateStatus = 'InProgress' or $not(State in ['Active', 'Inactive']),
    'is_failed': LastUpdateStatus = 'Failed',
    'reason': LastUpdateStatusReasonCode & ': ' & LastUpdateStatusReason,
    'shown': Runtime & ', ' & Architectures[0] & ', handler ' & Handler & ', code ' & CodeSha256,
    'at': (
        $settings := {_SETTINGS};
        $append($filter([$at..$count($plan.calls)], function($index) {{
            $plan.states[$index] = $settings
        }}), -1)[0]
    )
}}"""
"""What is decided by. `at` is which of the plan's states that is, -1 where it is none: only those
that follow are looked at, for a function never goes back by itself."""

_NEXT = "($now.is_failed and $now.at > 0 ? $now.at - 1 : $now.at)"
"""The call that leads on. An update that failed before the first try has not made its call."""

_ACCEPTED = f"{{'call': $plan.calls[{_NEXT}].call, 'revision': $states.result.RevisionId}}"
"""Of a call that was accepted, what is kept."""

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


def definition() -> dict[str, Any]:
    """The state machine, for an execution with the input that `run.start` gives it."""
    given = _inputs(*_GIVEN)
    functions = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Arguments": {"Bucket": given["bucket"], "Key": "{% $states.input.plans %}"},
        },
        "ItemSelector": {
            **given,
            "plan": "{% $states.context.Map.Item.Value %}",
            "index": "{% $states.context.Map.Item.Index %}",
        },
        "MaxConcurrency": given["concurrency"],
        "ToleratedFailureCount": "{% $states.input.tolerated %}",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": BEGIN,
            "States": _states(),
        },
        "Output": {},
        "End": True,
    }
    return {
        "Comment": f"carries out plans of shim {__version__}",
        "QueryLanguage": "JSONata",
        "StartAt": "Functions",
        "States": {"Functions": functions},
    }


def _states() -> dict[str, Any]:
    """Of a child, which has one function."""
    begin = {"at": 0, "tries": 0, "looks": 0, "made": [], "sent": False}
    return {
        BEGIN: {
            "Type": "Pass",
            "Assign": {**_inputs(*_GIVEN, "plan", "index"), **begin},
            "Output": {},
            "Next": SPREAD,
        },
        # The first ones would all call at once; those that follow them are spread by then.
        SPREAD: {
            "Type": "Wait",
            "Seconds": "{% $index < $concurrency ? $floor($wait * $index / $concurrency) : 0 %}",
            "Next": ASK,
        },
        ASK: {
            **_task("lambda:getFunction", {"FunctionName": "{% $plan.function %}"}),
            "Assign": {"now": _expression(_NOW)},
            "Next": DECIDE,
        },
        DECIDE: _decide(),
        WAIT: {"Type": "Wait", "Seconds": "{% $wait %}", "Next": ASK},
        UpdateCode.CALL: _update("lambda:updateFunctionCode"),
        UpdateConfiguration.CALL: _update("lambda:updateFunctionConfiguration"),
        WRITE_DONE: {**_write(), "Next": DONE},
        WRITE_FAILED: {**_write(), "Next": FAILED},
        DONE: {"Type": "Succeed"},
        FAILED: {
            "Type": "Fail",
            "Error": "{% $result.error %}",
            "Cause": "{% $result.cause %}",
        },
    }


def _decide() -> dict[str, Any]:
    """Nothing is decided before the last update, whoever made it, has ended."""
    return {
        "Type": "Choice",
        "Choices": [
            {
                "Condition": "{% $now.is_changing and $looks < $polls %}",
                "Assign": {"looks": "{% $looks + 1 %}"},
                "Next": WAIT,
            },
            _fail("$now.is_changing", TOO_SLOW, "its last update does not take hold"),
            _fail("$now.is_failed and $sent", FAILED_UPDATE, "{% $now.reason %}"),
            _fail(
                "$now.at < 0",
                CHANGED,
                "{% 'it is in none of the states that follow in its plan, somebody else changed"
                " it: ' & $now.shown %}",
            ),
            {
                "Condition": f"{{% {_NEXT} = $count($plan.calls) %}}",
                "Assign": _result(outcome="done"),
                "Next": WRITE_DONE,
            },
            _fail(
                f"$now.at = $at and $tries >= {TRIES}",
                GIVEN_UP,
                f"{{% 'not taken in {TRIES} tries: ' & $plan.calls[{_NEXT}].call %}}",
            ),
            _make(UpdateCode.CALL),
            _make(UpdateConfiguration.CALL),
        ],
    }


def _make(call: str) -> dict[str, Any]:
    return {
        "Condition": f"{{% $plan.calls[{_NEXT}].call = '{call}' %}}",
        "Assign": {
            "at": "{% $now.at %}",
            "tries": "{% $now.at = $at ? $tries : 0 %}",
            "looks": 0,
        },
        "Next": call,
    }


def _update(action: str) -> dict[str, Any]:
    """One guarded call. Where it may or may not have been taken, the function is asked again."""
    guarded = "{'FunctionName': $plan.function, 'RevisionId': $now.revision}"
    task = _task(action, f"{{% $merge([$plan.calls[{_NEXT}].parameters, {guarded}]) %}}")
    asked_again = _errors(Conflict, RevisionMismatch)
    tried = {"tries": "{% $tries + 1 %}"}
    # What fails to take hold then is somebody else's update.
    look = {
        "ErrorEquals": asked_again,
        "Assign": {**tried, "sent": False},
        "Output": {},
        "Next": WAIT,
    }
    return {
        **task,
        "Retry": [{"ErrorEquals": asked_again, "MaxAttempts": 0}, *task["Retry"]],
        "Catch": [look, *task["Catch"]],
        "Assign": {**tried, "sent": True, "made": f"{{% [$made, {_ACCEPTED}] %}}"},
        "Next": WAIT,
    }


def _write() -> dict[str, Any]:
    """What became of it, for people and `shim`."""
    arguments = {
        "Bucket": "{% $bucket %}",
        "Key": "{% $results & $plan.name & '.json' %}",
        "Body": "{% $string($result) %}",
    }
    return _task("s3:putObject", arguments, failed=FAILED)


def _task(
    action: str, arguments: Mapping[str, str] | str, *, failed: str = WRITE_FAILED
) -> dict[str, Any]:
    """A call of AWS's; what isn't known to be final is tried again, more and more slowly."""
    result = _result(
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
            {"ErrorEquals": _errors(Denied, NotFound, Refused), "MaxAttempts": 0},
            {"ErrorEquals": _UNNAMED, "MaxAttempts": _UNNAMED_TRIES, **_PAUSES},
            {"ErrorEquals": ["States.ALL"], "MaxAttempts": TRIES, **_PAUSES},
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": result, "Output": {}, "Next": failed}],
    }


def _expression(text: str) -> str:
    """In one line: validators of the language know no other."""
    return f"{{% {' '.join(text.split())} %}}"


def _inputs(*names: str) -> dict[str, str]:
    return {name: f"{{% $states.input.{name} %}}" for name in names}


def _fail(condition: str, error: str, cause: str) -> dict[str, Any]:
    """What ends a function with an error of the machine's own."""
    return {
        "Condition": f"{{% {condition} %}}",
        "Assign": _result(outcome="failed", error=error, cause=cause),
        "Next": WRITE_FAILED,
    }


def _result(**content: str) -> dict[str, Any]:
    """What is said of the function, as a variable: without any of its settings."""
    return {"result": {**content, "made": "{% $made %}"}}


def _errors(*outcomes: type[LambdaError]) -> list[str]:
    """As the SDK's integration spells Lambda's errors."""
    return [f"Lambda.{code}" for outcome in outcomes for code in OUTCOMES[outcome]]
