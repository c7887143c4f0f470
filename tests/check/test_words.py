"""Words of scripts come to what bash makes of them, wherever anything is said of them."""

from __future__ import annotations

import random
import shutil
import subprocess

from shim.check.execution import Machine
from shim.check.situation import Situation
from shim.check.words import Words
from shim.package import shell_tree
from shim.package.shell import Unclear, read_script
from tests.check.builders import entry, state
from tests.requirements import require

PIECES = (
    *("a", '"b c"', "'d $A'", "$A", "${A}", '"$A"', '"$B"', "$B", "$E", '"$E"', "/", ":", "=", "-"),
    *("${B%.*}", "${B%%.*}", "${B#*.}", "${B##*.}", '"${B%.*}"', "${N:-x}", "${E:-x}", "${E-x}"),
    *("$(echo hi)", "`echo hi`", "$(dirname $H)", '"$(basename "$H")"', "$(basename $H .sh)"),
    *("$(echo $H | cut -d. -f1)", "\\$", '\\"', '"\\$A"', '"a\\"b"', "$1", "$2", '"$2"', '"$@"'),
    *("$#", "${1}", "${0%/*}", '"$0"', ",", "%", "@", "+", "!", "é", '""', "''", "$@"),
)  # fmt: skip
VARIABLES = {"A": "one", "B": "two.three.four", "E": "", "H": "bin/orders.sh", "N": None}
BEGIN = """\
A=one; B=two.three.four; E=; H=bin/orders.sh; unset N
p() { printf '<%s>' "$@"; echo; }
while IFS= read -r line; do eval "$line" 2>/dev/null || echo; done
"""


def test_words_come_to_what_bash_makes_of_them() -> None:
    require(shutil.which("bash") is not None, "there is no bash")
    rng = random.Random(20)
    lines = [
        "p " + " ".join("".join(rng.choices(PIECES, k=rng.randrange(1, 5))) for _ in range(2))
        for _ in range(1500)
    ]
    done = subprocess.run(
        ["bash", "-c", BEGIN, "/var/task/bootstrap", "x", "y z"],
        input="\n".join([*lines, ""]),
        capture_output=True,
        text=True,
        check=False,
    )
    at = Situation(
        variables={**VARIABLES, "0": "/var/task/bootstrap"},
        arguments=("x", "y z"),
        is_bash=True,
        is_posix=False,
    )
    words = Words(Machine(state(entry("bootstrap"))), at, lambda _: None)
    known = 0
    for line, expected in zip(lines, done.stdout.split("\n"), strict=False):
        script = read_script(line.encode())
        command = None if isinstance(script, Unclear) else script.children[0]
        if command is None or shell_tree.unread(command):
            continue
        fields = words.fields(shell_tree.command_words(command)[0])
        texts = [field for field in fields[1:] if not isinstance(field, Unclear)]
        if len(texts) == len(fields) - 1:
            known += 1
            assert "".join(f"<{text}>" for text in texts) == (
                expected if texts or expected != "<>" else ""
            ), line
    assert known > 700
