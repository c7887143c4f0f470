"""The one state machine that carries out every plan, in Amazon States Language with JSONata.

A Distributed Map starts one child for each plan of a document (document.py) in a bucket. A child
does what `Executor` does: it asks where the function is, looks for that among the plan's states,
sends the call that leads on from there, guarded by the revision that it has just read, and waits
until it has taken hold; then it moves the alias, if the plan has one (traffic.py). What it knows is
in variables, so that neither plan nor settings go from state to state through the history. Nothing
in it depends on what is deployed.
"""

from __future__ import annotations

from typing import Any

from shim import __version__
from shim.deploy.engine.language import (
    CHANGED,
    DONE,
    FAILED,
    FAILED_UPDATE,
    GIVEN_UP,
    TOO_SLOW,
    WRITE_DONE,
    WRITE_FAILED,
    expression,
    fail,
    guarded,
    inputs,
    made,
    result_of,
    task,
    wait,
    when,
)
from shim.deploy.engine.traffic import ASK_ALIAS, BEGUN, SETTINGS, traffic_states
from shim.deploy.patience import TRIES
from shim.plan.step import UpdateCode, UpdateConfiguration

BEGIN, SPREAD, ASK, DECIDE, WAIT = (
    *("Begin", "Take turns"),
    *("Ask where it is", "What is next?", "Wait"),
)
"""The states besides the two calls, which have the calls' names, and those of `language`."""

_GIVEN = ("bucket", "results", "wait", "polls", "concurrency")
"""Of the execution's input, what every child gets; see run.py."""

_NOW = f"""$states.result.Configuration.{{
    'revision': RevisionId,
    'is_changing': LastUpdateStatus = 'InProgress' or $not(State in ['Active', 'Inactive']),
    'is_failed': LastUpdateStatus = 'Failed',
    'reason': LastUpdateStatusReasonCode & ': ' & LastUpdateStatusReason,
    'shown': Runtime & ', ' & Architectures[0] & ', handler ' & Handler & ', code ' & CodeSha256,
    'at': (
        $settings := {SETTINGS};
        $append($filter([$at..$count($plan.calls)], function($index) {{
            $plan.states[$index] = $settings
        }}), -1)[0]
    )
}}"""
"""What is decided by. `at` is which of the plan's states that is, -1 where it is none: only those
that follow are looked at, for a function never goes back by itself."""

_NEXT = "($now.is_failed and $now.at > 0 ? $now.at - 1 : $now.at)"
"""The call that leads on. An update that failed before the first try has not made its call."""


def definition() -> dict[str, Any]:
    """The state machine, for an execution with the input that `run.start` gives it."""
    given = inputs(*_GIVEN)
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
            "Assign": {**inputs(*_GIVEN, "plan", "index"), **begin, **BEGUN},
            "Output": {},
            "Next": SPREAD,
        },
        # The first ones would all call at once; those that follow them are spread by then.
        SPREAD: wait("$index < $concurrency ? $floor($wait * $index / $concurrency) : 0", ASK),
        ASK: {
            **task("lambda:getFunction", {"FunctionName": "{% $plan.function %}"}),
            "Assign": {"now": expression(_NOW)},
            "Next": DECIDE,
        },
        DECIDE: _decide(),
        WAIT: wait("$wait", ASK),
        UpdateCode.CALL: _update("lambda:updateFunctionCode"),
        UpdateConfiguration.CALL: _update("lambda:updateFunctionConfiguration"),
        **traffic_states(refused=WAIT),
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
    is_there = f"{_NEXT} = $count($plan.calls)"
    return {
        "Type": "Choice",
        "Choices": [
            when("$now.is_changing and $looks < $polls", WAIT, looks="{% $looks + 1 %}"),
            fail("$now.is_changing", TOO_SLOW, "its last update does not take hold"),
            fail("$now.is_failed and $sent", FAILED_UPDATE, "{% $now.reason %}"),
            fail(
                "$now.at < 0",
                CHANGED,
                "{% 'it is in none of the states that follow in its plan, somebody else changed"
                " it: ' & $now.shown %}",
            ),
            when(f"{is_there} and $exists($plan.alias)", ASK_ALIAS),
            when(is_there, WRITE_DONE, **result_of(outcome="done")),
            fail(
                f"$now.at = $at and $tries >= {TRIES}",
                GIVEN_UP,
                f"{{% 'not taken in {TRIES} tries: ' & $plan.calls[{_NEXT}].call %}}",
            ),
            _make(UpdateCode.CALL),
            _make(UpdateConfiguration.CALL),
        ],
    }


def _make(call: str) -> dict[str, Any]:
    return when(
        f"$plan.calls[{_NEXT}].call = '{call}'",
        call,
        at="{% $now.at %}",
        tries="{% $now.at = $at ? $tries : 0 %}",
        looks=0,
    )


def _update(action: str) -> dict[str, Any]:
    """One guarded call. Where it may or may not have been taken, the function is asked again."""
    guard = "{'FunctionName': $plan.function, 'RevisionId': $now.revision}"
    call = task(action, f"{{% $merge([$plan.calls[{_NEXT}].parameters, {guard}]) %}}")
    tried = {"tries": "{% $tries + 1 %}"}
    # What fails to take hold after a refusal is somebody else's update.
    return {
        **guarded(call, tried={**tried, "sent": False}, again=WAIT),
        "Assign": {**tried, "sent": True, "made": made(f"$plan.calls[{_NEXT}].call", "RevisionId")},
        "Next": WAIT,
    }


def _write() -> dict[str, Any]:
    """What became of it, for people and `shim`."""
    arguments = {
        "Bucket": "{% $bucket %}",
        "Key": "{% $results & $plan.name & '.json' %}",
        "Body": "{% $string($result) %}",
    }
    return task("s3:putObject", arguments, failed=FAILED)
