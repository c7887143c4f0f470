"""What an account has in one region: functions, each with its control plane, layers, invokers."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from shim.aws.api import LATEST, NotFound, Zip
from shim.package.read import read_package
from shim.simulate.budget import NOT_LIMITED, Budget
from shim.simulate.control import ControlPlane
from shim.simulate.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from shim.check.state import State
    from shim.package.read import Package
    from shim.simulate.timeline import Timeline

QUICK = Timing(call=(0.0, 0.0), update=(1.0, 1.0), publish=(1.0, 1.0), spread=0.0, linger=0.0)
"""A call takes the time that it takes; an update and a version one second."""

_NAME = re.compile(
    r"(?:arn:aws:lambda:(?P<region>[\w-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[\w-]+)(?::(?P<qualifier>[\w$-]+))?",
    re.ASCII,
)


@dataclass(kw_only=True)
class Function:
    """One function, and what Lambda knows of it besides what a plan can change."""

    plane: ControlPlane
    more: dict[str, Any] = field(default_factory=dict)
    """Further fields of its configuration, such as `Timeout` or `DeadLetterConfig`."""
    tags: dict[str, str] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    """JSON, by qualifier."""
    urls: dict[str, str] = field(default_factory=dict)
    """Of the function itself (`$LATEST`) and of aliases, by qualifier."""
    reserved: int | None = None
    """Reserved concurrency."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerVersion:
    """One version of a layer."""

    arn: str
    package: Zip
    architectures: Sequence[str] = ()

    @property
    def number(self) -> int:
        """At the end of its ARN."""
        return int(self.arn.rpartition(":")[2])


class Account:
    """One account in one region; `day` is the day that it is there, for runtimes' dates."""

    def __init__(
        self,
        *,
        number: str,
        region: str,
        folder: Path,
        clock: Timeline,
        timing: Timing = QUICK,
        day: date | None = None,
    ) -> None:
        self.number = number
        self.region = region
        self.functions: dict[str, Function] = {}
        self.layers: dict[str, list[LayerVersion]] = {}
        self.mappings: list[dict[str, Any]] = []
        """Event sources, as `ListEventSourceMappings` shows them."""
        self.budget = Budget(clock)
        self._folder = folder
        self._clock = clock
        self._timing = timing
        self._day = day
        self._packages: dict[str, Package] = {}

    def create(self, name: str, state: State, *, layers: Sequence[str] = ()) -> Function:
        """A function in that state, with the versions of layers that have these ARNs."""
        plane = ControlPlane(
            self._clock,
            Random(1),
            name=name,
            timing=self._timing,
            day=self._day,
            budget=Budget(self._clock, NOT_LIMITED),
        )
        for versions in self.layers.values():
            for version in versions:
                plane.add_layer(version.arn, version.package, self._read(version.package))
        package = self.keep(Path(state.package.path).read_bytes())
        self._packages[package.sha256] = state.package
        plane.create(state, package, layers=layers)
        self.functions[name] = Function(plane=plane)
        return self.functions[name]

    def add_layer(self, name: str, data: bytes, *, architectures: Sequence[str] = ()) -> str:
        """The ARN of a new version of a layer."""
        versions = self.layers.setdefault(name, [])
        arn = f"{self.arn('layer', name)}:{len(versions) + 1}"
        package = self.keep(data)
        versions.append(LayerVersion(arn=arn, package=package, architectures=architectures))
        for function in self.functions.values():
            function.plane.add_layer(arn, package, self._read(package))
        return arn

    def keep(self, data: bytes) -> Zip:
        """An uploaded zip."""
        digest = sha256(data).digest()
        path = self._folder / f"{digest.hex()}.zip"
        if not path.exists():
            path.write_bytes(data)
        return Zip(path=path, sha256=b64encode(digest).decode())

    def add_package(self, package: Zip, plane: ControlPlane) -> None:
        """Let a function have a zip that was uploaded for it, read once in the account."""
        plane.add_package(package, self._read(package))

    def split(self, words: str) -> tuple[str, str]:
        """The function's name, and the qualifier, in a name or ARN."""
        found = _NAME.fullmatch(words)
        return (found["name"], found["qualifier"] or "") if found else (words, "")

    def find(self, words: str, qualifier: str = "") -> tuple[str, Function, str]:
        """Name, function and qualifier of a name or ARN."""
        name, own = self.split(words)
        if name not in self.functions:
            raise NotFound(f"Function not found: {self.arn('function', name)}")
        return name, self.functions[name], qualifier or own or LATEST

    def arn(self, kind: str, name: str) -> str:
        """Of a function or a layer."""
        return f"arn:aws:lambda:{self.region}:{self.number}:{kind}:{name}"

    def path_of(self, code_sha256: str) -> str:
        """The name of the file with a zip."""
        return f"{b64decode(code_sha256).hex()}.zip"

    def size_of(self, code_sha256: str) -> int:
        """The bytes of a zip."""
        return (self._folder / self.path_of(code_sha256)).stat().st_size

    def size_of_layer(self, arn: str) -> int:
        """The bytes of a layer's zip."""
        versions = self.layers[arn.split(":")[-2]]
        return next(self.size_of(one.package.sha256) for one in versions if one.arn == arn)

    def _read(self, package: Zip) -> Package:
        if package.sha256 not in self._packages:
            self._packages[package.sha256] = read_package(package.path)
        return self._packages[package.sha256]
