"""`shim bench`: measures, prints a table, saves and draws what it found."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from shim.cli import options
from shim.cli.emulator import check_system
from shim.cli.terminal import open_console, quiet_status
from shim.errors import ExitCode, InputError

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from shim.bench.record import Record
    from shim.bench.session import Settings

_DESCRIPTION = """\
Measures how long the launcher takes, against the shell scripts and programs that stand as
`bootstrap` elsewhere: from just before the exec of `bootstrap` to the handler's first instruction.
All candidates run in turn, each round in another order; ratios are taken within a round, with
95 % confidence intervals."""

_EXAMPLES = """\
examples:
  shim bench
  shim bench --only lean,exec-dash,uname-bash --rounds 2000 --output bench.json
  shim bench --record bench.json --plot bench.svg
  sudo shim bench --cold --read-ahead 128
  sudo shim bench --memory 128
"""

_ROUNDS = {"warm": 500, "cold": 30, "throttled": 40}
"""Each takes about half a minute."""


def configure(parser: argparse.ArgumentParser) -> None:
    """See `shim.cli.main.Command`."""
    parser.description = _DESCRIPTION
    parser.epilog = f"{_EXAMPLES}\n{parser.epilog}"
    add, path = parser.add_argument, options.file_path
    add("--only", metavar="NAME,…", type=_names, help="these candidates, and always the floor")
    add("--nuitka", action="store_true", help="plain Nuitka builds too; they take minutes")
    many = options.whole_number(1, 1_000_000)
    add("--rounds", metavar="N", type=many, help="starts of each candidate (half a minute's worth)")
    some = options.whole_number(0, 1_000_000)
    add("--warmup", metavar="N", type=some, default=3, help="rounds not counted, before (3)")
    add("--seed", metavar="N", type=int, help="of the rounds' orders (a new one)")
    add("--cpu", metavar="N", type=int, help="run everything on this CPU")
    options.add_arch(parser, note=": this machine's, which is all that can be measured")
    add("--cold", action="store_true", help="drop the page cache before each start (best as root)")
    add(
        "--read-ahead",
        metavar="KB",
        type=options.whole_number(0, 1_048_576),
        help="with --cold: set the disk's, put it back",
    )
    add(
        "--memory",
        metavar="MB",
        type=options.whole_number(128, 10_240),
        help="the CPU share of a function of this size (root)",
    )
    add("--folder", metavar="DIR", type=path, help="where the candidates are put for the time")
    options.add_output(parser, "save samples, machine and versions as JSON: a record")
    add("--plot", metavar="FILE", type=path, help="draw an .svg or .png (needs matplotlib)")
    add("--record", metavar="FILE", type=path, help="measure nothing: show what --output saved")


def run(arguments: argparse.Namespace) -> ExitCode:
    """See `shim.cli.main.Command`."""
    if arguments.record is None:
        check_system("`shim bench` without --record")
    from shim.bench import plot, record, session

    if arguments.plot is not None:
        plot.require_plot(arguments.plot)
        _require_writable(arguments.plot)
    if arguments.record is not None:
        _refuse_measuring(arguments)
        found = record.load(arguments.record)
    else:
        with quiet_status() as tell:
            found = session.run(_settings(arguments), tell=tell)
    if arguments.json:
        _print_json(found)
    else:
        _print_tables(open_console(no_color=arguments.no_color), found)
    if arguments.plot is not None:
        plot.draw(found, arguments.plot)
    return ExitCode.OK if found.is_complete else ExitCode.INTERRUPTED


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _settings(arguments: argparse.Namespace) -> Settings:
    from shim.bench.schedule import Plan
    from shim.bench.session import Settings

    _refuse_nonsense(arguments)
    mode = "throttled" if arguments.memory else "cold" if arguments.cold else "warm"
    seed = int.from_bytes(os.urandom(4)) if arguments.seed is None else arguments.seed
    if arguments.output is not None:
        _require_writable(arguments.output)
    return Settings(
        plan=Plan(rounds=arguments.rounds or _ROUNDS[mode], warmup=arguments.warmup, seed=seed),
        names=arguments.only or (),
        with_slow=arguments.nuitka,
        cpu=arguments.cpu,
        memory=arguments.memory,
        cold=arguments.cold,
        read_ahead=arguments.read_ahead,
        folder=arguments.folder or Path(tempfile.gettempdir()),
        output=arguments.output and arguments.output.absolute(),
    )


def _refuse_measuring(arguments: argparse.Namespace) -> None:
    for option in ("only", "nuitka", "rounds", "seed", "cpu", "arch", "cold", "memory", "output"):
        if getattr(arguments, option) not in {None, False}:
            raise InputError(f"--record measures nothing, it doesn't go with: --{option}")


def _refuse_nonsense(arguments: argparse.Namespace) -> None:
    from shim.bench.candidates import RECIPES
    from shim.bench.machine import own_arch, own_cpus

    if arguments.arch not in {None, own_arch()}:
        raise InputError(
            f"times under emulation say nothing of the machine: {arguments.arch}",
            hint=f"run this on an {arguments.arch} machine; this one is {own_arch()}",
        )
    known = [recipe.name for recipe in RECIPES]
    for name in arguments.only or ():
        if name not in known:
            raise InputError(f"no such candidate: {name}", hint=f"there are: {', '.join(known)}")
    if arguments.cpu is not None and arguments.cpu not in own_cpus():
        raise InputError(f"shim may not run on this CPU: {arguments.cpu}")
    if arguments.read_ahead is not None and not arguments.cold:
        raise InputError("--read-ahead changes nothing without --cold")


def _require_writable(path: Path) -> None:
    folder = path.absolute().parent
    if path.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"can't write there: {path}")


def _print_json(record: Record) -> None:
    from shim.bench.record import to_json
    from shim.bench.report import summary_json
    from shim.document import encode

    print(encode({**to_json(record), **summary_json(record)}))


def _print_tables(console: Console, record: Record) -> None:
    from rich.text import Text

    from shim.bench import report
    from shim.cli.text.tables import Column, print_table

    is_cold = record.conditions.page_cache is not None
    titles = ("size", "launch µs", "middle half", "against the floor", "CPU µs", "faults")
    columns = (
        Column(title="name"),
        Column(title="what stands as bootstrap", wraps=True),
        *(
            Column(title=title, justify="right")
            for title in (*titles, *(["read KB"] if is_cold else []))
        ),
    )
    rows = []
    for row in report.rows(record):
        cells = (*report.cells(row), *([f"{row.kilobytes_read:,.0f}"] if is_cold else []))
        rows.append(tuple(map(Text, cells)))
    print_table(console, columns, rows)
    for line in (*map(report.sentence, report.comparisons(record)), "", *report.notes(record)):
        print(line)
