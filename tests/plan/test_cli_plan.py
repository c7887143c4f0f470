"""`shim plan` as it is typed."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

import shim
from shim.arch import Arch
from shim.cli.main import main
from shim.package.packages import code_sha256
from shim.package.read import read_package
from shim.plan.saved import read_plan
from tests.check.builders import launcher, program
from tests.plan.builders import zipped

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("lean_launchers")
ROOT = Path(__file__).parents[2]
LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:"
X86, ARM = LAYER + "agent-x86:3", LAYER + "agent-arm:1"
NOW = ["--from", "f.json", "--from-package", "old.zip"]
RENAMED = [*NOW, "--package", "new.zip", "--handler", "bin/new"]

Planned = tuple[int, str, str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a function's file and packages, as the current one."""
    monkeypatch.chdir(tmp_path)
    start = launcher()
    zipped(Path("old.zip"), {"bootstrap": start, "old": program()})
    zipped(Path("new.zip"), {"bootstrap": start, "bin/new": program()})
    both = {".shim/x86_64": launcher(), ".shim/aarch64": launcher(Arch.ARM64)}
    both |= {"bootstrap": b'#!/bin/sh\nexec "${0%bootstrap}.shim/$(uname -m)" "$@"\n'}
    zipped(Path("dual.zip"), {**both, "old": program(), "old_arm64": program(Arch.ARM64)})
    zipped(Path("go.zip"), {"main": program()})
    zipped(Path("native.zip"), {"bootstrap": program(Arch.ARM64)})
    for arch in Arch:
        zipped(Path(f"agent-{arch}.zip"), {"extensions/agent": program(arch)})
    function("f.json")
    function("go.json", Runtime="go1.x", Handler="main")
    function("x86.json", Layers=[{"Arn": X86}])
    return tmp_path


def function(name: str, **changes: object) -> None:
    configuration = {
        "FunctionName": "orders",
        "Runtime": "provided.al2023",
        "Handler": "old",
        "Architectures": ["x86_64"],
        "Environment": {"Variables": {"STAGE": "prod"}},
        **changes,
    }
    Path(name).write_text(json.dumps({"Configuration": configuration}))


@pytest.fixture
def plan(capsys: pytest.CaptureFixture[str]) -> Callable[..., Planned]:
    """Run `shim plan`: exit status, standard output, standard error."""

    def run(*words: str) -> Planned:
        status = main(["plan", *words])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def document(text: str) -> Any:
    return json.loads(text)


def test_the_states_in_between_are_shown_and_those_of_other_orders(
    plan: Callable[..., Planned], here: Path
) -> None:
    status, printed, said = plan(*RENAMED)
    lines = [line.rstrip() for line in printed.splitlines()]
    assert status == 0
    assert lines[0] == "3 calls over a bridge package; every state on the way starts"
    assert [line.split() for line in lines[2:6]] == [
        ["now", "old.zip", "x86_64", "provided.al2023", "old", "starts"],
        ["1", "code", "orders-bridge.zip", "x86_64", "provided.al2023", "old", "starts"],
        *(
            [number, call, package, "x86_64", "provided.al2023", "bin/new", "starts"]
            for number, call, package in (
                ("2", "configuration", "orders-bridge.zip"),
                ("3", "code", "new.zip"),
            )
        ),
    ]
    assert "before this call" not in printed
    assert "  code first           Serverless, CDK hotswap  fails: A" in lines
    assert "  configuration first  Terraform, cargo-lambda  fails: B" in lines
    assert "[handler-missing]" in printed
    assert "bridge package orders-bridge.zip has the programs of both packages" in printed
    assert said == "note: a bridge was written: orders-bridge.zip\n"
    assert (here / "orders-bridge.zip").exists()


def test_without_a_difference_there_is_nothing_to_do(plan: Callable[..., Planned]) -> None:
    assert plan(*NOW) == (0, "nothing to do: the function already is what is wanted\n", "")


def test_a_saved_plan_is_what_its_schema_says_and_can_be_read_again(
    plan: Callable[..., Planned], here: Path
) -> None:
    (here / "out").mkdir()
    status, printed, _ = plan(*RENAMED, "--output", "out/plan.json", "--json")
    text = (here / "out" / "plan.json").read_text()
    assert (status, printed) == (0, text)
    schema = json.loads((ROOT / "docs/reference/plan.schema.json").read_text())
    jsonschema.validate(document(text), schema)
    assert (here / "out" / "orders-bridge.zip").exists()
    saved = read_plan(text, folder=here / "out")
    assert len(saved.plan.steps) == 3


def test_a_saved_plan_and_its_packages_can_be_moved_together(
    plan: Callable[..., Planned], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "plans").mkdir()
    (here / "link").symlink_to("plans")
    assert plan(*RENAMED, "--output", "link/plan.json")[0] == 0
    paths = [one["path"] for one in document((here / "plans/plan.json").read_text())["packages"]]
    assert [path for path in paths if Path(path).is_absolute()] == []
    moved = here.rename(here.with_name("moved"))
    monkeypatch.chdir("/")
    saved = read_plan((moved / "plans/plan.json").read_text(), folder=moved / "link")
    assert len(saved.plan.steps) == 3


def test_a_saved_plan_holds_the_environment_and_is_for_its_owner_alone(
    plan: Callable[..., Planned], here: Path
) -> None:
    saved = here / "plan.json"
    saved.write_text("open to all")
    saved.chmod(0o644)
    assert plan(*NOW, "--env", "TOKEN=secret", "--output", "plan.json")[0] == 0
    assert "secret" in saved.read_text()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_what_each_call_guards_against_is_explained_to_whoever_asks(
    plan: Callable[..., Planned],
) -> None:
    _, printed, _ = plan(*RENAMED)
    assert printed.count("[handler-missing]") == 2, "each failing state is described once"
    assert "without it every way leads to A or B" in printed
    _, explained, _ = plan(*RENAMED, "--explain")
    assert explained.count("[handler-missing]") == 2
    call = "UpdateFunctionConfiguration (handler bin/new)"
    assert f"1  before this call, {call} would lead to B" in explained
    assert f"  - {call} leads to B" in explained


def test_long_paths_are_called_by_their_last_part_everywhere(
    plan: Callable[..., Planned], here: Path
) -> None:
    (here / "deep" / "er").mkdir(parents=True)
    for name in ("old.zip", "new.zip"):
        (here / name).rename(here / "deep" / "er" / name)
    words = [f"{here}/deep/er/{word}" if word.endswith(".zip") else word for word in RENAMED]
    _, printed, _ = plan(*words, "--bridge", str(here / "deep"), "--explain")
    assert "old.zip" in printed
    assert str(here) not in printed


def test_a_day_ahead_is_planned_for(plan: Callable[..., Planned]) -> None:
    words = ["--from", "go.json", "--from-package", "go.zip", "--package", "new.zip"]
    words += ["--runtime", "provided.al2023", "--handler", "bin/new", "--json"]
    status, printed, _ = plan(*words, "--day", "2027-03-03")
    found = document(printed)
    assert (status, found["day"]) == (0, "2027-03-03")
    # From then on Lambda takes no code of a function on go1.x.
    assert found["steps"][0]["call"] == "UpdateFunctionConfiguration"
    status, _, said = plan(*words, "--day", "tomorrow")
    assert (status, "not a day such as 2027-03-03: tomorrow" in said) == (2, True)


def test_the_same_words_give_the_same_plan_and_bridge(
    plan: Callable[..., Planned], here: Path
) -> None:
    first, bridge = plan(*RENAMED), (here / "orders-bridge.zip").read_bytes()
    assert plan(*RENAMED) == first
    assert (here / "orders-bridge.zip").read_bytes() == bridge


def test_a_bridge_goes_where_the_user_says(plan: Callable[..., Planned], here: Path) -> None:
    (here / "bridges").mkdir()
    assert plan(*RENAMED, "--bridge", "bridges")[0] == 0
    assert [path.name for path in (here / "bridges").iterdir()] == ["orders-bridge.zip"]
    status, _, said = plan(*RENAMED, "--bridge", "none")
    assert status == 2
    assert "the output's folder is not there" in said


def test_where_the_plan_can_not_be_saved_no_bridge_stays(
    plan: Callable[..., Planned], here: Path
) -> None:
    (here / "plan.json").mkdir()
    assert plan(*RENAMED, "--output", "plan.json")[0] == 2
    assert not (here / "orders-bridge.zip").exists()


def test_two_files_say_it_all(plan: Callable[..., Planned]) -> None:
    function("to.json", Handler="bin/new", Environment={"Variables": {"STAGE": "test"}})
    status, printed, _ = plan(*NOW, "--to", "to.json", "--to-package", "new.zip", "--json")
    last = document(printed)["states"][-1]
    assert (status, last["handler"], last["environment"]) == (0, "bin/new", {"STAGE": "test"})


def test_settings_as_options_change_only_themselves(plan: Callable[..., Planned]) -> None:
    words = ["--package", "dual.zip", "--arch", "arm64", "--env", "DEBUG=a=b"]
    status, printed, _ = plan(*NOW, *words, "--json")
    last = document(printed)["states"][-1]
    assert (status, last["architecture"], last["handler"]) == (0, "arm64", "old")
    assert last["environment"] == {"STAGE": "prod", "DEBUG": "a=b"}


def test_layers_are_found_by_their_arns_and_bridged(
    plan: Callable[..., Planned], here: Path
) -> None:
    words = ["--from", "x86.json", "--from-package", "dual.zip", "--arch", "arm64"]
    words += ["--from-layer", f"{X86}=agent-x86_64.zip", "--layer", f"{ARM}=agent-arm64.zip"]
    status, printed, _ = plan(*words)
    assert status == 0
    assert printed.startswith("3 calls over a bridge layer; every state on the way starts")
    assert (here / "orders-bridge-layer.zip").exists()
    assert "agent-x86:3" in printed
    _, printed, _ = plan(*words, "--json")
    arns = {one["path"]: one["arn"] for one in document(printed)["packages"]}
    assert arns["agent-x86_64.zip"] == X86
    assert arns["orders-bridge-layer.zip"] is None
    status, printed, _ = plan(*words[:6], *words[6:8], "--no-layers")
    assert (status, "over a bridge" in printed) == (0, False)


def test_a_script_names_the_bridges_and_goes_to_standard_output_alone(
    plan: Callable[..., Planned],
) -> None:
    status, printed, said = plan(*RENAMED, "--aws")
    assert status == 0
    assert printed.startswith("#!/bin/sh\n")
    assert "--zip-file fileb://orders-bridge.zip" in printed
    assert said == "note: a bridge was written: orders-bridge.zip\n"


@pytest.mark.parametrize("name", ["plan.svg", "plan.html"])
def test_a_picture_is_drawn(plan: Callable[..., Planned], here: Path, name: str) -> None:
    assert plan(*RENAMED, "--draw", name)[0] == 0
    text = (here / name).read_text()
    assert "A plan of 3 calls" in text
    assert text.startswith("<svg" if name.endswith("svg") else "<!doctype html>")


def test_no_plan_says_which_state_fails_and_why_no_bridge_helps(
    plan: Callable[..., Planned], here: Path
) -> None:
    for arch in Arch:
        files = {"extensions/agent": program(arch), "lib/a.so": program(arch)}
        zipped(Path(f"agent-{arch}.zip"), files)
    words = ["--from", "x86.json", "--from-package", "dual.zip", "--arch", "arm64"]
    words += ["--from-layer", f"{X86}=agent-x86_64.zip", "--layer", "agent-arm64.zip"]
    status, printed, said = plan(*words, "--draw", "none.svg")
    assert (status, said) == (1, "")
    assert printed.startswith("no plan: every way leads through a state that does not start")
    assert "`lib/a.so`" in printed.partition("no bridge helps")[2]
    assert "--alias NAME" in printed
    assert "No plan" in (here / "none.svg").read_text()
    assert {path.name for path in here.glob("*bridge*")} == set()
    status, printed, _ = plan(*words, "--json")
    answer = document(printed)
    assert (status, answer["plan"]) == (1, None)
    assert answer["failing"][0]["findings"][0]["code"] == "extension-wrong-architecture"
    assert "prod" not in printed, "the environment's values"
    assert "`lib/a.so`" in answer["bridge"][0]


def test_what_does_not_start_as_it_is_wanted_has_no_plan(plan: Callable[..., Planned]) -> None:
    status, printed, _ = plan(*NOW, "--package", "native.zip")
    assert status == 1
    assert printed.startswith("no plan: the function would not start as it is wanted\n")
    assert "[bootstrap-wrong-architecture]" in printed


def test_an_alias_moves_by_shares_and_has_a_way_back(plan: Callable[..., Planned]) -> None:
    words = [*NOW, "--package", "native.zip", "--arch", "arm64", "--alias", "live=7"]
    status, printed, _ = plan(*words, "--share", "0.1")
    assert status == 0
    assert "UpdateAlias (live, 10% to the published version)" in printed
    assert printed.rstrip().endswith("UpdateAlias (live, all to version 7)")
    status, printed, _ = plan(*words, "--json")
    assert [step["call"] for step in document(printed)["steps"]] == [
        *("UpdateFunctionCode", "PublishVersion", "Invoke", "UpdateAlias"),
    ]


USAGE = {
    "neither": ([], "give one of `--from FILE` and `--function NAME`"),
    "both": (["--from", "f.json", "--function", "f"], "give one of `--from FILE`"),
    "an account of a file": ([*NOW, "--region", "eu-west-1"], "can't go along with --region"),
    "a package of an account": (["--function", "f", "--from-package", "old.zip"], "--from-package"),
    "no package": (["--from", "f.json"], "--from-package ZIP"),
    "two outputs": ([*NOW, "--json", "--aws"], "--aws: not allowed with argument --json"),
    "share": ([*NOW, "--share", "0.1"], "--share is for traffic on an alias"),
    "shares": ([*NOW, "--arch", "arm64", "--package", "native.zip", "--alias", "a=1",
                "--share", "1.5"], "shares have to rise, from over 0 to under 1: 1.5\n"),
    "alias": ([*NOW, "--alias", "live"], "--alias live=VERSION"),
    "alias drawn": ([*NOW, "--alias", "live=1", "--draw", "a.svg"], "nothing to draw"),
    "drawing": ([*NOW, "--draw", "a.png"], "an .svg or .html file"),
    "variable": ([*NOW, "--env", "1=2"], "not NAME=VALUE"),
    "runtime": ([*NOW, "--runtime", "al2023"], "not an OS-only runtime: `al2023`"),
    "layer without a zip": ([*NOW, "--from-layer", X86], "not ARN=ZIP"),
    "layer without an ARN": ([*NOW, "--from-layer", "agent.zip"], "not ARN=ZIP"),
    "layers": ([*NOW, "--no-layers", "--layer", "a.zip"], "can't go together"),
    "to": ([*NOW, "--to", "f.json", "--arch", "arm64"], "can't go along with --arch"),
    "to beside a layer": ([*NOW, "--to", "f.json", "--layer", "a.zip", "--env", "AB=1"],
                          "can't go along with --env"),
    "to's layer": ([*NOW, "--to", "f.json", "--layer", "old.zip"], "which of the layers is it?"),
    "layer": (["--from", "x86.json", "--from-package", "old.zip", "--layer", ARM],
              f"the layer `{X86}`?"),
    "no file": (["--from", "none", "--from-package", "old.zip"], "can't read it"),
    "no zip": ([*NOW, "--package", "f.json"], "can't read the package"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "expected"), USAGE.values(), ids=USAGE.keys())
def test_what_can_not_be_meant_ends_with_2_and_a_sentence(
    plan: Callable[..., Planned], words: list[str], expected: str
) -> None:
    status, printed, said = plan(*words)
    assert (status, printed) == (2, "")
    assert expected in said


def test_another_package_than_the_functions_is_refused(plan: Callable[..., Planned]) -> None:
    hashed = code_sha256(read_package(Path("old.zip")))
    function("f.json", CodeSha256=hashed)
    assert plan(*NOW)[0] == 0
    status, _, said = plan("--from", "f.json", "--from-package", "new.zip")
    assert status == 2
    assert "this is not the package that the function has" in said
    function("to.json", CodeSha256="other")
    status, _, said = plan(*NOW, "--to", "to.json")
    assert status == 2
    assert "where is the package that `to.json` tells of?" in said


def test_a_functions_name_can_not_lead_a_bridge_elsewhere(
    plan: Callable[..., Planned], here: Path
) -> None:
    function("f.json", FunctionName="../../etc/x y")
    assert plan(*RENAMED)[0] == 0
    assert [path.name for path in here.glob("*bridge*")] == ["------etc-x-y-bridge.zip"]


def test_names_from_files_do_not_steer_the_terminal(plan: Callable[..., Planned]) -> None:
    function("f.json", Handler="\x1b[31mold", Layers=[])
    _, printed, _ = plan(*NOW)
    assert "\x1b" not in printed
    assert "\\x1b[31mold" in printed


def test_it_runs_as_a_program_of_its_own() -> None:
    words = [sys.executable, "-m", "shim", "plan", *RENAMED]
    environment = {**os.environ, "PYTHONPATH": str(Path(shim.__file__).parents[1])}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("3 calls")
