"""Names in packages: their parts, which ones handlers can have, and which one a file has."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from shim.arch import SPELLINGS, Arch
from shim.errors import InputError
from shim.text import text_problem

BOOTSTRAP = "bootstrap"
"""The file that Lambda starts: the launcher's path."""

PRIVATE = ".shim"
"""The folder inside a package that belongs to shim."""

_MODULES = (".py", ".pyx")
"""Among other files these are modules and their sources, `#!` or not: wheels are full of them."""

_EXTENSIONS = {"extensions", ".extensions"}
"""Folders of a layer whose programs Lambda, or an extension's script, starts."""

HANDLER_LIMIT = 128
"""Characters of a function's `Handler` (Lambda API, FunctionConfiguration)."""

LAYER_NAME_LIMIT = 80
"""Characters: 140 are for a layer's ARN, which does as its name too (Lambda API, LayerName)."""

# docs/reference/packages.md has the table of what these three fold away. GoReleaser's `_v1` is the
# instruction set's level.
_ARCH = f"(?P<arch>{'|'.join(SPELLINGS)})(?:_v[0-9.]+)?"
_FILE = re.compile(rf"(?P<name>.+?)[_-](?:linux[_-])?{_ARCH}")
_FOLDER = re.compile(rf"(?:(?:.+[_-])?linux[_-])?{_ARCH}")
_TARGET = re.compile(rf"{_ARCH}-(?:\w+-)?linux-[\w.]+")
_CARGO_PROFILES = {"release", "debug"}


def layer_name(path: str) -> str:
    """What a layer's zip is published as (Lambda API, LayerName: letters, digits, `-`, `_`)."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", Path(path).stem)[:LAYER_NAME_LIMIT]


def file_stem(function: str) -> str:
    """A function's name, or ARN, as part of a file's name."""
    last = function.rpartition(":function:")[2]
    return re.sub(r"[^A-Za-z0-9_-]", "-", last)[:64] or "function"


def api_problem(handler: str) -> str | None:
    r"""Why Lambda's API takes no such `Handler`: `[^\s]+`, and its length; None where it does."""
    if not handler:
        return "it is empty"
    if len(handler) > HANDLER_LIMIT:
        return f"it has {len(handler)} characters and Lambda takes {HANDLER_LIMIT}"
    if re.search(r"\s", handler):
        return "it has white space in it"
    return text_problem(handler)


def handler_problem(handler: str) -> str | None:
    """Why no function can have this `Handler` and the launcher: Lambda or the launcher refuses it.

    That it names the launcher itself is not said here (`is_bootstrap`). The launcher has its own
    code for this, held against it by a test.
    """
    if problem := api_problem(handler):
        return problem
    if handler.startswith("/"):
        return "it is absolute"
    return "it has a `..` part" if ".." in handler.split("/") else None


def is_bootstrap(handler: str) -> bool:
    """Whether the name leads to the package's `bootstrap`, where the launcher is."""
    return parts_of(handler) == [BOOTSTRAP]


def may_be_handler(path: str) -> bool:
    """Whether a program there is a handler where nobody says which ones are."""
    return path.split("/", maxsplit=1)[0] not in _EXTENSIONS and not path.endswith(_MODULES)


def name_problem(name: str) -> str | None:
    """Why no handler in a package can have this name; None where one can."""
    if problem := handler_problem(name):
        return problem
    if {"", "."} & set(name.split("/")):
        return "it has an empty or a `.` part"
    return _path_problem(name)


def check_handler_name(name: str) -> None:
    """Refuse a name that Lambda doesn't take, or that the launcher would not start."""
    if problem := name_problem(name):
        raise InputError(
            f"a handler can't have this name, {problem}: `{name}`",
            hint="give it another name: `NAME=FILE`",
        )


def check_path(path: str) -> None:
    """Refuse a path in the package that is the launcher's or shim's own, or not UTF-8."""
    if problem := _path_problem(path):
        raise InputError(
            f"a file can't go there, {problem}: `{path}`",
            hint="leave it out of the folder; a program can get another name: `NAME=FILE`",
        )


def parts_of(name: str) -> list[str]:
    """The parts of a name in a package, without those that lead nowhere."""
    return [part for part in name.split("/") if part not in {"", "."}]


def handler_name(path: PurePosixPath, arch: Arch) -> str:
    """The handler whose program for `arch` lies at `path`: what build tools add is folded away."""
    *folders, file = path.parts
    if folders and (match := _FOLDER.fullmatch(folders[0])):
        _check_agrees(match["arch"], arch, path=path)
        del folders[0]
    elif folders and (match := _TARGET.fullmatch(folders[0])):
        _check_agrees(match["arch"], arch, path=path)
        del folders[: 2 if folders[1:2] and folders[1] in _CARGO_PROFILES else 1]
    if match := _FILE.fullmatch(file):
        _check_agrees(match["arch"], arch, path=path)
        file = match["name"]
    return str(PurePosixPath(*folders, file))


def is_of_arch(folder: str) -> bool:
    """Whether a folder has its name from an architecture: what is in it has another one."""
    return bool(_FOLDER.fullmatch(folder) or _TARGET.fullmatch(folder))


def _check_agrees(spelling: str, arch: Arch, *, path: PurePosixPath) -> None:
    if SPELLINGS[spelling] is not arch:
        raise InputError(
            f"a program whose name says {spelling} is built for {arch}: `{path}`",
            hint=f"build it for {SPELLINGS[spelling]}, or give its name yourself: `NAME=FILE`",
        )


def _path_problem(path: str) -> str | None:
    top = path.split("/", maxsplit=1)[0]
    if top == BOOTSTRAP:
        return "that is the launcher's own path"
    if top == PRIVATE:
        return f"`{PRIVATE}` is shim's own folder"
    return text_problem(path)
