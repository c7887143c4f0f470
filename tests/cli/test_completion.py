"""The completion scripts, read by the shells that they are for."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from shim.cli.main import COMMANDS, command_parser, find_command, main
from tests.requirements import require
from tests.terminal import on_terminal

if TYPE_CHECKING:
    from pathlib import Path

WANTED = {
    "shim ch": {"check"},
    "shim check --hand": {"--handler"},
    "shim check --arch ": {"x86_64", "arm64"},
    "shim pack --flavour ": {"lean", "full"},
    "shim check ord": {"orders.zip"},
    "shim check --layer ord": {"orders.zip"},
    "shim completion ": {"bash", "zsh", "fish"},
}
"""By a line that is not at its end: what it can go on with."""

BASH = """\
source ./script
declare -F _shtab_shim > /dev/null
COMP_WORDS=({line}) COMP_CWORD={index}
[ -z "{last}" ] && COMP_WORDS+=('')
_shtab_shim shim "{last}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

CTRL_U, CTRL_X = "\x15", "\x18"

ZSH = """\
fpath=("$PWD" $fpath)
autoload -U compinit
compinit -u -D
unsetopt beep prompt_sp
tell() { print -r "[$BUFFER]" }
zle -N tell
bindkey '^X' tell
"""
"""Ctrl-X shows the line as it is: the terminal gets no more than what is added to it."""


def script(shell: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require(shutil.which(shell) is not None, f"{shell} is not installed")
    assert main(["completion", shell]) == 0
    (folder / "script").write_text(capsys.readouterr().out)
    (folder / "orders.zip").touch()


def words(text: str) -> set[str]:
    """The first word of each line: fish puts a description behind it."""
    return {line.split("\t")[0].strip() for line in text.splitlines()}


def test_bash_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("bash", tmp_path, capsys)
    for line, wanted in WANTED.items():
        *before, last = line.split(" ")
        asked = BASH.format(line=line, index=len(before), last=last)
        found = subprocess.run(
            ["bash", "--norc", "-c", asked],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert words(found.stdout) == wanted, line


def test_fish_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("fish", tmp_path, capsys)
    for line, wanted in WANTED.items():
        found = subprocess.run(
            ["fish", "--no-config", "-c", f"source ./script; complete -C '{line}'"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert words(found.stdout) == wanted, line


def test_zsh_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("zsh", tmp_path, capsys)
    (tmp_path / "script").rename(tmp_path / "_shim")
    (tmp_path / "begin").write_text(ZSH)
    with on_terminal(["zsh", "-f", "-i"], environment={"PS1": ""}) as shell:
        shell.send(f"cd {tmp_path}; source ./begin; echo REA''DY\n")
        shell.wait_for("READY")
        for line, wanted in WANTED.items():
            if len(wanted) == 1:
                shell.send(f"{line}\t{CTRL_X}")
                shell.wait_for(f"[{line.rpartition(' ')[0]} {min(wanted)}")
            else:
                shell.send(f"{line}\t\t")
                shell.wait_for(*wanted)
            shell.send(f"{CTRL_U}echo REA''DY\n")
            shell.wait_for("READY")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_option_of_every_command_is_in_it(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    for command in COMMANDS:
        assert command in text
        for option in command_parser(command, find_command(command)).options:
            assert option in text
