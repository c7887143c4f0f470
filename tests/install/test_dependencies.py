"""shim with the lowest and the newest releases that it may depend on, under two Pythons."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.bench.record import save
from shim.package.packages import code_sha256
from shim.package.read import read_package
from tests.bench import fakes
from tests.install.conftest import ROOT
from tests.install.environment import Environment, pythons
from tests.plan.builders import zipped
from tests.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOUND = pythons()


@pytest.mark.parametrize("python", sorted({FOUND[0], FOUND[-1]}), ids=lambda path: path.name)
@pytest.mark.parametrize("releases", ["lowest", "newest"])
def test_it_packs_checks_plans_and_draws(
    wheel: Path, programs: dict[Arch, Path], tmp_path: Path, python: Path, releases: str
) -> None:
    environment = Environment(tmp_path / "environment", python)
    pins = ROOT / "requirements" / f"{releases}.txt"
    environment.install("--require-hashes", "--requirement", pins)
    environment.install("--no-deps", wheel)
    old, new = tmp_path / "old.zip", tmp_path / "new.zip"
    environment.shim("pack", f"orders={programs[Arch.X86_64]}", "-o", old)
    environment.shim("pack", f"order={programs[Arch.X86_64]}", "-o", new)
    script = {"bootstrap": b"#!/bin/sh\nexec ./app\n", "app": programs[Arch.X86_64].read_bytes()}
    environment.shim("check", zipped(tmp_path / "script.zip", script))
    with _account(old) as url:
        change = ("--function", "orders", "--package", str(new), "--handler", "order", "--json")
        planned = environment.shim("plan", *change, **_settings(url))
    assert len(json.loads(planned)["steps"]) == 3
    save(fakes.record({"nothing": [1, 2], "assembly": [2, 3]}), tmp_path / "bench.json")
    environment.shim("bench", "--record", tmp_path / "bench.json", "--plot", tmp_path / "bench.svg")
    assert (tmp_path / "bench.svg").read_text().startswith("<?xml")


@contextmanager
def _account(package: Path) -> Iterator[str]:
    """The address of an account with the function `orders`."""
    configuration = {
        "FunctionName": "orders",
        "Runtime": "provided.al2023",
        "Handler": "orders",
        "CodeSha256": code_sha256(read_package(package)),
        "CodeSize": package.stat().st_size,
        "RevisionId": "r1",
    }

    def answer(path: str) -> tuple[int, bytes]:
        code = {"Location": f"{url}/code"}
        told = json.dumps({"Configuration": configuration, "Code": code}).encode()
        return 200, package.read_bytes() if path == "/code" else told

    with served(answer) as url:
        yield url


def _settings(url: str) -> dict[str, str]:
    """What makes boto3 ask there, and take nothing from whoever runs this."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    files = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
    told = {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ENDPOINT_URL": url}
    return dict.fromkeys(names, "test") | dict.fromkeys(files, os.devnull) | told
