"""A deployment that the engine can take: looked at as `deploy` does, its layers published.

Layers are published from here and not by the state machine: their zips lie here, many functions
share them, and each has to be looked for among the versions that there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shim.check.verdicts import Verdicts
from shim.deploy.beforehand import Unfit, look_ahead
from shim.deploy.executor import Executor
from shim.deploy.transition import Transition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.aws.permissions import Place
    from shim.deploy.beforehand import Terms
    from shim.deploy.deployment import Means
    from shim.deploy.folder import Deployment, DeploymentFolder
    from shim.package.read import Package
    from shim.plan.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is handed over for one function."""

    deployment: Deployment
    layers: Mapping[Package, str]
    """The ARN of each that is published."""
    transition: Transition = field(default_factory=Transition)
    """How an alias gets to the new version."""
    index: int = 0
    """Of the plan's state that the function showed."""

    @property
    def plan(self) -> Plan:
        """What happens to `$LATEST`."""
        return self.deployment.latest


def order_of(folder: DeploymentFolder, means: Means, terms: Terms, *, place: Place) -> Order:
    """A folder's deployment as the engine at `place` can take it; `ShimError` where it can't."""
    deployment = folder.read()
    target = deployment.target
    if (target.region or place.region, target.account or place.account) != (
        place.region,
        place.account,
    ):
        raise Unfit(f"the function is in another account or region: {target.arn}")
    transition = means.transition(target)
    outlook = look_ahead(
        deployment,
        means.connect(target),
        transition=transition,
        verdicts=Verdicts(day=terms.day),
        terms=terms,
    )
    return Order(
        deployment=deployment, layers=outlook.arns, transition=transition, index=outlook.index
    )


def with_layers(order: Order, means: Means) -> Order:
    """The same, with those of its layers published that are in the account in no version yet."""
    layers = tuple(layer for state in order.plan.states for layer in state.layers)
    if all(layer in order.layers for layer in layers):
        return order
    target = order.deployment.target
    executor = Executor(
        means.connect(target),
        target.address,
        clock=means.clock,
        random=means.random,
        layers={layer.path: arn for layer, arn in order.layers.items()},
    )
    arns = dict(zip(layers, executor.layer_arns(layers), strict=True))
    return replace(order, layers=arns)
