"""The layers that an account has published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.aws.api import Refused

if TYPE_CHECKING:
    from shim.aws.api import Zip
    from shim.package.read import Package

_ARN = "arn:aws:lambda:us-east-1:123456789012:layer:{name}:{number}"


class Layers:
    """Versions of layers, by their ARNs."""

    def __init__(self) -> None:
        self._versions: dict[str, tuple[Zip, Package]] = {}

    def add(self, arn: str, layer: Zip, package: Package) -> None:
        """A version that has an ARN already."""
        self._versions[arn] = layer, package

    def find(self, name: str, layer: Zip) -> str | None:
        """The newest version of that name with the same bytes."""
        for arn, (known, _) in reversed(self._versions.items()):
            if f":layer:{name}:" in arn and known.sha256 == layer.sha256:
                return arn
        return None

    def publish(self, name: str, layer: Zip, package: Package) -> str:
        """The next version of that name; its ARN."""
        number = 1 + sum(f":layer:{name}:" in arn for arn in self._versions)
        arn = _ARN.format(name=name, number=number)
        self.add(arn, layer, package)
        return arn

    def package(self, arn: str) -> Package:
        """What is in a version."""
        if arn not in self._versions:
            raise Refused(f"layer version does not exist: {arn}")
        return self._versions[arn][1]
