"""What a release is made of, as a CycloneDX document: what pip installs, and what is linked in."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from lean import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SHIM, LAUNCHERS = "lambda-shim", "lambda-shim-launchers"
SCHEMA = SchemaVersion.V1_6


def write_sbom(path: Path, environment: Path, *, wheels: Sequence[Path], time: int) -> None:
    """Describe the environment, in which the wheels are installed; raises `BuildError`."""
    read: Any = Bom  # its reader is put on it by a decorator, which mypy does not see through
    bom = read.from_json(json.loads(_installed(environment, time=time)))
    parts = {part.name: part for part in bom.components}
    launchers = parts[LAUNCHERS]
    for wheel in wheels:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        part = parts[wheel.name.split("-")[0].replace("_", "-")]
        part.hashes.add(HashType.from_composite_str(f"sha256:{digest}"))
    (folder,) = environment.glob(f"lib/*/site-packages/shim_launchers/{launchers.version}")
    launchers.components.update(_linked(folder))
    bom.metadata.component = shim = parts.pop(SHIM)
    bom.components = parts.values()  # which the set they were in took for others: they have changed
    bom.serial_number = uuid5(NAMESPACE_URL, str(shim.purl))  # the same each time
    text = make_outputter(bom, OutputFormat.JSON, SCHEMA).output_as_string(indent=2)
    if error := JsonStrictValidator(SCHEMA).validate_str(text):
        raise BuildError(f"the SBOM is not as CycloneDX has it: {error}")
    path.write_text(text + "\n")


def _installed(environment: Path, *, time: int) -> str:
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"]
    done = subprocess.run(
        [*command, environment],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(time)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"cyclonedx-py failed: {done.stderr}")
    return done.stdout


def _linked(folder: Path) -> Iterator[Component]:
    """What is in the full launchers besides our own, in the versions that BUILDINFO knows."""
    facts = [json.loads(path.read_text()) for path in sorted(folder.glob("BUILDINFO-*"))]
    for fact in facts or [{}]:
        python, glibc = fact.get("python"), fact.get("glibc", "").removeprefix("glibc ") or None
        yield _part("cpython", python, cpe=f"cpe:2.3:a:python:python:{python or '*'}")
        yield _part("glibc", glibc, cpe=f"cpe:2.3:a:gnu:glibc:{glibc or '*'}")
        yield _part("nuitka", fact.get("tools", {}).get("Nuitka"), kind="pypi")


def _part(name: str, version: str | None, *, kind: str = "generic", cpe: str = "") -> Component:
    purl = PackageURL(kind, name=name, version=version)
    return Component(
        name=name,
        version=version,
        purl=purl,
        bom_ref=str(purl),
        cpe=f"{cpe}:*:*:*:*:*:*:*" if cpe else None,
    )
