"""Files of parameters, as AWS's tools take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shim.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = """\
Parameters: {Stage: {Type: String}, Name: {Type: String}}
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: {Runtime: provided.al2023, Handler: !Sub "${Stage}-${Name}", Code: code}
"""


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ('{"Stage": "prod", "Name": "x=y"}', "handler prod-x=y\n"),
        ('{"Parameters": {"Stage": "prod", "Name": "x"}, "Tags": {}}', "handler prod-x\n"),
        ('["Stage=prod", "Name=x=y"]', "handler prod-x=y\n"),
        ('[{"ParameterKey": "Stage", "ParameterValue": "prod"}]', "`Name` has no default"),
        ('["Stage"]', "p.json: not NAME=VALUE: `[0]`"),
        ('[{"ParameterKey": "Stage", "UsePreviousValue": true}]', "missing: `[0].ParameterValue`"),
        ('{"Stage": 1}', "p.json: not a text: `Stage`"),
        ("x", "p.json: not JSON"),
    ],
)
def test_what_a_file_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    file: str,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.json").write_text(file)
    (tmp_path / "old.yaml").write_text(TEMPLATE)
    (tmp_path / "new.yaml").write_text(TEMPLATE.replace("al2023", "al2"))
    main(["diff", "old.yaml", "new.yaml", "--parameters", "p.json"])
    printed = capsys.readouterr()
    assert said in printed.out + printed.err


def test_one_on_the_command_line_comes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.json").write_text('{"Stage": "prod", "Name": "x"}')
    (tmp_path / "old.yaml").write_text(TEMPLATE)
    (tmp_path / "new.yaml").write_text(TEMPLATE.replace("al2023", "al2"))
    main(["diff", "old.yaml", "new.yaml", "--parameters", "p.json", "--parameter", "Name=y"])
    assert "handler prod-y\n" in capsys.readouterr().out
