"""The two calls that change a function's state, and what each may carry (docs/why/lambda.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, assert_never

if TYPE_CHECKING:
    from shim.arch import Arch
    from shim.check.runtimes import Runtime
    from shim.check.state import State
    from shim.package.read import Package


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateCode:
    """Package and architecture, nothing else."""

    CALL: ClassVar = "UpdateFunctionCode"
    package: Package
    arch: Arch


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateConfiguration:
    """Any of these; None leaves a field as it is."""

    CALL: ClassVar = "UpdateFunctionConfiguration"
    runtime: Runtime | None = None
    handler: str | None = None
    layers: tuple[Package, ...] | None = None
    environment: tuple[tuple[str, str], ...] | None = None


Step = UpdateCode | UpdateConfiguration


def after(state: State, step: Step) -> State:
    """The state that `step` leads to."""
    match step:
        case UpdateCode():
            return replace(state, package=step.package, arch=step.arch)
        case UpdateConfiguration():
            return replace(
                state,
                runtime=state.runtime if step.runtime is None else step.runtime,
                handler=state.handler if step.handler is None else step.handler,
                layers=state.layers if step.layers is None else step.layers,
                environment=state.environment if step.environment is None else step.environment,
            )
        case _:
            assert_never(step)


def configuration_step(before: State, then: State) -> UpdateConfiguration:
    """The configuration call that leads from one to the other, without what stays as it is."""
    return UpdateConfiguration(
        runtime=None if then.runtime is before.runtime else then.runtime,
        handler=None if then.handler == before.handler else then.handler,
        layers=None if then.layers == before.layers else then.layers,
        environment=None if then.environment == before.environment else then.environment,
    )


def undo(before: State, step: Step) -> Step:
    """The call that leads back to `before` from where `step` has led."""
    match step:
        case UpdateCode():
            return UpdateCode(package=before.package, arch=before.arch)
        case UpdateConfiguration():
            return UpdateConfiguration(
                runtime=None if step.runtime is None else before.runtime,
                handler=None if step.handler is None else before.handler,
                layers=None if step.layers is None else before.layers,
                environment=None if step.environment is None else before.environment,
            )
        case _:
            assert_never(step)
