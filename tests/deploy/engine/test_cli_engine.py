"""`shim deploy --engine step-functions`, from folders to what their records say then."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from shim.cli.main import main
from shim.deploy.engine.definition import definition
from shim.deploy.folder import RECORD
from shim.errors import InputError
from tests.aws.wire.server import REGION
from tests.cli.test_json import check_convention
from tests.deploy.engine.interpreter import BUCKET, ROLE, VALUE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deploy.engine.interpreter import Engine

HANDED = ("--engine", "step-functions", "--s3-bucket", BUCKET, "--role", ROLE, "--wait", "1")


def shim(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["deploy", *words])
    printed = capsys.readouterr()
    assert VALUE not in printed.out + printed.err
    return status, printed.out, printed.err


def events(folder: Path) -> list[dict[str, Any]]:
    text = (folder / RECORD).read_text()
    assert VALUE not in text
    return [json.loads(line) for line in text.splitlines()]


def test_folders_are_handed_over_and_their_records_say_what_became_of_them(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (str(folders), *HANDED, "--yes", "--allow-unknown")
    status, out, err = shim(capsys, *words, "--json")
    assert status == 1
    printed = check_convention(out)
    endings = {one["folder"].rpartition("/")[2]: one["ending"] for one in printed["deployments"]}
    assert endings == {"bills": "changed", "missing": "failed", "orders": "changed"}
    assert "2 functions are handed over, something stands against 1 others" in err
    assert (
        "37 state transitions and the requests to S3 cost less than a cent or somewhat more" in err
    )
    begun, *answers, end = events(folders / "orders")
    assert (begun["event"], begun["state"]) == ("begin", 0)
    assert ":execution:shim-" in begun["execution"]
    assert [one["call"] for one in answers] == [
        "UpdateFunctionConfiguration",
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
    ]
    assert end["problem"] is None
    status, out, _ = shim(capsys, str(folders / "orders"), *HANDED, "--yes", "--allow-unknown")
    assert (status, out) == (0, f"{folders / 'orders'}: nothing to do\n")


def test_the_definition_is_printed_and_a_machine_with_another_one_is_refused(
    engine: Engine, folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = shim(capsys, "--engine", "step-functions", "--print")
    assert (status, json.loads(out)) == (0, definition())
    machines = engine.machines
    other = machines.make("other", out.replace("carries out plans", "another"), role=ROLE)
    theirs = machines.make("theirs", out, role=ROLE)
    own = [word for word in HANDED if word not in {"--role", ROLE}]
    words = [str(folders / "orders"), *own, "--yes", "--allow-unknown", "--state-machine"]
    status, _, err = shim(capsys, *words, other)
    assert status == 2
    assert "the state machine has another definition than this shim's" in err
    assert shim(capsys, *words, theirs)[0] == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "where are plans, zips and results to lie"),
        (["--s3-bucket", "b"], "give one of `--role ARN` and `--state-machine ARN`"),
        (["--s3-bucket", "b", "--role", "engine"], "not an ARN: engine"),
        (["--dry-run"], "--dry-run can't go with --engine"),
        (["--alarm", "errors"], "--alarm can't go with --engine"),
        (["--expect", "{}"], "--expect can't go with --engine"),
        (["--s3-bucket", "open", "--role", ROLE], "the bucket keeps no versions"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_read(
    folders: Path, capsys: pytest.CaptureFixture[str], words: list[str], problem: str
) -> None:
    client = boto3.client("s3")
    client.create_bucket(Bucket="open", CreateBucketConfiguration={"LocationConstraint": REGION})
    status, out, err = shim(capsys, str(folders), "--engine", "step-functions", *words)
    assert (status, out) == (2, "")
    assert problem in err


def test_a_bucket_that_the_public_could_read_is_refused(engine: Engine) -> None:
    boto3.client("s3").delete_public_access_block(Bucket=BUCKET)
    with pytest.raises(InputError, match="doesn't block public access"):
        engine.bucket.check()


def test_nobody_is_asked_where_there_is_no_terminal_and_nothing_is_started(
    engine: Engine, folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = shim(capsys, str(folders), *HANDED, "--allow-unknown")
    assert status == 2
    assert "there is no terminal to ask on" in err
    assert not [call for call in engine.cloud.calls if call == "UpdateFunctionConfiguration"]
