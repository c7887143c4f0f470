"""`shim simulate` as it is typed: what it prints, its exit statuses, and nothing left behind."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.emulate import machine
from tests.command import Command
from tests.plan.builders import zipped
from tests.simulate.scenarios import arguments
from tests.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.arch import Arch

NAME = "handler-renamed"


@pytest.fixture
def command(cache: Path, tmp_path: Path) -> Iterator[Command]:
    command = Command(name="simulate", cache=cache, folder=tmp_path / "tmp")
    with command.opened():
        yield command


def marked(name: str, built: Path, command: Command, folder: Path) -> list[str]:
    """The scenario's arguments, with the mark in the function's own environment."""
    words = list(arguments(name, built))
    for index, word in enumerate(words):
        if word.endswith(".json"):
            function = json.loads(Path(word).read_text())
            function["Configuration"]["Environment"] = {"Variables": {"MARK": command.mark}}
            path = folder / Path(word).name
            path.write_text(json.dumps(function))
            words[index] = str(path)
    return words


def test_naive_orders_and_the_plan_stand_side_by_side(command: Command, built: Path) -> None:
    done = command.run(*arguments(NAME, built), "--by-verdict")
    assert done.returncode == 0, done.stderr
    lines = [line.split("  ") for line in done.stdout.splitlines()]
    rows = {words[0].strip(): [word.strip() for word in words if word.strip()] for words in lines}
    assert rows["code first"][1:] == ["1,000", "53", "8.6 s", "67"]
    assert rows["the plan"][1:4] == ["1,000", "0", "-"]
    assert "code first: 53 x Runtime.HandlerNotFound: handler-missing" in done.stdout
    assert "the plan: 3 calls, every invocation was answered" in done.stdout
    assert "note: no process is started" in done.stderr


def test_the_same_as_json(command: Command, built: Path) -> None:
    words = ("--by-verdict", "--json", "--seed", "4", "--rate", "20", "--invocations", "1500")
    done = command.run(*arguments(NAME, built), *words, "--regular")
    result = json.loads(done.stdout)
    assert (result["format"], result["seed"], result["rate"]) == (1, 4, 20)
    runs = {run["name"]: run for run in result["runs"]}
    assert list(runs) == ["code first", "configuration first", "in parallel", "the plan"]
    assert runs["code first"]["failures"] == len(runs["code first"]["failedAt"]) > 0
    assert runs["code first"]["errors"] == {
        "Runtime.HandlerNotFound": runs["code first"]["failures"]
    }
    assert [run["covered"] for run in runs.values()] == [True] * 4
    assert len(runs["the plan"]["updates"]) == 3
    assert all(one["begun"] < one["held"] for one in runs["the plan"]["updates"])


def test_each_new_sandbox_is_a_real_start(command: Command, built: Path, tmp_path: Path) -> None:
    words = marked(NAME, built, command, tmp_path)
    done = command.run(*words, "--rate", "2", "--invocations", "120", "--json")
    assert done.returncode == 0, done.stderr
    runs = {run["name"]: run for run in json.loads(done.stdout)["runs"]}
    assert runs["code first"]["errors"].keys() == {"Runtime.HandlerNotFound"}
    assert runs["the plan"]["failures"] == 0
    assert "this machine stands in for it" in done.stderr
    assert list(command.folder.iterdir()) == []
    assert command.processes() == []


def test_what_functions_are_sent_is_the_event(
    command: Command, functions: dict[Arch, Path], tmp_path: Path
) -> None:
    arch = machine.required_host_arch()
    package = zipped(tmp_path / "p.zip", {"bootstrap": functions[arch].read_bytes()})
    function = {
        "Runtime": "provided.al2023",
        "Handler": "a",
        "Architectures": [arch],
        "Environment": {"Variables": {"MARK": command.mark}},
    }
    (tmp_path / "now.json").write_text(json.dumps(function))
    words = ("--from", tmp_path / "now.json", "--from-package", package, "--handler", "b", "--json")
    rest = ("--rate", "1", "--invocations", "40")
    assert command.run(*words, *rest).returncode == 0
    done = command.run(*words, *rest, "--event", '"a text"')
    assert done.returncode == 1, done.stderr
    assert {error for run in json.loads(done.stdout)["runs"] for error in run["errors"]} == {
        "Runtime.ExitError"
    }
    done = command.run(*words, "--by-verdict", "--event", "{}")
    assert done.returncode == 2
    assert "--by-verdict starts nothing, and can't go along with --event" in done.stderr


def test_a_plan_that_was_saved_can_be_simulated(
    command: Command, built: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    words = [sys.executable, "-m", "shim", "plan", *arguments(NAME, built), "-o", str(plan)]
    subprocess.run(words, env=command.environment, check=True, capture_output=True)
    done = command.run("--plan", str(plan), "--by-verdict", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runs"][-1]["failures"] == 0
    assert command.run("--plan", str(plan), "--from", "x", "--by-verdict").returncode == 2


def test_a_plan_and_its_packages_are_simulated_where_they_were_moved_to(
    command: Command, built: Path, tmp_path: Path
) -> None:
    shutil.copytree(built, tmp_path / "work" / built.name)
    words = arguments(NAME, tmp_path / "work" / built.name)
    plan = [sys.executable, "-m", "shim", "plan", *words, "-o", str(tmp_path / "work/plan.json")]
    subprocess.run(plan, env=command.environment, check=True, capture_output=True)
    (tmp_path / "work").rename(tmp_path / "elsewhere")
    done = command.run("--plan", str(tmp_path / "elsewhere/plan.json"), "--by-verdict")
    assert done.returncode == 0, done.stderr


def test_traffic_on_an_alias_is_moved_by_shares(
    command: Command, built: Path, tmp_path: Path
) -> None:
    words = (*arguments(NAME, built), "--alias", "live=41", "--share", "0.1")
    rest = ("--pause", "20", "--by-verdict", "--json", "--draw", str(tmp_path / "alias.svg"))
    done = command.run(*words, *rest)
    assert done.returncode == 0, done.stderr
    (run,) = json.loads(done.stdout)["runs"]
    assert (run["name"], run["failures"]) == ("the plan", 0)
    assert [one["call"] for one in run["updates"]][-3:] == [
        "PublishVersion",
        "UpdateAlias (live, 10% to the published version)",
        "UpdateAlias (live, 100% to the published version)",
    ]
    assert "alias (10% new)" in (tmp_path / "alias.svg").read_text()


def test_a_saved_plan_for_an_alias_can_be_simulated(
    command: Command, built: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    words = [*arguments(NAME, built), "--alias", "live=41", "-o", str(plan)]
    plan_command = [sys.executable, "-m", "shim", "plan", *words]
    subprocess.run(plan_command, env=command.environment, check=True, capture_output=True)
    done = command.run("--plan", str(plan), "--by-verdict")
    assert done.returncode == 0, done.stderr
    assert "the plan: 4 calls, every invocation was answered" in done.stdout


def test_without_a_plan_the_exit_status_is_1_and_the_reason_is_said(
    command: Command, built: Path, tmp_path: Path
) -> None:
    words = list(arguments(NAME, built))
    broken = tmp_path / "to.json"
    function = json.loads(Path(words[words.index("--to") + 1]).read_text())
    function["Configuration"]["Handler"] = "nowhere"
    broken.write_text(json.dumps(function))
    words[words.index("--to") + 1] = str(broken)
    done = command.run(*words, "--by-verdict")
    assert done.returncode == 1
    assert "the plan: there is none: the function would not start as it is wanted" in done.stdout


def test_a_time_line_is_drawn(command: Command, built: Path, tmp_path: Path) -> None:
    for suffix, begin in ((".svg", "<svg "), (".html", "<!DOCTYPE html>")):
        path = tmp_path / f"change{suffix}"
        done = command.run(*arguments(NAME, built), "--by-verdict", "--draw", str(path))
        assert done.returncode == 0, done.stderr
        assert path.read_text().startswith(begin)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--rate", "0"], "not a number above 0"),
        (["--invocations", "x"], "not a whole number"),
        (["--root", "provided.al2"], "not NAME=PATH"),
        (["--share", "0.5"], "--share is for traffic on an alias"),
        (["--pause", "-1"], "not a whole number"),
        (["--root", "python=/"], "not an OS-only runtime"),
        (["--root", "provided.al2=/nowhere"], "not the root folder"),
        (["--draw", "/nowhere/x.svg"], "/nowhere"),
        (["--draw", "x.png"], "an .svg or .html file"),
        (["--plan", "/nowhere", "--function", "x"], "a plan has all that --function would say"),
        (["--plan", "/nowhere", "--share", "0.5"], "a plan has all that --share would say"),
        (["--plan", "/nowhere", "--no-layers"], "a plan has all that --no-layers would say"),
    ],
)
def test_bad_usage_is_told(command: Command, words: list[str], sentence: str) -> None:
    done = command.run(*words, "--by-verdict")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_it_is_interrupted(
    command: Command, built: Path, tmp_path: Path, number: signal.Signals
) -> None:
    words = marked(NAME, built, command, tmp_path)
    process = command.start(*words, "--invocations", "100000")
    with process:
        # Itself, the fork server, a supervisor, the emulator, the function.
        wait_until(lambda: len(command.processes()) > 4, seconds=60)
        process.send_signal(number)
        process.wait(60)
    wait_until(lambda: command.processes() == [], seconds=60)
    left = [path.name for path in command.folder.iterdir()]
    if number is not signal.SIGKILL:
        assert left == []
    assert not [name for name in left if not name.startswith("shim-bridge-")]
