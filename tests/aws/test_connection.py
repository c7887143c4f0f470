"""Accounts, regions, roles and endpoints are found as every AWS tool finds them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shim.aws.connection import Connection
from shim.cli.main import main
from shim.errors import MachineError
from tests.plan.worlds import NAME, World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.aws.wire.server import Cloud

OTHER, ABROAD = "210987654321", "us-east-1"
ROLE = f"arn:aws:iam::{OTHER}:role/deployer"


@pytest.fixture(autouse=True)
def functions(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in each of three places, which says where it is."""
    monkeypatch.setenv("SHIM_CACHE", str(tmp_path / "cache"))
    world = World(folder=tmp_path)
    for place in ((), (OTHER,), (OTHER, ABROAD)):
        account = cloud.account(*place)
        account.create(NAME, world.state).more["Description"] = f"{account.number}/{account.region}"


def settings(cloud: Cloud, text: str) -> None:
    (cloud.folder / "config").write_text(text)


def place_of(connection: Connection) -> str:
    return str(connection.client().get_function(FunctionName=NAME)["Configuration"]["Description"])


def test_the_environment_says_account_region_and_endpoint() -> None:
    assert place_of(Connection()) == "123456789012/eu-west-1"


def test_a_profile_says_them_and_an_option_the_region(cloud: Cloud) -> None:
    settings(
        cloud,
        f"[profile other]\nregion = eu-west-1\naws_access_key_id = {OTHER}\n"
        "aws_secret_access_key = secret\n",
    )
    # AWS_DEFAULT_REGION goes before a profile's: boto3's rule.
    assert place_of(Connection(profile="other")) == f"{OTHER}/eu-west-1"
    assert place_of(Connection(profile="other", region=ABROAD)) == f"{OTHER}/{ABROAD}"


def test_a_role_of_another_account_is_assumed(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = cloud.environment()["AWS_ACCESS_KEY_ID"]
    settings(
        cloud,
        f"[profile base]\naws_access_key_id = {number}\naws_secret_access_key = secret\n"
        f"[profile deployer]\nrole_arn = {ROLE}\nsource_profile = base\nregion = {ABROAD}\n",
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    connection = Connection(profile="deployer", region=ABROAD)
    assert connection.client("sts").get_caller_identity()["Account"] == OTHER
    assert place_of(connection) == f"{OTHER}/{ABROAD}"


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_LAMBDA", "--endpoint-url"])
def test_an_endpoint_of_ones_own_goes_before_the_general_one(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody's
    if name == "--endpoint-url":
        connection = Connection(endpoint_url=cloud.url)
    else:
        monkeypatch.setenv(name, cloud.url)
        connection = Connection()
    assert place_of(connection) == "123456789012/eu-west-1"


@pytest.mark.parametrize(
    ("region", "profile", "endpoint_url"),
    [(None, None, "no-url"), ("no region", None, None), (None, "nobody", None)],
)
def test_settings_that_make_no_sense_are_one_sentence(
    region: str | None, profile: str | None, endpoint_url: str | None
) -> None:
    with pytest.raises(MachineError, match="boto3 can't call AWS: ") as caught:
        Connection(region=region, profile=profile, endpoint_url=endpoint_url).client()
    assert caught.value.hint
    assert "--endpoint-url" in caught.value.hint


def test_aws_region_goes_before_the_default_one_and_after_the_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    words = ["plan", "--function", NAME, "--handler", "bills", "--iam"]
    for option, region in (((), "us-east-2"), (("--region", ABROAD), ABROAD)):
        assert main([*words, *option]) == 0
        assert f":lambda:{region}:*:function:{NAME}" in capsys.readouterr().out


def test_the_commands_options_lead_there(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings(
        cloud,
        f"[profile other]\naws_access_key_id = {OTHER}\naws_secret_access_key = secret\n",
    )
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    words = ["plan", "--function", NAME, "--handler", "bills", "--json", "--profile", "other"]
    assert main([*words, "--region", ABROAD, "--endpoint-url", cloud.url]) == 0
    assert json.loads(capsys.readouterr().out)["function"]["arn"].split(":")[3:5] == [ABROAD, OTHER]
