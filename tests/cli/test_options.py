"""The same option is the same thing in every command."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from shim.arch import SPELLINGS
from shim.cli.main import COMMANDS, command_parser, find_command, main

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

OWN_WORDS = {"--arch", "--output", "-o", "--draw", "--flavour", "--handler", "--layer", "--seed",
             "--include", "--root", "--from", "--region", "--runtime", "--dry-run",
             "--explain", "--image"}  # fmt: skip
"""What is said of these says too what the command makes of them."""

OWN_FORMS = {"--image", "--layer", "--output", "-o", "--root"}
"""These take a file, or a folder, or, where several are told apart, a name before it."""


def options() -> dict[str, dict[str, argparse.Action]]:
    """By option, then by command."""
    found: dict[str, dict[str, argparse.Action]] = defaultdict(dict)
    for command in COMMANDS:
        parser = command_parser(command, find_command(command))
        for action in parser._actions:
            for option in action.option_strings:
                found[option][command] = action
    return found


SHARED = {option: by_command for option, by_command in options().items() if len(by_command) > 1}


@pytest.mark.parametrize("option", sorted(SHARED))
def test_an_option_that_commands_share_is_one(option: str) -> None:
    actions = SHARED[option].values()
    assert len({action.dest for action in actions}) == 1
    if option not in OWN_FORMS:
        assert len({action.metavar for action in actions}) == 1
    if option not in OWN_WORDS:
        assert len({action.help for action in actions}) == 1


def test_every_command_has_the_options_that_all_have() -> None:
    assert SHARED["--json"].keys() == SHARED["--no-color"].keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", ["check", "run", "plan", "simulate"])
def test_what_takes_a_functions_settings_takes_them_all_and_its_file(command: str) -> None:
    found = {option for option, by_command in SHARED.items() if command in by_command}
    assert {"--from", "--handler", "--arch", "--env", "--layer"} <= found


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["check", ""], "empty file name"),
        (["pack", "x", "-o", ""], "empty file name"),
        (["check", "x", "--runtime", ""], "it is empty"),
        (["deploy", "--function", ""], "it is empty"),
        (["run", "x", "--image", ""], "it is empty"),
        (["check", "x", "--handler", "caf\udce9"], "it is not UTF-8"),
        (["run", "x", "--handler", "x", "--env", "NAME=\udcff"], "it is not UTF-8"),
        (["run", "x", "--handler", "x", "--env", "_X=1"], "not NAME=VALUE"),
        (["plan", "--from", "x", "--env", "X"], "not NAME=VALUE"),
        (["simulate", "--draw", "x.png"], "a drawing is an .svg or .html file: x.png"),
        (["run", "x", "--repeat", "1" * 5000], "not a whole number from 1 to 1,000,000"),
        (["run", "x", "--repeat", "\u0663"], "not a whole number from 1 to 1,000,000"),
        (["layer", "-o", "x", "--flavour", "thin"], "not lean or full: thin"),
        (["simulate", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["nonsense"], "no such command: nonsense"),
        (["help", "nonsense"], "no such command: nonsense"),
        (["layer", "-o", "x", "--arch", "riscv64"], "not x86_64 or arm64: riscv64"),
    ],
)
def test_bad_usage_is_a_sentence_and_exit_status_2(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert sentence in said.err.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["chekc", "function.zip"], "check"),
        (["plna"], "plan"),
        (["check", "x", "--hanlder", "bin/orders"], "--handler"),
        (["check", "x", "--runtme=provided.al2"], "--runtime"),
    ],
)
def test_a_word_misspelt_is_met_with_the_one_that_was_meant(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert f"hint: did you mean `{meant}`? see `shim" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_current_folder_that_went_is_told(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert main([command, "--no-config"]) == 2
    assert capsys.readouterr().err.startswith("error: the current folder is not there any more\n")


def test_a_word_like_no_other_is_met_with_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "x", "--zzz"]) == 2
    assert capsys.readouterr().err.splitlines()[1] == "hint: see `shim check --help`"


@pytest.mark.parametrize(
    ("words", "same"),
    [
        ([], ["--help"]),
        (["help"], ["--help"]),
        (["help", "check"], ["check", "--help"]),
        (["-V"], ["--version"]),
    ],
)
def test_help_and_version_are_found_where_other_tools_have_them(
    words: list[str], same: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for line in (words, same):
        with pytest.raises(SystemExit) as end:
            main(line)
        assert end.value.code == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != ""


@pytest.mark.parametrize("word", ["amd64", "x86_64", "aarch64", "arm64"])
def test_an_architecture_is_understood_as_tools_spell_it(word: str) -> None:
    parser = command_parser("check", find_command("check"))
    assert parser.parse_args(["x.zip", "--arch", word]).arch is SPELLINGS[word]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_the_exit_statuses_mean(command: str) -> None:
    text = command_parser(command, find_command(command)).format_help()
    statuses = "".join(text[text.index("exit status") :].split())
    assert [number for number in ("0", "1", "2", "3", "130") if number not in statuses] == []
