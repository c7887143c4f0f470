"""The two articles' stories in docs/reference/diff.md: what stands there is what is printed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.cli.main import main
from tests.check.builders import program
from tests.templates.test_cli_diff import git

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = (Path(__file__).parents[2] / "docs/reference/diff.md").read_text()

GO = """\
Parameters:
  Queue: {Type: String}
Resources:
  Orders:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: go1.x
      Handler: orders
      Code: build
  FromQueue:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Orders, EventSourceArn: !Ref Queue}
"""
X86 = """\
Resources:
  Api:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      Architectures: [x86_64]
      Layers: [arn:aws:lambda:eu-west-1:464622532012:layer:Datadog-Extension:60]
      Code: build
  Url:
    Type: AWS::Lambda::Url
    Properties: {TargetFunctionArn: !Ref Api, AuthType: AWS_IAM}
"""
LAYER = "arn:aws:lambda:eu-west-1:464622532012:layer:Datadog-Extension"
EXTENSION = "extensions/datadog-agent"

STORIES: dict[str, tuple[str, str, list[str]]] = {
    "first": (
        GO,
        GO.replace("go1.x", "provided.al2023").replace("Handler: orders", "Handler: bootstrap"),
        [],
    ),
    "second": (
        X86,
        X86.replace("[x86_64]", "[arm64]").replace("Extension:60", "Extension-ARM:60"),
        [f"--layer={LAYER}:60=layers/x86_64", f"--layer={LAYER}-ARM:60=layers/arm64"],
    ),
}
FILES: dict[str, tuple[dict[str, Arch], dict[str, Arch]]] = {
    "first": ({"build/orders": Arch.X86_64}, {"build/bootstrap": Arch.X86_64}),
    "second": (
        {
            "build/bootstrap": Arch.X86_64,
            f"layers/x86_64/{EXTENSION}": Arch.X86_64,
            f"layers/arm64/{EXTENSION}": Arch.ARM64,
        },
        {"build/bootstrap": Arch.ARM64},
    ),
}


def _write(template: str, files: Mapping[str, Arch]) -> None:
    Path("template.yaml").write_text(template)
    for name, arch in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(program(arch))
        path.chmod(0o755)


@pytest.mark.parametrize("story", STORIES)
def test_a_story_is_what_a_pull_request_shows(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    story: str,
) -> None:
    old, new, words = STORIES[story]
    before, after = FILES[story]
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    _write(old, before)
    git("add", ".")
    git("commit", "-q", "-m", "before")
    for name in before:
        if name.startswith("build/"):
            Path(name).unlink()
    _write(new, after)
    assert main(["diff", "--git", "main", "--markdown", *words]) == 1
    said = capsys.readouterr().out
    assert f"<!-- {story} story -->\n\n{said}\n<!-- end of it -->" in PAGE
    changes = [line for line in new.splitlines() if line not in old.splitlines()]
    assert all(f"+{line}\n" in PAGE for line in changes)
