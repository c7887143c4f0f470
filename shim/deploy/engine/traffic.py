"""The states that move an alias, once `$LATEST` is what is wanted: as `AliasExecutor` does.

A version is published and invoked before the alias has it for a part of its traffic, or for all. An
alias that is on its way, or there, is told by what its version is, and goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shim.aws.api import Conflict, Throttled, Unanswered
from shim.deploy.engine.language import (
    CHANGED,
    FAILED_UPDATE,
    GIVEN_UP,
    TOO_SLOW,
    WRITE_DONE,
    errors,
    expression,
    fail,
    guarded,
    made,
    result_of,
    task,
    wait,
    when,
)
from shim.deploy.patience import TRIES
from shim.plan.alias import InvokeVersion, MoveAlias, PublishVersion

if TYPE_CHECKING:
    from shim.deploy.engine.language import State

ASK_ALIAS, WHERE = "Ask where the alias is", "Where is the alias?"
ASK_VERSION, JUDGE, WAIT_VERSION = (
    *("Ask what the version is", "Is the version right?"),
    "Wait for the version",
)
PAUSE = "Leave the alias as it is"
ASK_PROVISIONED, PROVISIONED, WAIT_PROVISIONED = (
    *("Ask for its provisioned concurrency", "Is that ready?"),
    "Wait for its provisioned concurrency",
)
"""The states besides the three calls, which have the calls' names."""

BEGUN = {"version": "", "is_tried": False, "turns": 0, "pause": 0}
"""The variables, before anything is known of the alias; `version` is the one that it shall have."""

_TARGET = {"FunctionName": "{% $plan.function %}"}
_VERSION = {**_TARGET, "Qualifier": "{% $version %}"}
_ALIAS = {**_TARGET, "Name": "{% $plan.alias.name %}"}

_SHARE = """(
    $other := $keys($states.result.RoutingConfig.AdditionalVersionWeights)[0];
    $on := $states.result.FunctionVersion;
    $old := $plan.alias.old;
    $new := $version != '' ? $version : $on != $old ? $on : $exists($other) ? $other : '';
    {
        'revision': $states.result.RevisionId,
        'version': $new,
        'shown': $on & ($exists($other) ? ', and for a part on ' & $other : ''),
        'share': $new = '' ? 0
            : $on = $new and ($not($exists($other)) or $other = $old) ? 1
            : $on != $old ? -1
            : $not($exists($other)) ? 0
            : $other = $new ? $lookup($states.result.RoutingConfig.AdditionalVersionWeights, $new)
            : -1
    }
)"""
"""Where the alias is: a part of its traffic that the new version has, -1 where others moved it. A
weight of the old version's beside the new one is Lambda's own, for provisioned concurrency."""

_NEXT = "$filter($plan.alias.shares, function($share) { $share > $alias.share })[0]"
"""Of the shares that it gets, the one that is due."""


_NOT_ANSWERED = [
    *errors(Conflict, Throttled, Unanswered),
    *("Lambda.AWSLambdaException", "Lambda.SdkClientException", "States.Timeout"),
]
"""Of an invocation, what isn't the function's own error (Step Functions developer guide, "Handling
transient Lambda service exceptions")."""


SETTINGS = """{
    'CodeSha256': CodeSha256, 'Architectures': [Architectures], 'Runtime': Runtime,
    'Handler': Handler, 'Layers': [Layers.Arn], 'Environment': $merge([{}, Environment.Variables])
}"""
"""Of what `GetFunction` answers, in the form that a plan's states have in document.py."""


def traffic_states(*, refused: str) -> dict[str, Any]:
    """Of a child whose plan has an alias; `refused` asks where the function is, and comes back."""
    return {
        ASK_ALIAS: {
            **task("lambda:getAlias", _ALIAS),
            "Assign": {"alias": expression(_SHARE), "looks": 0},
            "Next": WHERE,
        },
        WHERE: _where(),
        PublishVersion.CALL: _publish(refused),
        ASK_VERSION: _ask_version(),
        JUDGE: _judge(),
        WAIT_VERSION: wait("$wait", ASK_VERSION),
        InvokeVersion.CALL: _invoke(),
        MoveAlias.CALL: _move(),
        PAUSE: wait("$pause", ASK_ALIAS),
        ASK_PROVISIONED: _ask_provisioned(),
        PROVISIONED: _provisioned(),
        WAIT_PROVISIONED: wait("$wait", ASK_PROVISIONED),
    }


def _where() -> State:
    return {
        "Type": "Choice",
        "Choices": [
            fail(
                "$alias.share < 0",
                CHANGED,
                "{% 'somebody else moved the alias: it is on ' & $alias.shown %}",
            ),
            fail(f"$turns >= {TRIES}", GIVEN_UP, f"the alias is not moved in {TRIES} tries"),
            when("$alias.version = ''", PublishVersion.CALL),
            # Found at the alias: it has had traffic, and isn't invoked once more.
            when(
                "$version = ''", ASK_VERSION, version="{% $alias.version %}", is_tried="{% true %}"
            ),
            when(f"$exists({_NEXT})", MoveAlias.CALL),
        ],
        "Default": ASK_PROVISIONED,
    }


def _publish(refused: str) -> State:
    """Where nothing has changed since the last version the API answers with that."""
    arguments = (
        "{% $merge([{'FunctionName': $plan.function, 'RevisionId': $now.revision},"
        " $exists($plan.alias.code) ? {'CodeSha256': $plan.alias.code} : {}]) %}"
    )
    return {
        **guarded(
            task("lambda:publishVersion", arguments),
            tried={"turns": "{% $turns + 1 %}"},
            again=refused,
        ),
        "Assign": {
            "version": "{% $states.result.Version %}",
            "made": made(f"'{PublishVersion.CALL}'", "Version"),
        },
        "Next": ASK_VERSION,
    }


def _ask_version() -> State:
    found = f"""$states.result.Configuration.{{
        'is_pending': State = 'Pending', 'is_failed': State = 'Failed',
        'reason': StateReasonCode & ': ' & StateReason,
        'is_wanted': {SETTINGS} = $plan.states[-1]
    }}"""
    return {
        **task("lambda:getFunction", _VERSION),
        "Assign": {"found": expression(found), "looks": "{% $looks + 1 %}"},
        "Next": JUDGE,
    }


def _judge() -> State:
    return {
        "Type": "Choice",
        "Choices": [
            fail(
                "$not($found.is_wanted)",
                CHANGED,
                "{% 'somebody else moved the alias: it is on ' & $alias.shown %}",
            ),
            when("$found.is_pending and $looks < $polls", WAIT_VERSION),
            fail("$found.is_pending", TOO_SLOW, "{% 'version ' & $version & ' is not active' %}"),
            fail("$found.is_failed", FAILED_UPDATE, "{% $found.reason %}"),
            when("$is_tried", ASK_ALIAS),
        ],
        "Default": InvokeVersion.CALL,
    }


def _invoke() -> State:
    """By the integration that takes an event as JSON, and fails as the function does."""
    call = task("lambda:invoke", {**_VERSION, "Payload": "{% $plan.alias.event %}"})
    *_, retried = call["Retry"]
    cause = "{% 'version ' & $version & ' does not answer: the alias was not moved' %}"
    failed = result_of(outcome="failed", error="{% $states.errorOutput.Error %}", cause=cause)
    return {
        **call,
        "Resource": "arn:aws:states:::lambda:invoke",
        "Retry": [{**retried, "ErrorEquals": _NOT_ANSWERED}],
        # What the function said may be anything: it stays out of the result.
        "Catch": [{**call["Catch"][0], "Assign": failed}],
        "Assign": {"is_tried": "{% true %}"},
        "Next": ASK_ALIAS,
    }


def _move() -> State:
    weights = f"{_NEXT} = 1 ? {{}} : {{$version: {_NEXT}}}"
    arguments = {
        **_ALIAS,
        "RevisionId": "{% $alias.revision %}",
        "FunctionVersion": f"{{% {_NEXT} = 1 ? $version : $plan.alias.old %}}",
        "RoutingConfig": {"AdditionalVersionWeights": f"{{% {weights} %}}"},
    }
    return {
        **guarded(
            task("lambda:updateAlias", arguments),
            tried={"turns": "{% $turns + 1 %}", "pause": "{% $wait %}"},
            again=PAUSE,
        ),
        "Assign": {
            "made": made(f"'{MoveAlias.CALL}'", "RevisionId"),
            "pause": f"{{% {_NEXT} = 1 ? 0 : $plan.alias.pause %}}",
            "turns": 0,
        },
        "Next": PAUSE,
    }


def _ask_provisioned() -> State:
    """An alias without any is there."""
    arguments = {**_TARGET, "Qualifier": "{% $plan.alias.name %}"}
    call = task("lambda:getProvisionedConcurrencyConfig", arguments)
    none = {
        "ErrorEquals": ["Lambda.ProvisionedConcurrencyConfigNotFoundException"],
        "Assign": result_of(outcome="done"),
        "Output": {},
        "Next": WRITE_DONE,
    }
    return {
        **call,
        "Catch": [none, *call["Catch"]],
        "Assign": {
            "provisioned": "{% {'status': $states.result.Status, 'reason':"
            " $states.result.StatusReason} %}",
            "looks": "{% $looks + 1 %}",
        },
        "Next": PROVISIONED,
    }


def _provisioned() -> State:
    return {
        "Type": "Choice",
        "Choices": [
            when("$provisioned.status = 'READY'", WRITE_DONE, **result_of(outcome="done")),
            fail("$provisioned.status = 'FAILED'", FAILED_UPDATE, "{% $provisioned.reason %}"),
            fail("$looks >= $polls", TOO_SLOW, "its provisioned concurrency is not ready"),
        ],
        "Default": WAIT_PROVISIONED,
    }
