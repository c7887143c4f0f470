"""What the API itself refuses, whatever the function would do with it.

Each call is checked against what the function has at that moment, not against what it shall become:
that alone already bars some orders.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, assert_never

from shim.check.rules import unzipped_size
from shim.check.runtimes import read_service
from shim.package.limits import format_size, read_limits
from shim.package.names import api_problem
from shim.plan.step import UpdateCode, UpdateConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from shim.arch import Arch
    from shim.check.runtimes import Runtime
    from shim.check.state import State
    from shim.package.read import Package
    from shim.plan.plan import Plan
    from shim.plan.step import Step


def refusal(state: State, step: Step, *, day: date | None) -> str | None:
    """Why the API refuses `step` for a function in `state` on `day`; None where it takes it.

    Without a day the runtimes' dates are left out.
    """
    return _refused_by_dates(state, step, day) or _refused_by_values(state, step)


def refused(plan: Plan, *, after: int = 0, day: date | None) -> str | None:
    """Why the API refuses one of the plan's calls `after` the first so many; None where none."""
    ahead = zip(plan.states[after:], plan.steps[after:], strict=False)
    return next(filter(None, (refusal(state, step, day=day) for state, step in ahead)), None)


def _refused_by_dates(state: State, step: Step, day: date | None) -> str | None:
    """Runtimes that can't be updated any more, or moved to (runtimes.toml has the dates).

    "The runtime parameter of … is no longer supported for creating or updating AWS Lambda
    functions" (quoted in goadapp/goad #190); the way out to another runtime stays open.
    """
    if day is None:
        return None
    now, wanted = state.runtime, _runtime_after(state, step)
    if wanted is now and _is_past(now.update_blocked, day):
        return (
            f"functions on {now.name} can't be updated since {now.update_blocked}:"
            " only a call that changes the runtime is taken"
        )
    if wanted is not now and _is_past(wanted.create_blocked, day):
        return f"no function can be moved to {wanted.name} since {wanted.create_blocked}"
    return None


def _refused_by_values(state: State, step: Step) -> str | None:
    match step:
        case UpdateCode():
            return _architecture_problem(state.runtime, step.arch) or _size_problem(
                step.package, state.layers
            )
        case UpdateConfiguration():
            return (
                _empty_problem(step)
                or (_architecture_problem(step.runtime, state.arch) if step.runtime else None)
                or (_handler_problem(step.handler) if step.handler is not None else None)
                or _layers_problem(state, step)
                or (_environment_problem(step.environment) if step.environment else None)
            )
        case _:
            assert_never(step)


def _architecture_problem(runtime: Runtime, arch: Arch) -> str | None:
    """The runtime has to have the architecture that the function has after this very call.

    "Runtime go1.x does not support the following architectures [arm64]" is what AWS says
    (hashicorp/terraform-provider-aws #28216; aws/aws-cdk #26815).
    """
    if arch in runtime.architectures:
        return None
    return f"{runtime.name} does not support {arch}, only {', '.join(runtime.architectures)}"


def _empty_problem(step: UpdateConfiguration) -> str | None:
    return "the call changes nothing" if step == UpdateConfiguration() else None


def _handler_problem(handler: str) -> str | None:
    problem = api_problem(handler)
    return f"a handler can't have this name, {problem}: `{handler}`" if problem else None


def _layers_problem(state: State, step: UpdateConfiguration) -> str | None:
    """Lambda quotas: layers of a function."""
    if step.layers is None:
        return None
    limit = read_service().layers
    if len(step.layers) > limit:
        return f"there are {len(step.layers)} layers, Lambda takes {limit}"
    return _size_problem(state.package, step.layers)


def _size_problem(package: Package, layers: tuple[Package, ...]) -> str | None:
    """Lambda quotas: package and layers, unzipped; both calls are checked against it."""
    size, limit = unzipped_size(package, *layers), read_limits().unzipped
    if size <= limit:
        return None
    return f"package and layers unpack to {format_size(size)}, Lambda takes {format_size(limit)}"


def _environment_problem(environment: Iterable[tuple[str, str]]) -> str | None:
    """Lambda quotas: the variables as one JSON object (limits.toml)."""
    text = json.dumps(dict(environment), separators=(",", ":"), ensure_ascii=False)
    size, limit = len(text.encode(errors="surrogatepass")), read_limits().environment
    if size <= limit:
        return None
    return f"the environment has {size:,} bytes, Lambda takes {limit:,}"


def _runtime_after(state: State, step: Step) -> Runtime:
    if isinstance(step, UpdateConfiguration) and step.runtime is not None:
        return step.runtime
    return state.runtime


def _is_past(since: date | None, day: date) -> bool:
    return since is not None and day >= since
