"""Which shell `bootstrap`s do nothing that a launcher would not do."""

from __future__ import annotations

from pathlib import Path

import pytest

import shim.bench
from shim.package.handover import lost_with

BASELINES = sorted((Path(shim.bench.__file__).parent / "baselines").glob("*.sh"))
ONLY_HANDS_OVER = {
    "nothing": "",
    "a command": '"./$_HANDLER"',
    "a check": '[ -n "$_HANDLER" ] || exit 1\nexec "./$_HANDLER"',
    "a suffix": 's=\n[ "$(uname -m)" = aarch64 ] && s=_arm64\nexec "./$_HANDLER$s" "$@"',
    "a case": 'case $(uname -m) in\naarch64) a=arm ;;\n*) a=x86 ;;\nesac\nexec "./$_HANDLER$a"',
    "its folder": 'set -euo pipefail\ncd "$(dirname "$0")"\nexec "./$_HANDLER"',
    "the task's folder": 'cd "$LAMBDA_TASK_ROOT"\nprogram="$PWD/${_HANDLER}"\nexec "$program"',
    "if": 'if [ -x "./$_HANDLER" ]; then exec "./$_HANDLER"; else exec "/opt/$_HANDLER"; fi',
}
DOES_MORE = {
    "arguments": ('exec "./$_HANDLER" --serve', "line 2, the handler's arguments"),
    "an export": ('export MODE=fast\nexec "./$_HANDLER"', "line 2, `export`"),
    "a variable for it": ('MODE=fast exec "./$_HANDLER"', "line 2, the variable `MODE`"),
    "its path": ('PATH="$PATH:/opt/x"\nexec "./$_HANDLER"', "line 2, the variable `PATH`"),
    "a linker": ('exec ./lib/ld-linux.so.2 "./$_HANDLER"', "line 2, `./lib/ld-linux.so.2`"),
    "another program": ("exec ./app", "line 2, `./app`"),
    "a download": ('curl -o /tmp/x https://a.example\nexec "./$_HANDLER"', "line 2, `curl`"),
    "a limit": ('ulimit -n 1024\nexec "./$_HANDLER"', "line 2, `ulimit`"),
    "another folder": ('cd /opt\nexec "./$_HANDLER"', "line 2, another folder to work in"),
    "the background": ('./agent &\nexec "./$_HANDLER"', "line 2, a command in the background"),
    "a loop": ('while :; do "./$_HANDLER"; done', "a loop"),
    "a pipe": ('"./$_HANDLER" | tee /tmp/log', "a pipe"),
    "a file's text": ('mode=$(cat mode)\nexec "./$_HANDLER"', "what is run for its output"),
    "a name cut": ('exec "./${_HANDLER%.*}"', "${_HANDLER%.*}"),
    "a command in another": ('a=$(echo $(curl x))\nexec "./$_HANDLER"', "run for its output"),
    "a file": ('exec "./$_HANDLER" > /mnt/log', "a redirection to a file"),
}


@pytest.mark.parametrize("path", BASELINES, ids=lambda path: path.name)
def test_the_scripts_that_launchers_are_measured_against_lose_nothing(path: Path) -> None:
    assert lost_with(path.read_bytes()) == ()


@pytest.mark.parametrize("case", ONLY_HANDS_OVER)
def test_a_script_that_only_hands_over_loses_nothing(case: str) -> None:
    assert lost_with(f"#!/bin/sh\n{ONLY_HANDS_OVER[case]}\n".encode()) == ()


@pytest.mark.parametrize("case", DOES_MORE)
def test_what_a_script_does_besides_is_said(case: str) -> None:
    text, sentence = DOES_MORE[case]
    assert any(sentence in one for one in lost_with(f"#!/bin/sh\n{text}\n".encode()))


def test_what_is_no_shell_script_is_not_understood() -> None:
    assert lost_with(b"#!/usr/bin/python3\nimport os\nprint({'a': 1})\n")
