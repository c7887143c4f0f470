"""A layer with the launcher, for reuse by many functions."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.package.function import FunctionPackage, by_path, plan_package

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shim.package.entry import InputFile


def plan_layer(
    files: Sequence[InputFile], *, architectures: frozenset[Arch], allow_missing: bool
) -> FunctionPackage:
    """A layer with the launcher, and with the handlers in `files` if there are any.

    Without handlers it is for `architectures`, or for both.
    """
    if any(file.architectures for file in files):
        return plan_package(files, architectures=architectures, allow_missing=allow_missing)
    targets = tuple(arch for arch in Arch if arch in (architectures or frozenset(Arch)))
    found = by_path((file.name, file) for file in files)
    return FunctionPackage(architectures=targets, handlers={}, files=found)


def publish_arguments(architectures: Iterable[Arch]) -> list[str]:
    """Of `aws lambda publish-layer-version`, all that follows from what is in the layer."""
    data = tomllib.loads(Path(__file__).with_name("layer.toml").read_text("utf-8"))
    return [
        *("--compatible-architectures", *architectures),
        *("--compatible-runtimes", *data["compatible_runtimes"]),
    ]
