"""Options in a project's file: found, joined with the command line's, and refused by line."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.cli.config import SHARED, configured
from shim.cli.main import COMMANDS, command_parser, find_command, main
from shim.errors import ExitCode, InputError
from shim.package.entry import Entry
from shim.package.function import write_zip
from tests.check.builders import SCRIPT
from tests.command import run_shim
from tests.requirements import require

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder; the current one is deep in it."""
    (tmp_path / "deep/down").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep/down")
    return tmp_path


def parsed(command: str, *words: str) -> argparse.Namespace:
    parser = command_parser(command, find_command(command))
    with configured(command, parser, words, commands=COMMANDS) as more:
        return parser.parse_intermixed_args([*more, *words])


CHECK = """
region = "eu-west-1"  # of all commands

[{0}check]
arch = "aarch64"
layer = ["layers/a.zip", "/b.zip"]
env = ["STAGE=test"]
strict = true
"""


INLINE = """
[tool]
shim = {region = "eu-west-1", check = {arch = "arm64", layer = ["layers/a.zip", "/b.zip"], \
env = "STAGE=test", strict = true}}
"""


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("shim.toml", CHECK.format("")),
        ("pyproject.toml", f"[project]\nname = 'x'\n[tool.shim]{CHECK.format('tool.shim.')}"),
        ("pyproject.toml", INLINE),
    ],
)
def test_a_file_above_says_what_was_not_typed(file: str, text: str, here: Path) -> None:
    (here / file).write_text(text)
    (here / "deep/pyproject.toml").write_text("[tool.other]\n[project]\nname = 'not of shim'\n")
    found = parsed("check", "x.zip")
    assert (found.arch, found.region, found.strict) == (Arch.ARM64, "eu-west-1", True)
    assert found.layers == [here / "layers/a.zip", Path("/b.zip")]
    assert found.env == [("STAGE", "test")]
    typed = parsed("check", "x.zip", "--arch=amd64", "--layer", "c.zip")
    assert (typed.arch, typed.layers, typed.region) == (Arch.X86_64, [Path("c.zip")], "eu-west-1")


def test_shim_toml_comes_before_pyproject_and_the_nearest_before_others(here: Path) -> None:
    for path, region in (("shim.toml", "a"), ("pyproject.toml", "b"), ("deep/shim.toml", "c")):
        head = "[tool.shim]\n" if path == "pyproject.toml" else ""
        (here / path).write_text(f'{head}region = "{region}"')
    assert parsed("check", "x").region == "c"
    (here / "deep/shim.toml").unlink()
    assert parsed("check", "x").region == "a"


def test_what_excludes_a_typed_option_gives_way(here: Path) -> None:
    (here / "shim.toml").write_text('[check]\nruntime = "provided.al2023"\njson = true\n')
    found = parsed("check", "x", "--root", "folder", "--sarif")
    assert (found.runtime, found.json, found.root) == (None, False, Path("folder"))
    assert parsed("check", "x").runtime == "provided.al2023"


def test_an_account_for_all_commands_is_none_for_files(here: Path) -> None:
    (here / "shim.toml").write_text('region = "eu-west-1"\n')
    write_zip(here / "p.zip", [Entry.file("bootstrap", SCRIPT, mode=0o755)])
    (here / "f.json").write_text('{"Runtime": "provided.al2023", "Handler": "x"}')
    words = ["plan", "--from", str(here / "f.json"), "--from-package", str(here / "p.zip")]
    assert main(words) == ExitCode.OK
    assert main([*words, "--region", "eu-west-1"]) == ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "where", "sentence", "hint"),
    [
        ("\n[check]\narhc = 'arm64'", ":3", "`shim check` has no such option: `arhc`", "`arch`"),
        ("regoin = 'x'", ":1", "no command, and no option of all commands: `regoin`", "`region`"),
        ("[chekc]\n", ":1", "no command, and no option of all commands: `chekc`", "`check`"),
        ("arch = 'arm64'", ":1", "no command, and no option of all commands: `arch`", ""),
        ("[check]\n'arch' = 'riscv'", "", "not x86_64 or arm64: riscv: `arch`", ""),
        ("[check]\nstrict = 1", ":2", "true or false, and nothing else: `strict`", ""),
        ("[check]\narch = ['arm64']", ":2", "not a text or a number: `arch`", ""),
        ("[check]\nlayer = [true]", ":2", "not a text or a number: `layer`", ""),
        ("[check]\nno-config = true", ":2", "`shim check` has no such option: `no-config`", ""),
        ("check = 3", ":1", "no command, and no option of all commands: `check`", ""),
        ("[check", "", "not TOML: ", ""),
    ],
)
def test_what_can_not_be_is_said_with_its_line(
    text: str, where: str, sentence: str, hint: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "shim.toml").write_text(text)
    assert main(["check", "x.zip"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert said.startswith(f"error: {here}/shim.toml{where}: {sentence}")
    assert hint in said
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    main(["check", "x.zip", "--no-config"])
    assert "shim.toml" not in capsys.readouterr().err


def test_what_is_no_file_is_not_waited_for(here: Path) -> None:
    os.mkfifo(here / "shim.toml")
    (here / "pyproject.toml").mkdir()
    assert parsed("check", "x").runtime is None


def test_an_error_says_what_came_from_the_file(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "shim.toml").write_text("[simulate]\nshare = 0.1\n")
    assert main(["simulate", "--from", "x", "--by-verdict"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert f"{here}/shim.toml adds --share: `--no-config` leaves that out\n" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_nobody_agrees_by_a_file(command: str, here: Path) -> None:
    (here / "shim.toml").write_text(f"[{command}]\nyes = true\n")
    with pytest.raises(InputError, match="has no such option: `yes`"):
        parsed(command)


def test_a_strangers_file_above_is_not_read(here: Path) -> None:
    require(os.geteuid() == 0, "only root can give a file to somebody else")
    (here / "shim.toml").write_text('region = "x"')
    os.chown(here / "shim.toml", 993, 990)
    assert parsed("check", "x").region == "x"
    here.chmod(0o1777)
    assert parsed("check", "x").region is None


def test_what_stands_for_all_commands_is_there_in_several() -> None:
    parsers = [command_parser(name, find_command(name)) for name in COMMANDS]
    for name in SHARED:
        assert sum(name in parser.options for parser in parsers) > 1


def test_the_version_and_help_read_no_file(here: Path) -> None:
    (here / "shim.toml").write_text("no TOML")
    assert [run_shim(word).returncode for word in ("--version", "--help")] == [0, 0]


@pytest.mark.parametrize(
    "words",
    [
        ["check", "x", "--handler", "a", "--handler", "b"],
        ["check", "x", "--handler=a", "--handler=a"],
        ["pack", "x", "-o", "a", "--output", "b"],
        ["run", "x", "--timeout", "60", "--timeout", "30"],
    ],
)
def test_what_is_said_twice_is_told(
    words: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == ExitCode.USAGE
    assert re.match(r"error: argument --\S+: it can be given once\n", capsys.readouterr().err)


def test_python_need_not_read_toml_for_other_projects(here: Path) -> None:
    (here / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    sys.modules.pop("tomllib", None)
    assert parsed("launcher", "--dual").dual
    assert "tomllib" not in sys.modules
