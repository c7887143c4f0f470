"""Random shell scripts of the shapes that people write as `bootstrap`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

LINES = ("#!/bin/sh", "#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env bash", "#!/bin/sh -e")
# What a program prints is how a real start tells that it ran: no script swallows it.
PREAMBLES = (
    *("", "", "", "set -e", "set -eu", "set -euo pipefail", 'cd "$LAMBDA_TASK_ROOT"', "cd bin"),
    *('cd "$(dirname "$0")"', "cd nowhere", "export A=b", "exec 2>&1"),
    *("PATH=$LAMBDA_TASK_ROOT:$PATH", "export PATH=/opt:$PATH", "[ -f app ]"),
    *(". ./lib.sh", "test -x ./app || exit 1", "[ -d bin ] && cd bin", "./app", "true", "umask 22"),
    *("_HANDLER=app", "f() { ./app; }", "export LD_LIBRARY_PATH=$PWD/deep/down:$LD_LIBRARY_PATH"),
    *(
        '[ -z "$STAGE" ] && A=b',
        "command -v app",
        "missing-program",
        "./missing",
        'A=$(./app); echo "$A"',
    ),
    *(
        "A=$(false)",
        "A=$(./missing)",
        'echo "$1"',
        "set -u",
        "pushd bin",
        "IFS=.\nset -- $_HANDLER",
    ),
    *("trap 'exit 3' DEBUG", "PWD=/nowhere", "shopt -s execfail", "readonly APP=./app", "false"),
    *("APP=./app", "APP=./missing", "true | false", "cd bin\ncd -", "app() { echo no; }", "! true"),
)
PROGRAMS = (
    *("./app", "./bin/app", '"$LAMBDA_TASK_ROOT/app"', "$LAMBDA_TASK_ROOT/bin/app", "/opt/shared"),
    *('"$(dirname "$0")/app"', "$PWD/app", '"${0%/*}/app"', "app", "./missing", '"./$_HANDLER"'),
    *("./$_HANDLER", '"${PWD}/${_HANDLER}"', '"$LAMBDA_TASK_ROOT/$_HANDLER"', "$_HANDLER"),
    *('"./${_HANDLER%.*}"', "./$(echo $_HANDLER | cut -d. -f1)", '"$(pwd)/$_HANDLER"', "$APP"),
    *('"./$(basename "$_HANDLER")"', "./${_HANDLER##*/}", "${APP:-./app}", "/usr/bin/env ./app"),
    *("./app$s", '"./$_HANDLER$s"', "./bin", "env A=b ./app", '"/opt/$_HANDLER"'),
)
SHAPES = (
    *("exec {}", "exec {}", 'exec {} "$@"', "{}", "{} --flag", "exec {} || exec {}", "{} || {}"),
    *("{} && echo done", "{} &\nwait", "exec -- {}", "if [ -x ./app ]; then exec {}; fi\nexec {}"),
    *("if {}; then {}; else {}; fi", "while true; do {}; break; done", "! {}", "({})", "eval {}"),
    *("case $(uname -m) in aarch64) exec {};; *) exec {};; esac", "for x in 1 2; do {}; done"),
    *('[ "$(uname -m)" = aarch64 ] && s=_arm64\nexec {}', "f() {{ exec {}; }}\nf", "run\n{}"),
    *("test $(uname -m) != aarch64 || s=_arm64\n{}", "{}\nexit 1", "{} 2>&1 | cat"),
    *("sh -c {}", "exec sh {}", ". {}", "exec 3>&1\n{} | cat", "RESULT=$({})\necho $RESULT"),
    *('if [ "$HOSTTYPE" = aarch64 ]; then exec {}; else exec {}; fi', "trap : TERM\n{}"),
    *(
        'words=({} a)\nexec "${{words[@]}}"',
        "{}; {}",
        "[[ -n $A ]] && {}",
        "exec /bin/echo 'handler ran'",
    ),
    *("echo hi", '[ -n "$STAGE" ] && A=b || A=c\n{}', "case $_HANDLER in app) exec {};; esac\n{}"),
    *(
        "{} | cat\n{}",
        "A=$({})\n{}",
        "if ! [ -f app ]; then exit 1; fi\n{}",
        "{} || exit 1\nexec {}",
    ),
)


def shell_script(rng: random.Random) -> tuple[str, str]:
    """A first line, and the rest."""
    body = [rng.choice(PREAMBLES) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
    shape = rng.choice(SHAPES)
    programs = [rng.choice(PROGRAMS) for _ in range(3)]
    return rng.choice(LINES), "\n".join([*body, shape.format(*programs), ""])
