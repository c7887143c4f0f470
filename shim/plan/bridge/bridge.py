"""A bridge: a package or a layer that is there for the time of a change only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.package.limits import format_size, read_limits
from shim.package.read import Package
from shim.plan.bridge.contents import check_paths

if TYPE_CHECKING:
    from shim.plan.bridge.contents import Files


@dataclass(frozen=True, kw_only=True, slots=True)
class Bridge:
    """What a plan may go over."""

    package: Package
    what: str
    """What it is: goes on from "the bridge package"."""
    layers: tuple[tuple[Package, ...], ...] = ()
    """The layers, with it among them, that a function may have meanwhile; empty: it is no layer."""
    handler: str | None = None
    """A handler's name that only it has a program for."""

    @property
    def kind(self) -> str:
        """What it is called."""
        return "bridge layer" if self.layers else "bridge package"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bridges:
    """All of a kind that could be made, those first that mix the least; and why others not."""

    found: tuple[Bridge, ...] = ()
    reasons: tuple[str, ...] = ()


def package_of(files: Files, path: str) -> Package:
    """A package of these, as if it were at `path`; raises `InputError` where there can be none."""
    check_paths(files)
    entries = tuple(replace(entry, name=name) for name, entry in sorted(files.items()))
    package = Package(path=path, entries=entries)
    if package.size > (limit := read_limits().unzipped):
        raise InputError(
            f"together they unpack to {format_size(package.size)}, and Lambda takes"
            f" {format_size(limit)}"
        )
    return package
