"""`shim plan --function`: a function of an account, which is a loopback server here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shim.arch import Arch
from shim.cli.main import main
from shim.package.packages import code_sha256
from shim.package.read import read_package
from tests.check.builders import launcher, program
from tests.plan.builders import zipped
from tests.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("lean_launchers")
LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
X86, ARM = LAYER + "agent:3", LAYER + "agent:4"


class Account:
    """A function, its version 7, an alias on it, and two layers."""

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}
        self.url = ""

    def serve(self, target: str) -> tuple[int, bytes]:
        parts = urlsplit(target)
        answer = self.answer(parts.path, parse_qs(parts.query))
        body = answer if isinstance(answer, bytes) else json.dumps(answer or {}).encode()
        return (404 if answer is None else 200), body

    def answer(self, path: str, query: dict[str, list[str]]) -> Any:
        """As Lambda's REST API answers (botocore, lambda/2015-03-31/service-2.json)."""
        if path in self.files:
            return self.files[path].read_bytes()
        if path == "/2015-03-31/functions/orders":
            return {"Configuration": self._configuration(query), "Code": self._link("code")}
        if path == "/2015-03-31/functions/orders/aliases/live":
            return {"Name": "live", "FunctionVersion": "7", "RevisionId": "a1"}
        if path == "/2015-03-31/functions/orders/aliases/split":
            weights = {"AdditionalVersionWeights": {"6": 0.25}}
            return {"Name": "split", "FunctionVersion": "7", "RoutingConfig": weights} | {
                "RevisionId": "a2"
            }
        if path == "/2018-10-31/layers":
            name = {X86: "x86_64", ARM: "arm64"}[query["Arn"][0]]
            return {"Content": {**self._link(name), **self._about(name)}}
        return None

    def _configuration(self, query: dict[str, list[str]]) -> dict[str, Any]:
        return {
            **self._about("code"),
            "FunctionName": "orders",
            "FunctionArn": f"{FUNCTION}:$LATEST",
            "Runtime": "provided.al2023",
            "Handler": "orders",
            "RevisionId": "r1",
            "Version": query.get("Qualifier", ["$LATEST"])[0],
            "Layers": [{"Arn": X86}],
        }

    def _link(self, name: str) -> dict[str, Any]:
        return {"Location": f"{self.url}/{name}"}

    def _about(self, name: str) -> dict[str, Any]:
        path = self.files[f"/{name}"]
        return {"CodeSize": path.stat().st_size, "CodeSha256": code_sha256(read_package(path))}


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    found = Account()

    both = {".shim/x86_64": launcher(), ".shim/aarch64": launcher(Arch.ARM64)}
    both |= {"bootstrap": b'#!/bin/sh\nexec "${0%bootstrap}.shim/$(uname -m)" "$@"\n'}
    programs = {"orders": program(), "orders_arm64": program(Arch.ARM64)}
    found.files["/code"] = zipped(tmp_path / "code.zip", {**both, **programs})
    for arch in Arch:
        files = {"extensions/agent": program(arch)}
        found.files[f"/{arch}"] = zipped(tmp_path / f"{arch}.zip", files)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SHIM_CACHE", str(tmp_path / "cache"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "test")
    monkeypatch.chdir(tmp_path)
    with served(found.serve) as found.url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
        yield found


WORDS = ["plan", "--function", "orders", "--region", "eu-west-1", "--arch", "arm64"]


@pytest.mark.usefixtures("account")
def test_package_and_layers_are_downloaded_and_bridged(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*WORDS, "--layer", ARM]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("3 calls over a bridge layer; every state on the way starts")
    assert "agent:3" in printed
    assert len(list((tmp_path / "cache" / "functions").iterdir())) == 3
    # In the script, published layers stand with their ARNs.
    assert main([*WORDS, "--layer", ARM, "--aws"]) == 0
    assert f"--layers {ARM}" in capsys.readouterr().out


@pytest.mark.usefixtures("account")
def test_the_plan_says_which_function_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WORDS, "--layer", ARM, "--json"]) == 0
    function = json.loads(capsys.readouterr().out)["function"]
    assert function == {"name": "orders", "arn": FUNCTION, "revision": "r1"}


@pytest.mark.usefixtures("account")
def test_an_alias_that_somebody_split_is_no_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WORDS, "--layer", ARM, "--alias", "split"]) == 2
    said = capsys.readouterr().err
    assert "the alias split is split: 25% of its traffic goes to version 6, the rest to 7" in said


@pytest.mark.usefixtures("account")
def test_an_aliass_version_is_looked_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WORDS, "--layer", ARM, "--alias", "live"]) == 0
    assert "all to version 7" in capsys.readouterr().out
    assert main([*WORDS, "--layer", ARM, "--alias", "none"]) == 3
    assert "\nerror: GetAlias: " in capsys.readouterr().err


@pytest.mark.usefixtures("account")
def test_a_function_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--function", "none", "--region", "eu-west-1"]) == 3
    said = capsys.readouterr().err
    assert "\nerror: reading the function `none`: " in said
    assert "Traceback" not in said
