"""AWS Step Functions, as far as the engine asks: a state machine, its executions, their counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shim.aws.outcome import calling

if TYPE_CHECKING:
    from collections.abc import Mapping


class Status(StrEnum):
    """Of an execution, spelt as the API spells it."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    PENDING_REDRIVE = "PENDING_REDRIVE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """As it is now."""

    arn: str
    status: Status
    counts: Mapping[str, int]
    """Children by how they are (`running`, `failed` and so on); empty before there are any."""
    problem: str = ""
    """Why it failed."""


class StateMachines:
    """Of a `stepfunctions` client, which may send a call again: all are the same twice."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def make(self, name: str, definition: str, *, role: str) -> str:
        """The ARN of the machine of that name, made where there is none."""
        arn = self._call(
            "create_state_machine", name=name, definition=definition, roleArn=role, type="STANDARD"
        )["stateMachineArn"]
        # One that is there already keeps its role, whatever the call says (its API reference).
        if self._call("describe_state_machine", stateMachineArn=arn)["roleArn"] != role:
            self._call("update_state_machine", stateMachineArn=arn, roleArn=role)
        return str(arn)

    def definition(self, machine: str) -> str:
        """Of a machine."""
        answer = self._call("describe_state_machine", stateMachineArn=machine)
        return str(answer["definition"])

    def start(self, machine: str, name: str, document: str) -> str | None:
        """The ARN of the execution of that name; None where one of it has ended before.

        One that is running already is that execution, where it was started with this document.
        """
        with calling("StartExecution", service="states"):
            try:
                answer = self._client.start_execution(
                    stateMachineArn=machine, name=name, input=document
                )
            except self._client.exceptions.ExecutionAlreadyExists:
                return None
        return str(answer["executionArn"])

    def look(self, execution: str) -> Execution:
        """How far it is."""
        now = self._call("describe_execution", executionArn=execution)
        runs = self._call("list_map_runs", executionArn=execution)["mapRuns"]
        counts = {}
        if runs:
            run = self._call("describe_map_run", mapRunArn=runs[0]["mapRunArn"])
            counts = run["itemCounts"]
        problem = ": ".join(filter(None, (now.get("error"), now.get("cause"))))
        return Execution(
            arn=execution, status=Status(now["status"]), counts=counts, problem=problem
        )

    def stop(self, execution: str) -> None:
        """End it; children stop before their next call."""
        self._call("stop_execution", executionArn=execution)

    def _call(self, call: str, **fields: Any) -> Any:
        with calling("".join(part.capitalize() for part in call.split("_")), service="states"):
            return getattr(self._client, call)(**fields)
