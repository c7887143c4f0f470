"""Every table on terminals of several widths, and in a pipe: no word is lost."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from rich.text import Text

from shim.arch import Arch
from shim.bench import record as bench_record
from shim.cli.text.tables import Column, print_table
from shim.package.entry import Entry
from shim.package.function import write_zip
from shim.package.launchers import Flavour, launcher
from tests.bench import fakes
from tests.check.builders import SCRIPT
from tests.command import TREE
from tests.terminal import on_terminal

if TYPE_CHECKING:
    from pathlib import Path

STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LAUNCHER = launcher(Arch.X86_64, Flavour.LEAN)
LONG = "bin/orders-by-customer-and-month"
NOW = "--from f.json --from-package old.zip --package new.zip --handler bin/orders"
COMMANDS = (
    "check old.zip",
    "check old.zip --runtime provided.al2023",
    f"plan {NOW} --bridge . --runtime provided.al2023 --explain",
    f"plan {NOW} --alias live=3",
    f"simulate {NOW} --by-verdict --invocations 600",
    "bench --record bench.json",
    "scan --from functions.json",
    "pack new.zip -o packed.zip",
    "cache",
    "doctor",
)
"""Whatever has rows and columns; what the deployer shows are `shim plan`'s own tables."""

TITLES = {"-", "call", "change", "handler", "name", "owner"}
"""What tables have and blocks don't: the first column's title, and cells without a word."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a function, old and new, whose names take room."""
    folder = tmp_path_factory.mktemp("tables")
    for name, handler in (("old.zip", LONG), ("new.zip", "bin/orders")):
        files = {"bootstrap": LAUNCHER, handler: SCRIPT, "bin/broken": b"#!/nowhere\n"}
        entries = [Entry.file(path, content, mode=0o755) for path, content in files.items()]
        write_zip(folder / name, entries)
    function = {
        "FunctionName": "orders-by-customer-production",
        "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:orders-by-customer",
        "Runtime": "provided.al2",
        "Handler": LONG,
        "Architectures": ["x86_64"],
    }
    (folder / "f.json").write_text(json.dumps({"Configuration": function}))
    (folder / "functions.json").write_text(json.dumps({"Functions": [function]}))
    times = {name: [1.0, 2.0] for name in ("nothing", "assembly", "lean", "exec-dash")}
    bench_record.save(fakes.record(times, rounds=2), folder / "bench.json")
    return folder


@pytest.mark.parametrize("line", COMMANDS)
def test_what_a_pipe_gets_a_terminal_shows_too(line: str, here: Path) -> None:
    command = [sys.executable, "-m", "shim", *line.split(), "--no-color"]
    environment = {"PYTHONPATH": TREE, "DOCKER_HOST": "tcp://127.0.0.1:1"}
    shell = ["sh", "-c", 'cd "$0" && exec "$@" 2>/dev/null', str(here), *command]
    piped = subprocess.run(
        ["env", *(f"{name}={value}" for name, value in environment.items()), *shell],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    words = piped.split()
    assert len(words) > 5
    for columns in (60, 80, 120):
        with on_terminal(shell, columns=columns, environment=environment) as terminal:
            shown = STEERING.sub("", terminal.read())
        assert "\u2026" not in shown, "something is cut off"
        # A longer word may go on in the next line of its cell.
        beginnings = {word[:12] for word in words if word.isascii()}
        lost = {word for word in beginnings if word not in shown} - TITLES
        assert not lost, f"{columns}: {lost}\n{shown}"


def shown(width: int, *rows: tuple[str, ...], is_grouped: bool = False) -> list[str]:
    console = Console(width=width, no_color=True)
    columns = (Column(title="name", folds=True), Column(title="arch"), Column(title="runtime"))
    with console.capture() as capture:
        cells = [tuple(map(Text, row)) for row in rows]
        print_table(console, columns, cells, is_grouped=is_grouped)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_where_there_is_no_room_for_a_table_rows_are_blocks() -> None:
    rows = (("a-long-handlers-name", "x86_64", "starts"), ("a-long-handlers-name", "arm64", "-"))
    assert shown(40, *rows, is_grouped=True) == [
        "name                  arch    runtime",
        "a-long-handlers-name  x86_64  starts",
        "                      arm64   -",
    ]
    assert shown(30, *rows)[1:3] == ["a-long-handle  x86_64  starts", "rs-name"]
    assert shown(20, *rows, is_grouped=True) == [
        "a-long-handlers-name",
        "  arch     x86_64",
        "  runtime  starts",
        "  arch     arm64",
    ]
