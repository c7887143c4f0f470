"""`shim check` of a template: every function in its own settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from shim.arch import Arch
from shim.cli.main import main
from tests.check.builders import SCRIPT, program
from tests.cli.test_json import check_convention
from tests.templates.builders import SAM
from tests.templates.test_formats import assembly

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
TEMPLATE = (
    SAM
    + """\
Globals:
  Function: {Runtime: provided.al2023, CodeUri: build, Handler: orders}
Resources:
  Fine: {Type: AWS::Serverless::Function}
  Wrong:
    Type: AWS::Serverless::Function
    Properties: {Architectures: [arm64]}
  Managed:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.12, Handler: app.handler}
  Away:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: s3://b/k}
"""
)


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `shim check` beside a template; gives its exit status, and what it printed."""
    monkeypatch.chdir(tmp_path)
    Path("template.yaml").write_text(TEMPLATE)
    Path("build").mkdir()
    for name, data in {"bootstrap": program(), "orders": SCRIPT}.items():
        Path("build", name).write_bytes(data)
        Path("build", name).chmod(0o755)

    def run(*words: str) -> tuple[int, str, str]:
        status = main(["check", *words])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_each_function_is_checked_as_it_is(said: Callable[..., tuple[int, str, str]]) -> None:
    status, out, err = said("template.yaml")
    assert status == 1
    headings = [line.split(": ")[0] for line in out.splitlines() if "unzipped" in line]
    assert headings == ["Fine (template.yaml:5)", "Wrong (template.yaml:6)"]
    assert "built for x86_64, the function runs on arm64" in out
    assert err.splitlines() == [
        (
            "note: not checked: Managed (template.yaml:9): the runtime is not an OS-only one:"
            " python3.12"
        ),
        "note: not checked: Away (template.yaml:12): the package is not at hand",
    ]


def test_what_is_not_checked_counts_where_certainty_is_asked_for(
    said: Callable[..., tuple[int, str, str]],
) -> None:
    Path("template.yaml").write_text(TEMPLATE.replace("[arm64]", "[x86_64]"))
    assert said("template.yaml")[0] == 0
    assert said("template.yaml", "--strict")[0] == 1


def test_as_json(said: Callable[..., tuple[int, str, str]]) -> None:
    document = check_convention(said("template.yaml", "--json")[1])
    schema = json.loads((ROOT / "docs/reference/check.schema.json").read_text("utf-8"))
    jsonschema.validate(document, schema)
    assert [one["function"] for one in document["packages"]] == [
        "Fine (template.yaml:5)",
        "Wrong (template.yaml:6)",
    ]
    assert len(document["unchecked"]) == 2


def test_what_cdk_leaves_is_checked_as_it_lies_there(
    said: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    out = assembly(tmp_path)
    (out / "cdk.out").write_text("{}")
    for name in ("bootstrap", "bin/orders"):
        path = out / "asset.abc" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(program(Arch.ARM64))
        path.chmod(0o755)
    status, text, err = said("cdk.out")
    assert status == 0
    assert text.startswith("App/In/F (")
    assert "not checked: App/G (" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["template.yaml", "build"], "packages and templates can't be checked in one run"),
        (["template.yaml", "--arch", "arm64"], "a template says itself what --arch would"),
        (["template.yaml", "--layer", "x"], "a template says itself what --layer would"),
        (["nowhere.yaml"], "no such file in the project: `nowhere.yaml`"),
    ],
)
def test_bad_usage_is_a_sentence(
    said: Callable[..., tuple[int, str, str]], words: list[str], sentence: str
) -> None:
    status, _, err = said(*words)
    assert status == 2
    assert sentence in err.splitlines()[0]
