"""The states that a deployment passes through: each with its verdict, or what it lacks for one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.rules import check_runtime
from shim.check.runtimes import lambda_runtimes, read_runtimes
from shim.check.state import State
from shim.check.verdict import Answer
from shim.package.read import Package
from shim.plan.orders import Order
from shim.plan.refusals import refusal
from shim.plan.step import UpdateCode, configuration_step
from shim.templates.absent import PartialVerdicts
from shim.templates.model import Tool
from shim.templates.value import Reference, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from shim.check.findings import Finding
    from shim.check.verdict import Verdict
    from shim.package.packages import Packages
    from shim.templates.change import Pair
    from shim.templates.model import Function, Layer, Template
    from shim.templates.value import Content

_OLD = Package(path="the old code", entries=())
_NEW = Package(path="the new code", entries=())
"""What stands for a package that isn't at hand: the API's own refusals don't depend on it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Between:
    """What a function is between the two calls, if `order` is theirs."""

    order: Order
    code: str
    """`the new code`."""
    architecture: str
    runtime: str
    handler: str
    layers: str
    verdict: Verdict | None
    """None where something for it isn't at hand."""
    lacks: str | None
    refusal: str | None
    """Why the API refuses the first call."""

    @property
    def answer(self) -> Answer:
        """Whether it starts."""
        return self.verdict.answer if self.verdict else Answer.UNKNOWN


class Judge:
    """Gives verdicts on functions of templates, with the packages that are at hand."""

    def __init__(self, packages: Packages, layers: Mapping[str, Path], *, day: date) -> None:
        """`layers` says where zips of published layers lie, by ARN."""
        self.packages = packages
        self._layers = layers
        self.day = day
        self.verdicts = PartialVerdicts()
        self._named: dict[str, Package] = {}

    def between(self, pair: Pair) -> Iterator[Between]:
        """The state after the first call, in each order that the tool may choose."""
        code, configuration = pair.calls
        if not code or not configuration or pair.is_replaced or pair.new.is_image:
            return
        is_terraform = pair.new_side.tool is Tool.TERRAFORM
        old, new = (pair.old_side, pair.old), (pair.new_side, pair.new)
        if not is_terraform:
            yield self._after(pair, Order.CODE_FIRST, code=new, configuration=old)
        yield self._after(pair, Order.CONFIGURATION_FIRST, code=old, configuration=new)

    def _after(
        self,
        pair: Pair,
        order: Order,
        *,
        code: tuple[Template, Function],
        configuration: tuple[Template, Function],
    ) -> Between:
        state, lacks = self.state(code, configuration)
        is_known = state is not None and lacks is None
        settings = configuration[1]
        return Between(
            order=order,
            code=(_NEW if code[1] is pair.new else _OLD).path,
            architecture=str(code[1].architecture),
            runtime=str(settings.runtime),
            handler=str(settings.handler),
            layers=shown_layers(settings),
            verdict=self.verdicts.verdict(state) if is_known and state else None,
            lacks=lacks,
            refusal=self._refusal(pair, order),
        )

    def verdict(self, side: Template, function: Function) -> tuple[Verdict | None, str | None]:
        """On a function as it is; else what isn't at hand for one."""
        state, lacks = self.state((side, function), (side, function))
        if state is None or lacks is not None:
            return None, lacks
        return self.verdicts.verdict(state), None

    def starts_elsewhere(self, side: Template, function: Function) -> Arch | None:
        """The other architecture, if a function would start there as it is."""
        state, lacks = self.state((side, function), (side, function))
        if state is None or lacks is not None:
            return None
        other = next(one for one in Arch if one is not state.arch)
        answer = self.verdicts.verdict(replace(state, arch=other)).answer
        return other if answer is Answer.STARTS else None

    def state(
        self, code: tuple[Template, Function], configuration: tuple[Template, Function]
    ) -> tuple[State | None, str | None]:
        """One side's code with the other's configuration, and what of it isn't at hand."""
        side, settings = configuration
        runtime = read_runtimes().get(settings.runtime.text or "")
        architecture = code[1].architecture.text
        if runtime is None:
            return None, f"the runtime is not an OS-only one: {settings.runtime}"
        if architecture not in set(Arch):
            return None, f"the architecture is not known: {code[1].architecture}"
        package = code[1].package
        layers = list(self.layers_of(side, settings))
        paths = [path for _, path in layers if path is not None]
        absent = () if len(paths) == len(layers) else tuple(name for name, _ in layers)
        lacks = None if package is not None else "the package is not at hand"
        if settings.handler.unknown:
            lacks = f"the handler is not known: {settings.handler}"
        variables = settings.environment.content
        return State(
            package=_OLD if package is None else self.read(code[0], package),
            arch=Arch(architecture),
            runtime=runtime,
            handler=settings.handler.text or "",
            layers=() if absent else tuple(self.read(side, path) for path in paths),
            absent_layers=absent,
            environment=tuple(
                sorted(
                    (name, value)
                    for name, value in (variables.items() if isinstance(variables, dict) else ())
                    if isinstance(value, str)
                )
            ),
        ), lacks

    def read(self, side: Template, path: Path) -> Package:
        """A package by the name that people know: one out of git lies in a folder of ours."""
        package, name = self.packages.read(path), side.shown(path)
        if name == package.path:
            return package
        return self._named.setdefault(name, replace(package, path=name))

    def dates(self, side: Template, function: Function) -> tuple[Finding, ...]:
        """What the runtime's dates say; nothing of a runtime that isn't an OS-only one."""
        state, _ = self.state((side, function), (side, function))
        return tuple(check_runtime(state, self.day)) if state else ()

    def layer_problems(self, layer: Layer, arch: Content) -> tuple[Finding, ...]:
        """What keeps a layer's extensions from starting on an architecture that it says."""
        if layer.package is None or arch not in tuple(Arch):
            return ()
        state = State(
            package=_NEW,
            layers=(self.packages.read(layer.package),),
            arch=Arch(arch),
            runtime=lambda_runtimes()[0],
        )
        return tuple(
            one
            for one in self.verdicts.verdict(state).findings
            if one.code == "extension-wrong-architecture"
        )

    def layers_of(self, side: Template, function: Function) -> Iterator[tuple[str, Path | None]]:
        """Each layer's name, and where its zip lies."""
        content = function.layers.content
        for one in content if isinstance(content, list) else [content]:
            if isinstance(one, Reference) and one.id in side.layers:
                yield one.id, side.layers[one.id].package
            else:
                yield shown(one), self._layers.get(one) if isinstance(one, str) else None

    def _refusal(self, pair: Pair, order: Order) -> str | None:
        """Why the API refuses the first call: what its packages are doesn't matter for that."""
        old, _ = self.state((pair.old_side, pair.old), (pair.old_side, pair.old))
        new, _ = self.state((pair.new_side, pair.new), (pair.new_side, pair.new))
        if old is None or new is None:
            return None
        if order is Order.CODE_FIRST:
            return refusal(old, UpdateCode(package=new.package, arch=new.arch), day=self.day)
        step = configuration_step(old, new)
        return None if step == configuration_step(old, old) else refusal(old, step, day=self.day)


def shown_layers(function: Function) -> str:
    """All of them, by their names."""
    content = function.layers.content
    return (
        " + ".join(map(shown_layer, content if isinstance(content, list) else [content])) or "none"
    )


def shown_layer(content: Content) -> str:
    """A published layer by its name and version, any other as it is written."""
    text = shown(content)
    return ":".join(text.split(":")[-2:]) if text.startswith("arn:") else text
