"""What is shown besides the result: on a terminal as it moves, elsewhere in one line."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from shim.cli import terminal
from shim.cli.main import main
from shim.errors import ExitCode, InputError
from shim.text import printable, text_problem

if TYPE_CHECKING:
    from pathlib import Path

STEERING = "a\x1b[2J\x9b\r\n\u202e\udce9\x00"


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def test_names_can_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert printable(STEERING) == r"a\x1b[2J\x9b\x0d\x0a\u202e\udce9\x00"
    terminal.print_note(STEERING)
    terminal.print_error(InputError(STEERING, hint=f"{STEERING}\nsecond line"))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines if ":" in line] == ["note", "error", "hint"]
    assert lines[-1] == "second line"
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("command", ["pack", "layer"])
def test_a_handlers_name_can_not_steer_it_either(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "\x1b[2Jorders").write_bytes(b"#!/bin/sh\n")
    assert main([command, str(tmp_path / "in"), "-o", str(tmp_path / "out.zip")]) == ExitCode.OK
    printed = capsys.readouterr()
    assert "x1b[2Jorders" in printed.out
    assert all(line.isprintable() for line in (printed.out + printed.err).splitlines())


@pytest.mark.parametrize("text", ["", "caf\u00e9 \U0001f600", "a b"])
def test_other_text_is_shown_and_sent_as_it_is(text: str) -> None:
    assert printable(text) == text
    assert text_problem(text) is None


def test_elsewhere_progress_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.status("reading"), terminal.progress("packing", 10) as advance:
        advance(3)
    with terminal.quiet_status() as show:
        show("round 1")
    assert capsys.readouterr().err == "reading\npacking\n"


def test_on_a_terminal_it_moves_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    with terminal.progress("packing", 10) as advance:
        advance(10)
    with terminal.status("reading"):
        pass
    with terminal.quiet_status() as show:
        show("round 1")
        show("round 2")
    shown = screen.getvalue()
    assert "packing" in shown
    assert "reading" in shown
    assert shown.endswith("\r\x1b[Kround 1\r\x1b[K")


@pytest.mark.parametrize(("no_color", "variable"), [(True, ""), (False, "1")])
def test_colours_can_be_refused(
    *, no_color: bool, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", variable)
    assert terminal.open_console(no_color=no_color).no_color
    monkeypatch.setenv("NO_COLOR", "")
    assert not terminal.open_console(no_color=False).no_color
