"""`shim check` as it is typed: exit status, text, JSON, SARIF, and what it says of bad input."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from shim.arch import Arch
from shim.check.findings import CODES
from shim.cli.main import main
from tests.check.builders import SCRIPT, launcher, program

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
CONFIGURATION = {
    "FunctionName": "orders",
    "Runtime": "provided.al2023",
    "Handler": "orders",
    "Architectures": ["x86_64"],
    "Environment": {"Variables": {"STAGE": "prod"}},
}
FUNCTION = {
    "Configuration": CONFIGURATION,
    "Code": {"RepositoryType": "S3"},
}

Checked = tuple[int, str, str]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Callable[..., Checked]:
    """Run `shim check`: exit status, standard output, standard error."""

    def run(*words: object) -> Checked:
        status = main(["check", *map(str, words)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def write(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | 0o755) << 16
            archive.writestr(info, data)
    return path


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path / "good.zip", bootstrap=launcher(), orders=program())


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return write(tmp_path / "bad.zip", bootstrap=launcher(), orders=b"#!/bin/sh\r\n")


def document(text: str) -> Any:
    return json.loads(text)


def test_what_starts_ends_with_0(check: Callable[..., Checked], good: Path) -> None:
    status, printed, said = check(good, "--runtime", "provided.al2023", "--arch", "x86_64")
    assert (status, said) == (0, "")
    assert printed.splitlines()[2].split() == ["orders", "x86_64", "starts"]
    assert printed.endswith("\nstarts\n")


def test_what_does_not_start_ends_with_1_and_says_why(
    check: Callable[..., Checked], bad: Path
) -> None:
    status, printed, _ = check(bad, "--runtime", "provided.al2023", "--arch", "x86_64")
    assert status == 1
    assert "no, error 1" in printed
    assert f"error 1: {bad}!/orders has CRLF line ends" in printed
    assert "[script-crlf]" in printed
    assert "hint: write it with Unix line ends" in printed


def test_without_a_choice_a_table_shows_what_starts_where(
    check: Callable[..., Checked], good: Path
) -> None:
    status, printed, _ = check(good)
    assert status == 0
    assert printed.splitlines()[1].split() == [
        *("handler", "arch", "provided.al2023", "(provided.al2)", "(provided)"),
        "(go1.x)",
    ]
    assert printed.splitlines()[2].split() == ["orders", "x86_64", *["starts"] * 4]
    assert printed.splitlines()[3].split()[:3] == ["arm64", "no,", "error"]


def test_what_starts_only_where_nothing_new_can_start_does_not_count(
    check: Callable[..., Checked], tmp_path: Path
) -> None:
    path = write(tmp_path / "go.zip", orders=program())
    assert check(path)[0] == 1
    assert check(path, "--runtime", "go1.x")[0] == 0


def test_a_folder_and_layers_are_checked(check: Callable[..., Checked], tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "orders").write_bytes(SCRIPT)
    (folder / "orders").chmod(0o755)
    layer = write(tmp_path / "layer.zip", bootstrap=launcher())
    assert check(folder)[0] == 1
    assert check(folder, "--layer", layer)[0] == 0


def test_json_is_what_its_schema_says(check: Callable[..., Checked], good: Path, bad: Path) -> None:
    schema = json.loads((ROOT / "docs/reference/check.schema.json").read_text())
    status, printed, _ = check(good, bad, "--json")
    jsonschema.validate(document(printed), schema)
    assert status == 1
    assert [one["answer"] for one in document(printed)["packages"]] == ["starts", "doesn't start"]


def test_sarif_names_each_finding_and_where_it_is(check: Callable[..., Checked], bad: Path) -> None:
    status, printed, _ = check(bad, "--sarif", "--runtime", "provided.al2023", "--arch", "x86_64")
    (run,) = document(printed)["runs"]
    assert status == 1
    assert document(printed)["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(CODES)
    (result,) = run["results"]
    assert result["ruleId"] == "script-crlf"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "script-crlf"
    assert result["level"] == "error"
    location = result["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == str(bad)
    assert location["logicalLocations"][0]["fullyQualifiedName"] == f"{bad}!/orders"


def test_a_function_file_chooses_the_state(
    check: Callable[..., Checked], good: Path, tmp_path: Path
) -> None:
    file = tmp_path / "function.json"
    file.write_text(json.dumps(FUNCTION))
    status, printed, _ = check(good, "--from", file, "--json")
    (state,) = document(printed)["packages"][0]["states"]
    assert status == 0
    assert (state["handler"], state["architecture"], state["runtime"]) == (
        *("orders", "x86_64", "provided.al2023"),
    )
    assert check(good, "--from", file, "--arch", "arm64")[0] == 1
    assert check(good, "--from", file, "--handler", "ordes")[0] == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "not an object: `the whole document`"),
        ("{}", "missing: `Runtime`"),
        ('{"Configuration": 3}', "not an object: `Configuration`"),
        ("null", "not an object: `the whole document`"),
        ('"x"', "not an object: `the whole document`"),
    ],
)
def test_what_is_no_function_is_refused(
    check: Callable[..., Checked], good: Path, tmp_path: Path, text: str, expected: str
) -> None:
    file = tmp_path / "function.json"
    file.write_text(text)
    status, printed, said = check(good, "--from", file)
    assert (status, printed) == (2, "")
    assert said.startswith(f"error: {file}: {expected}\n")


@pytest.fixture
def unclear(tmp_path: Path) -> Path:
    """A script of which nobody can tell what it starts."""
    return write(tmp_path / "unclear.zip", bootstrap=b"#!/bin/sh\nexec ./$APP\n", app=program())


ONE = ("--runtime", "provided.al2023", "--arch", "x86_64")


def test_what_is_unknown_is_fine_unless_it_has_to_be_known(
    check: Callable[..., Checked], unclear: Path
) -> None:
    status, printed, said = check(unclear, *ONE)
    assert (status, said) == (0, "")
    assert printed.splitlines()[2].split() == ["(any)", "x86_64", "unknown,", "1"]
    assert f"unknown 1: {unclear}!/bootstrap can't be followed beyond line 2" in printed
    assert printed.endswith("\nunknown whether it starts: 1 unknown\n")
    assert check(unclear, *ONE, "--strict")[0] == 1
    assert check(unclear, "--strict")[0] == 1


def test_all_reports_say_of_three_answers_the_same(
    check: Callable[..., Checked], good: Path, bad: Path, unclear: Path
) -> None:
    schema = json.loads((ROOT / "docs/reference/check.schema.json").read_text())
    for paths, answer, exits in [
        ((good,), "starts", (0, 0)),
        ((unclear,), "unknown", (0, 1)),
        ((good, unclear), "unknown", (0, 1)),
        ((good, unclear, bad), "doesn't start", (1, 1)),
    ]:
        status, printed, _ = check(*paths, *ONE, "--json")
        jsonschema.validate(document(printed), schema)
        assert document(printed)["answer"] == answer
        assert (status, check(*paths, *ONE, "--json", "--strict")[0]) == exits
        levels = [
            one["level"]
            for one in document(check(*paths, *ONE, "--sarif")[1])["runs"][0]["results"]
        ]
        assert (
            levels
            == {"starts": [], "unknown": ["warning"], "doesn't start": ["warning", "error"]}[answer]
        )
    (state,) = document(check(unclear, *ONE, "--json")[1])["packages"][0]["states"]
    assert (state["answer"], state["reasons"]) == ("unknown", ["script-not-followed"])


def test_a_handler_of_which_nothing_is_known_somewhere_is_unknown(
    check: Callable[..., Checked], tmp_path: Path
) -> None:
    # On arm64 it fails, on x86_64 nobody knows.
    script = b'#!/bin/sh\n[ "$(uname -m)" = aarch64 ] && exec ./app\nexec ./$APP\n'
    path = write(tmp_path / "p.zip", bootstrap=script, app=program())
    assert document(check(path, "--json")[1])["answer"] == "unknown"
    assert check(path, "--arch", "arm64")[0] == 1


LAYERS = ["arn:aws:lambda:eu-west-1:1:layer:launcher:3", "arn:aws:lambda:eu-west-1:1:layer:lib:1"]


def test_layers_that_are_not_at_hand_leave_it_open(
    check: Callable[..., Checked], tmp_path: Path
) -> None:
    file = tmp_path / "function.json"
    configuration = {**CONFIGURATION, "Layers": [{"Arn": arn} for arn in LAYERS]}
    file.write_text(json.dumps({"Configuration": configuration}))
    bare = write(tmp_path / "bare.zip", orders=program())
    status, printed, _ = check(bare, "--from", file)
    assert status == 0
    assert f"unknown 1: Layers are not at hand: `{LAYERS[0]}`, `{LAYERS[1]}`" in printed
    (package,) = document(check(bare, "--from", file, "--json")[1])["packages"]
    assert (package["answer"], package["absentLayers"]) == ("unknown", LAYERS)
    assert package["states"][0]["reasons"] == ["layers-absent", "bootstrap-missing"]
    assert check(bare, "--from", file, "--strict")[0] == 1
    layer = write(tmp_path / "layer.zip", bootstrap=launcher())
    assert check(bare, "--from", file, "--layer", layer, "--strict")[0] == 0
    wrong = write(tmp_path / "wrong.zip", bootstrap=program(Arch.ARM64))
    assert check(wrong, "--from", file)[0] == 1


@pytest.mark.parametrize("content", [None, b"", b"PK", b"hello"])
def test_what_is_no_package_is_refused(
    check: Callable[..., Checked], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "package.zip"
    if content is not None:
        path.write_bytes(content)
    status, printed, said = check(path)
    assert (status, printed) == (2, "")
    assert said.startswith("error: can't read the package, ")


def test_an_unknown_runtime_is_refused(check: Callable[..., Checked], good: Path) -> None:
    status, _, said = check(good, "--runtime", "python3.12")
    assert status == 2
    assert "not an OS-only runtime: `python3.12`" in said
    assert "provided.al2023" in said
    assert "debian" not in said


def test_names_from_a_package_do_not_steer_the_terminal(
    check: Callable[..., Checked], tmp_path: Path
) -> None:
    path = write(tmp_path / "p.zip", **{"bootstrap": launcher(), "\x1b[31mred": program()})
    _, printed, _ = check(path)
    assert "\x1b" not in printed
    assert "\\x1b[31mred" in printed


def test_the_nearest_names_are_in_the_hint(check: Callable[..., Checked], good: Path) -> None:
    _, printed, _ = check(good, "--handler", "ordres", "--arch", "x86_64")
    assert "nearest: `orders`" in printed


def test_a_native_bootstrap_is_the_function_itself(
    check: Callable[..., Checked], tmp_path: Path
) -> None:
    path = write(tmp_path / "p.zip", bootstrap=program(Arch.ARM64))
    status, printed, _ = check(path, "--runtime", "provided.al2023", "--arch", "arm64")
    assert status == 0
    assert "(any)" in printed
