"""The options that a project repeats: `[tool.shim]` in its pyproject.toml, or its shim.toml.

They stand before the command line's own words, as if they had been typed.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.cli.parsing import is_repeated, nearest_of, path_form
from shim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from shim.cli.parsing import Parser

SHARED = ("endpoint-url", "no-color", "profile", "region", "rie")
"""What can stand outside a command's table, for every command that has it."""

_FILES = ("shim.toml", "pyproject.toml")
_TYPED = {"no-config", "yes"}
"""What no file can say: `--yes` is for who has seen the question."""

_NO_PATH = re.compile(r'-|arn:[^=]*|\s*[\[{"].*', re.DOTALL)
"""What may stand in a path's place, and is none."""

_OTHERS_MAY_WRITE = 0o002


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """The file that is in force, and what it says."""

    path: Path
    text: str
    table: Mapping[str, Any]
    head: str
    """What its tables' names begin with."""
    commands: Collection[str]

    def words(self, command: str, parser: Parser, given: Iterable[str]) -> dict[str, list[str]]:
        """By option: what it says for a command, where the words `given` don't say it."""
        known = {name: one for name, one in parser.options.items() if name not in _TYPED}
        shared = {name: one for name, one in self._shared().items() if name in known}
        own = self._own(command, known)
        barred = parser.barred_by(given)
        return {
            name: self._words(name, value, known[name], command if name in own else "")
            for name, value in (shared | own).items()
            if known[name] not in barred
        }

    def _shared(self) -> dict[str, Any]:
        for name, value in self.table.items():
            if name not in (self.commands if isinstance(value, dict) else SHARED):
                message = f"no command, and no option of all commands: `{name}`"
                raise self._error(name, "", message, [*SHARED, *self.commands])
        return {name: one for name, one in self.table.items() if not isinstance(one, dict)}

    def _own(self, command: str, known: Iterable[str]) -> dict[str, Any]:
        own: dict[str, Any] = self.table.get(command, {})
        for name in own:
            if name not in known:
                message = f"`shim {command}` has no such option: `{name}`"
                raise self._error(name, command, message, known)
        return own

    def _words(self, name: str, value: Any, action: argparse.Action, command: str) -> list[str]:
        if action.nargs == 0:
            if not isinstance(value, bool):
                raise self._error(name, command, f"true or false, and nothing else: `{name}`")
            return [f"--{name}"] if value else []
        values = value if isinstance(value, list) and is_repeated(action) else [value]
        if any(isinstance(one, bool | list | dict) for one in values):
            raise self._error(name, command, f"not a text or a number: `{name}`")
        texts = [self._located(str(one), action) for one in values]
        try:
            for one in texts:
                action.type(one) if callable(action.type) else None
        except (argparse.ArgumentTypeError, ValueError) as error:
            raise self._error(name, command, f"{error}: `{name}`") from error
        return [f"--{name}={one}" for one in texts]

    def _located(self, text: str, action: argparse.Action) -> str:
        # One in a file is relative to that file's folder.
        form = path_form(action)
        if form is None or _NO_PATH.fullmatch(text):
            return text
        name, equals, path = text.rpartition("=") if form["name"] else ("", "", text)
        return f"{name}{equals}{self.path.parent / path}"

    def _error(
        self, name: str, command: str, message: str, known: Iterable[str] = ()
    ) -> InputError:
        nearest = nearest_of(name, known)
        line = self._line(name, command)
        return InputError(
            f"{self.path}{f':{line}' if line else ''}: {message}",
            hint=f"did you mean `{nearest}`?" if nearest else None,
        )

    def _line(self, name: str, command: str) -> int | None:
        """Where a key stands, if it is written as it usually is."""
        wanted = ".".join(filter(None, (self.head, command)))
        table = ""
        for number, line in enumerate(self.text.splitlines(), 1):
            if header := re.match(r"\s*\[([^\[\]]+)\]", line):
                table = header[1].strip()
                if table == f"{wanted}.{name}".removeprefix("."):
                    return number
            elif table == wanted and re.match(rf'\s*"?{re.escape(name)}"?\s*=', line):
                return number
        return None


@contextmanager
def configured(
    command: str, parser: Parser, given: Sequence[str], *, commands: Collection[str]
) -> Iterator[list[str]]:
    """The words that stand before those `given`; bad usage then says that there are more."""
    found = find_configuration(Path.cwd(), commands)
    words = found.words(command, parser, given) if found else {}
    parser.set_defaults(configured=frozenset(parser.options[name].dest for name in words))
    try:
        yield [word for one in words.values() for word in one]
    except InputError as error:
        if found and words:
            more = f"{found.path} adds --{', --'.join(words)}: `--no-config` leaves that out"
            error.hint = "\n".join(filter(None, (error.hint, more)))
        raise


def find_configuration(folder: Path, commands: Collection[str]) -> Configuration | None:
    """What is in force in a folder: the nearest file, there or above, that says something."""
    for parent in (folder, *folder.parents):
        for name in _FILES:
            if found := _read(parent / name, commands):
                return found
    return None


def _read(path: Path, commands: Collection[str]) -> Configuration | None:
    try:
        if not path.is_file():  # a pipe would be waited for
            return None
    except PermissionError:  # in a folder that one may not look into
        return None
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise InputError(f"can't read the options, {error.strerror}: `{path}`") from error
    except UnicodeDecodeError as error:
        raise InputError(f"can't read the options, {error}: `{path}`") from error
    is_own = path.name == "shim.toml"
    # Most of the time that is saved: to import what reads TOML, and to read what others wrote.
    if not (is_own or "shim" in text) or _is_strangers(path):
        return None
    import tomllib

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from error
    if not is_own:
        tools = table["tool"] if isinstance(table.get("tool"), dict) else {}
        table = tools.get("shim", {})
    if not isinstance(table, dict):
        raise InputError(f"{path}: not a table: `tool.shim`")
    if not table:
        return None
    head = "" if is_own else "tool.shim"
    return Configuration(path=path, text=text, table=table, head=head, commands=commands)


def _is_strangers(path: Path) -> bool:
    """Whether somebody else may have put it there: into /tmp, above a folder of one's own."""
    if sys.platform == "win32":  # where no such folder is everybody's
        return False
    is_open = path.parent.stat().st_mode & _OTHERS_MAY_WRITE
    return bool(is_open) and path.stat().st_uid != os.geteuid()
