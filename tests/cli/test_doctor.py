"""`shim doctor`: what is there, what is missing, what is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shim.cli.main import main
from tests.cli.test_json import check_convention
from tests.systems.test_systems import SYSTEMS, shim_on

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of AWS's, no engine, a cache and a folder of its own."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("SHIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def findings(
    capsys: pytest.CaptureFixture[str], *words: str, status: int = 0
) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert main(["doctor", "--json", *words]) == status
    return {one["name"]: one for one in check_convention(capsys.readouterr().out)["findings"]}


def test_what_is_missing_says_how_it_would_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    found = findings(capsys)
    assert found["lean launchers"]["state"] == "fine"
    assert found["container engine"]["state"] == found["boto3"]["state"] == "missing"
    assert found["boto3"]["text"].endswith(", and no region is known")
    assert all(one["hint"] for one in found.values() if one["state"] == "missing")
    assert "identity" not in found
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert all(f"{one['state']:<7}  {name}" in shown for name, one in found.items())


def test_the_options_in_force_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shim.toml"
    path.write_text('region = "eu-west-1"\n[pack]\narch = ["arm64"]\n')
    found = findings(capsys)
    assert found["boto3"]["text"].endswith(", region eu-west-1")
    assert found["options"]["text"].startswith(f"{path}: pack: --arch; ")
    path.write_text("[pack]\nacrh = 'arm64'\n")
    broken = findings(capsys, status=1)["options"]
    assert (broken["state"], broken["hint"]) == ("broken", "did you mean `arch`?")
    assert broken["text"] == f"{path}:2: `shim pack` has no such option: `acrh`"


@pytest.mark.usefixtures("cloud")
def test_aws_is_asked_who_calls_where_that_is_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert findings(capsys)["boto3"]["state"] == "fine"
    identity = findings(capsys, "--identity")["identity"]
    assert identity["state"] == "fine"
    assert identity["text"].startswith("arn:aws:")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert findings(capsys, "--identity", status=1)["identity"]["state"] == "broken"


@pytest.mark.parametrize("system", SYSTEMS)
def test_other_systems_say_what_they_lack(system: str, tmp_path: Path) -> None:
    done = shim_on(system, ("doctor", "--no-color"), folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.count("starts Linux programs, and this is ") == 2
