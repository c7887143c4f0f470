"""The state machine is one by the language's grammar, and calls nothing that it doesn't need."""

from __future__ import annotations

import json
import re

from statelint.linter import Linter

from shim.deploy.engine.definition import SPREAD, WAIT, definition
from shim.deploy.engine.traffic import PAUSE, WAIT_PROVISIONED, WAIT_VERSION

UNKNOWN_TO_STATELINT = {
    # Its tables are older than JSONata in these fields (Step Functions Developer Guide, "Map state
    # in Distributed mode" and "Wait state").
    "State Machine.States.Functions.MaxConcurrency",
    "State Machine.States.Functions.ToleratedFailureCount",
    *(
        f"State Machine.States.Functions.ItemProcessor.States.{name}.Seconds"
        for name in (SPREAD, WAIT, WAIT_VERSION, PAUSE, WAIT_PROVISIONED)
    ),
    # Of an item reader it knows one kind of file.
    'Field "InputType" not allowed in State Machine.States.Functions.ItemReader.ReaderConfig',
}


def test_the_state_machine_is_valid() -> None:
    problems = {problem.partition(" is ")[0] for problem in Linter.validate(definition())}
    assert problems == UNKNOWN_TO_STATELINT


def test_a_mistake_would_be_found() -> None:
    text = json.dumps(definition()).replace('"Next": "Wait"', '"Next": "Weight"')
    assert any("Weight" in problem for problem in Linter.validate(json.loads(text)))


def test_it_takes_these_actions_and_no_others() -> None:
    resources = re.findall(r"arn:aws:states:::([\w:-]+)", json.dumps(definition()))
    assert set(resources) == {
        "s3:getObject",
        "aws-sdk:lambda:getFunction",
        "aws-sdk:lambda:updateFunctionCode",
        "aws-sdk:lambda:updateFunctionConfiguration",
        "aws-sdk:lambda:getAlias",
        "aws-sdk:lambda:publishVersion",
        "lambda:invoke",
        "aws-sdk:lambda:updateAlias",
        "aws-sdk:lambda:getProvisionedConcurrencyConfig",
        "aws-sdk:s3:putObject",
    }
