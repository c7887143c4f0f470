"""An account in memory, whose packages a loopback server gives; what is asked of it is counted."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shim.aws.account import Caller, Described, Listed
from shim.aws.api import LATEST, Alias, Function, NotFound
from shim.aws.download import Link

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.scan.kinds import Kind

ARN = "arn:aws:lambda:eu-west-1:123456789012:{}:{}"


@dataclass(kw_only=True)
class Storage:
    """Zips by their name; a name that is in `refused` is answered so often with 403 first."""

    url: str = ""
    zips: dict[str, Path] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def answer(self, path: str) -> tuple[int, bytes]:
        name = path[1:]
        self.asked[name] += 1
        if self.refused[name]:
            self.refused[name] -= 1
            return 403, b"<Error/>"
        return (200, self.zips[name].read_bytes()) if name in self.zips else (404, b"")

    def add(self, path: Path) -> Link:
        """A link to a zip."""
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        self.zips[digest] = path
        return Link(url=f"{self.url}/{digest}", digest=digest, size=len(data))


@dataclass(kw_only=True)
class MemoryAccount:
    """See `shim.aws.account.AccountApi`."""

    storage: Storage
    known: dict[str, Described] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    """Of layers, by ARN."""
    callers: dict[str, tuple[Caller, ...]] = field(default_factory=dict)
    live_version: str = LATEST
    """That each function's alias is on."""
    calls: Counter[str] = field(default_factory=Counter)
    failing: dict[tuple[str, str], BaseException] = field(default_factory=dict)
    """What calls raise, by their name and the function's ARN."""

    def create(
        self, name: str, kind: Kind, path: Path, *, layer: Path | None = None, **tags: str
    ) -> Listed:
        """A function of a kind, with the zips at these paths."""
        link = self.storage.add(path)
        layers = []
        if layer is not None:
            layers.append(ARN.format("layer", f"{layer.stem}:1"))
            self.links[layers[0]] = self.storage.add(layer)
        sha256 = b64encode(bytes.fromhex(link.digest)).decode()
        listed = Listed(
            name=name,
            arn=ARN.format("function", name),
            runtime=kind.runtime,
            architecture=kind.arch.value,
            code_sha256=sha256,
            code_size=link.size,
            function=Function(
                version=LATEST,
                code_sha256=sha256,
                arch=kind.arch,
                runtime=kind.runtime,
                handler=kind.handler,
                layers=tuple(layers),
                environment=(("NUMBER", name),),
                revision="r",
            ),
        )
        self.known[listed.arn] = Described(
            listed=listed, tags=tuple(sorted(tags.items())), link=link
        )
        return listed

    def functions(self) -> Iterator[Listed]:
        self._call("ListFunctions")
        yield from (one.listed for one in self.known.values())

    def describe(self, function: str) -> Described:
        self._call("GetFunction", function)
        return self.known[function]

    def layer(self, arn: str) -> Link:
        self._call("GetLayerVersionByArn", arn)
        if arn not in self.links:
            raise NotFound("no such layer")
        return self.links[arn]

    def event_sources(self) -> Iterator[tuple[str, Caller]]:
        yield from ()

    def aliases(self, function: str) -> tuple[Alias, ...]:
        self._call("ListAliases", function)
        return (Alias(name="live", version=self.live_version),)

    def urls(self, function: str) -> tuple[Caller, ...]:
        self._call("ListFunctionUrlConfigs", function)
        return ()

    def permissions(self, function: str, qualifier: str) -> tuple[Caller, ...]:
        self._call("GetPolicy", function)
        callers = self.callers.get(function, ())
        return tuple(one for one in callers if one.qualifier == qualifier)

    def _call(self, name: str, about: str = "") -> None:
        self.calls[name] += 1
        if (name, about) in self.failing:
            raise self.failing[name, about]
