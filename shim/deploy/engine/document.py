"""A plan as the state machine of definition.py reads it, made from a deployment folder's.

It is derived and never read back: `plan.json` stays the one that people keep. Everything that a
call carries is worked out here, for the machine can only compare and send.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from shim.document import document
from shim.fields import read_json
from shim.package.packages import code_sha256
from shim.plan.alias import AliasPlan, MoveAlias, PublishVersion
from shim.plan.step import UpdateCode, UpdateConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.aws.bucket import StoredObject
    from shim.check.state import State
    from shim.deploy.folder import Deployment
    from shim.deploy.transition import Transition
    from shim.package.read import Package
    from shim.plan.step import Step

ENGINE_FORMAT = 1
"""Of these documents: counted up when the state machine must be another one for them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """Where in the account a plan's zips are."""

    zips: Mapping[Package, StoredObject]
    """Of every package that a call uploads."""
    layers: Mapping[Package, str]
    """ARNs."""


def engine_document(
    deployment: Deployment, placed: Placed, *, transition: Transition
) -> dict[str, Any]:
    """What the machine is given for one function; it has values of the environment."""
    plan, target = deployment.latest, deployment.target
    content: dict[str, Any] = {
        "name": target.name,
        "function": target.address,
        "states": [_settings(state, placed.layers) for state in plan.states],
        "calls": [
            {"call": step.CALL, "parameters": _parameters(step, placed)} for step in plan.steps
        ],
    }
    if isinstance(deployment.plan, AliasPlan) and deployment.plan.after:
        content["alias"] = _alias(deployment.plan, transition)
    return document(ENGINE_FORMAT, content)


def _alias(plan: AliasPlan, transition: Transition) -> dict[str, Any]:
    """Which one, from where, and what there is to know on its way."""
    moves = [step for step in plan.after if isinstance(step, MoveAlias)]
    codes = [step.code_sha256 for step in plan.after if isinstance(step, PublishVersion)]
    content = {
        "name": moves[0].alias,
        "old": moves[0].old_version,
        "code": codes[0],
        "shares": [step.share for step in moves],
        "pause": transition.pause,
        "event": read_json(transition.event).value,
    }
    return {name: one for name, one in content.items() if one is not None}


def _settings(state: State, layers: Mapping[Package, str]) -> dict[str, Any]:
    """As `GetFunction` shows a function in that state."""
    return {
        "CodeSha256": code_sha256(state.package),
        "Architectures": [state.arch.value],
        "Runtime": state.runtime.name,
        "Handler": state.handler,
        "Layers": [*(layers[one] for one in state.layers), *state.absent_layers],
        "Environment": dict(state.environment),
    }


def _parameters(step: Step, placed: Placed) -> dict[str, Any]:
    match step:
        case UpdateCode():
            stored = placed.zips[step.package]
            return {
                "Architectures": [step.arch.value],
                "S3Bucket": stored.bucket,
                "S3Key": stored.key,
                "S3ObjectVersion": stored.version,
            }
        case UpdateConfiguration():
            layers, environment = step.layers, step.environment
            carried = {
                "Runtime": None if step.runtime is None else step.runtime.name,
                "Handler": step.handler,
                "Layers": None if layers is None else [placed.layers[one] for one in layers],
                "Environment": None if environment is None else {"Variables": dict(environment)},
            }
            return {name: one for name, one in carried.items() if one is not None}
        case _:
            assert_never(step)
