"""Functions of twenty kinds, as accounts have them: what is in their packages and how they are set.

The programs come as an argument: small ELF files that only have headers, or what zig makes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from shim.arch import Arch
from tests.check.builders import DUAL, launcher, program

if TYPE_CHECKING:
    from collections.abc import Mapping

AL2023, AL2, GO = "provided.al2023", "provided.al2", "go1.x"
X86, ARM = Arch.X86_64, Arch.ARM64


class Builds(Protocol):
    """Programs for one architecture."""

    def static(self, arch: Arch) -> bytes:
        """One that needs nothing."""

    def glibc(self, arch: Arch, version: str) -> bytes:
        """One that asks for that version of glibc."""

    def musl(self, arch: Arch) -> bytes:
        """One whose interpreter no runtime has."""

    def launcher(self, arch: Arch) -> bytes:
        """A launcher."""


class Headers:
    """Programs that have headers alone; which glibc they want isn't in them."""

    def static(self, arch: Arch) -> bytes:
        """See `Builds`."""
        return program(arch)

    def glibc(self, arch: Arch, version: str) -> bytes:
        """See `Builds`."""
        return program(arch, mark=version.encode())

    def musl(self, arch: Arch) -> bytes:
        """See `Builds`."""
        return program(arch, interpreter=f"/lib/ld-musl-{arch.machine}.so.1".encode())

    def launcher(self, arch: Arch) -> bytes:
        """See `Builds`."""
        return launcher(arch)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of function."""

    files: Mapping[str, bytes]
    runtime: str = AL2
    arch: Arch = X86
    handler: str = "orders"
    layer: Mapping[str, bytes] = field(default_factory=dict)
    """What is in its one layer; empty where it has none."""


def kinds(builds: Builds) -> dict[str, Kind]:
    """By what is particular about them."""
    static, glibc, musl, launch = builds.static, builds.glibc, builds.musl, builds.launcher
    both = {"orders": static(X86), "orders_arm64": static(ARM)}
    dual = {"bootstrap": DUAL} | {f".shim/{arch.machine}": launch(arch) for arch in Arch}
    by_hand = (
        b'#!/bin/sh\ncase "$(uname -m)" in\naarch64) exec "./${_HANDLER}_arm64" ;;\nesac\n'
        b'exec "./$_HANDLER"\n'
    )
    simple = b'#!/bin/sh\nexec "$LAMBDA_TASK_ROOT/$_HANDLER"\n'
    agents = {
        "extensions/agent": b'#!/bin/sh\nexec "/opt/.extensions/$(uname -m)/agent" "$@"\n',
        **{f".extensions/{arch.machine}/agent": static(arch) for arch in Arch},
    }
    single = {"bootstrap": launch(X86), "orders": static(X86)}
    return {
        "launcher": Kind(files=single),
        "launcher-arm64": Kind(
            files={"bootstrap": launch(ARM), "orders_arm64": static(ARM)}, arch=ARM
        ),
        "dual": Kind(files={**dual, **both}),
        "dual-al2023": Kind(files={**dual, **both}, runtime=AL2023),
        "go": Kind(files={"orders": static(X86)}, runtime=GO),
        "go-with-bootstrap": Kind(
            files={"orders": static(X86), "bootstrap": static(X86)}, runtime=GO
        ),
        "native": Kind(files={"bootstrap": static(X86)}, handler="bootstrap"),
        "native-arm64": Kind(files={"bootstrap": static(ARM)}, arch=ARM, handler="bootstrap"),
        "glibc-2-17": Kind(files={"bootstrap": glibc(X86, "2.17")}, handler="any"),
        "glibc-2-26": Kind(files={"bootstrap": glibc(X86, "2.26")}, handler="any"),
        "glibc-2-34": Kind(
            files={"bootstrap": glibc(ARM, "2.34")}, arch=ARM, runtime=AL2023, handler="any"
        ),
        "glibc-2-38": Kind(files={"bootstrap": glibc(X86, "2.38")}, runtime=AL2023, handler="any"),
        "musl": Kind(files={"bootstrap": musl(X86)}, handler="any"),
        "script": Kind(files={"bootstrap": simple, "orders": static(X86)}),
        "script-by-machine": Kind(files={"bootstrap": by_hand, **both}),
        "script-crlf": Kind(files={**single, "bootstrap": b"#!/bin/sh\r\nexec ./orders\r\n"}),
        "script-unknown": Kind(
            files={"bootstrap": b'#!/bin/sh\neval "$(./start "$_HANDLER")"\n', **both}
        ),
        "python": Kind(
            files={"bootstrap": b"#!/usr/bin/python2.7\nimport orders\n"}, handler="orders.main"
        ),
        "agent-x86_64": Kind(files={**dual, **both}, layer={"extensions/agent": static(X86)}),
        "agent-both": Kind(files={**dual, **both}, layer=agents),
    }
