"""`shim diff --split` as people call it: what it prints, writes, and ends with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.cli.main import main
from shim.errors import MachineError
from shim.templates.split.folder import new_folder
from tests.cli.test_json import check_convention
from tests.templates.split.builders import GO, OWN, put
from tests.templates.split.test_split import NEW, OLD
from tests.templates.test_cli_diff import git

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("lean_launchers", "here")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with both templates and their packages."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path, {"build/old": GO, "build/new": OWN})
    Path("old.yaml").write_text(OLD)
    Path("new.yaml").write_text(NEW)
    return tmp_path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs `shim diff … --split out`; gives its exit status, and what it printed."""

    def run(*words: str) -> tuple[int, str]:
        status = main(["diff", *(words or ("old.yaml", "new.yaml")), "--split", "out"])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def test_each_deployment_is_said_with_what_it_meets(said: Callable[..., tuple[int, str]]) -> None:
    status, text = said()
    assert status == 0
    split = text.partition("1 function of 1 may change: 1 error, 1 warning\n\n")[2]
    assert split.splitlines() == [
        "3 deployments in the place of one: out",
        "1  out/1-new.yaml",
        "   Orders: code call: code to Orders-bridge.zip",
        "     starts: Orders-bridge.zip, x86_64, go1.x, handler orders",
        (
            "     before this call, UpdateFunctionConfiguration (runtime provided.al2023, handler"
            " bootstrap) would leave a function that does not start: build/old!/bootstrap is not"
            " there, nor in a layer: Lambda has nothing to start [bootstrap-missing]"
        ),
        "2  out/2-new.yaml",
        "   Orders: configuration call: runtime to provided.al2023, handler to bootstrap",
        "     starts: Orders-bridge.zip, x86_64, provided.al2023, handler bootstrap",
        (
            "     before this call, UpdateFunctionCode (the new code, x86_64) would leave a"
            " function that does not start: Handler names `orders`, and no such file is in the"
            " package or the layers [handler-missing]"
        ),
        "3  out/3-new.yaml",
        "   Orders: code call: code to the new code",
        "     starts: the new code, x86_64, provided.al2023, handler bootstrap",
        (
            "deploy one after the other, each when the one before it has finished; the last is the"
            " new template, and is deployed from where that lies"
        ),
    ]
    assert Path("out/3-new.yaml").read_text() == NEW


def test_as_json(said: Callable[..., tuple[int, str]]) -> None:
    status, text = said("old.yaml", "new.yaml", "--json")
    assert status == 0
    split = check_convention(text)["split"]
    assert split["functions"] == [
        {
            "function": "Orders", "answer": "starts", "deployments": 3,
            "reason": "one call at a time, all that is between starts", "reasons": [],
            "unknown": [],
        }
    ]  # fmt: skip
    assert [one["files"] for one in split["deployments"]] == [
        ["out/1-new.yaml"], ["out/2-new.yaml"], ["out/3-new.yaml"],
    ]  # fmt: skip
    [second] = split["deployments"][1]["functions"]
    assert (second["call"], second["sets"]) == (
        "configuration call", {"runtime": "provided.al2023", "handler": "bootstrap"},
    )  # fmt: skip
    assert [one["answer"] for one in second["passes"]] == ["starts"]


def test_unknown_is_no_unless_it_is_taken_for_fine(said: Callable[..., tuple[int, str]]) -> None:
    Path("build").rename("elsewhere")
    status, text = said()
    assert status == 1
    assert text.splitlines()[-3:] == [
        "no split, nothing is written",
        "Orders: whether what is between starts is unknown",
        "  would have to start: the new code, x86_64, go1.x, handler orders",
    ]
    assert not Path("out").exists()
    status, text = said("old.yaml", "new.yaml", "--allow-unknown")
    assert status == 0
    assert "     unknown: the new code, x86_64, go1.x, handler orders" in text
    assert Path("out/2-new.yaml").read_text() == NEW


def test_what_does_not_start_in_the_end_is_not_split(said: Callable[..., tuple[int, str]]) -> None:
    Path("build/new/bootstrap").chmod(0o644)
    status, text = said()
    assert status == 1
    assert "Orders: the function would not start as it is wanted\n" in text
    assert not Path("out").exists()


def test_where_one_deployment_does_it_nothing_is_written(
    said: Callable[..., tuple[int, str]],
) -> None:
    Path("new.yaml").write_text(OLD.replace("128", "256").replace("build/old", "build/new"))
    Path("build/new/bootstrap").rename("build/new/orders")
    status, text = said()
    assert status == 0
    assert text.splitlines()[-2:] == [
        "no split is needed, nothing is written", "Orders: one call changes it",
    ]  # fmt: skip
    assert not Path("out").exists()


def test_the_old_side_of_a_commit_is_taken_along(
    said: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    """The commit's files lie in a folder that goes away."""
    Path("template.yaml").write_text(OLD.replace("build/old", "build/new"))
    put(tmp_path, {"build/new": GO})
    Path("build/new/bootstrap").unlink()
    git("init", "-q")
    git("add", "template.yaml", "build/new")
    git("commit", "-q", "-m", "old")
    Path("template.yaml").write_text(NEW)
    put(tmp_path, {"build/new": OWN})
    Path("build/new/orders").unlink()
    status, _ = said("--git", "HEAD", "template.yaml")
    assert status == 0
    assert sorted(str(one) for one in Path("out").rglob("*") if one.is_file()) == [
        "out/1-template.yaml", "out/2-template.yaml", "out/3-template.yaml",
        "out/Orders-bridge.zip",
    ]  # fmt: skip


def test_a_change_set_has_nothing_to_write_into(said: Callable[..., tuple[int, str]]) -> None:
    sides = [
        json.dumps({"Properties": {"Runtime": "provided.al2023", "Handler": name,
                                   "Code": {"S3Bucket": "b", "S3Key": name}}})
        for name in ("old", "new")
    ]  # fmt: skip
    change = {"LogicalResourceId": "F", "ResourceType": "AWS::Lambda::Function",
              "BeforeContext": sides[0], "AfterContext": sides[1], "Action": "Modify"}  # fmt: skip
    document = {"ChangeSetId": "x", "Changes": [{"ResourceChange": change}]}
    Path("changes.json").write_text(json.dumps(document))
    status, text = said("changes.json", "--allow-unknown")
    assert status == 2
    assert "a change set has no template in it to be split: `changes.json`" in text
    assert not Path("out").exists()


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="can't write the folder"):
        leave_half(tmp_path / "out")
    assert not [one for one in tmp_path.iterdir() if one.name == "out" or one.name[0] == "."]


def leave_half(path: Path) -> None:
    with new_folder(path) as folder:
        (folder / "half").touch()
        (folder / "nowhere/file").touch()
