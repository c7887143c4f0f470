"""Folders that other tools leave, each function in its own place: which handlers are in there."""

from __future__ import annotations

import os.path
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.fields import Field, naming, read_file, read_json
from shim.package.executables import Kind, kind_of
from shim.package.names import BOOTSTRAP, is_of_arch
from shim.package.read import read_package

if TYPE_CHECKING:
    from collections.abc import Callable

_GOARCH = {"amd64", "arm64"}
_CARGO_NAMES = {BOOTSTRAP, f"{BOOTSTRAP}.zip"}
_EXTENSIONS = "extensions"
_SAM_LAYERS = "layer_build_definitions"
_FACTS = ("type", "goos", "goarch")


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One function's program or package in such a folder."""

    path: Path
    name: str | None
    """The handler that it becomes; None for a package whose `bootstrap` starts others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """A folder as one tool leaves it."""

    tool: str
    parts: tuple[Part, ...]
    left_out: tuple[str, ...] = ()
    """What else is in it that a package could have wanted."""


def find_layout(folder: Path) -> Layout | None:
    """What the folder is, of the known ones; `InputError` where it could be two of them.

    One function's folder in such a folder counts as one with that function alone.
    """
    if not any(os.path.lexists(folder / name) for name in _CARGO_NAMES):
        return _layout(folder)
    real = folder.resolve()
    whole = _layout(real.parent)
    own = tuple(
        replace(one, path=folder / one.path.relative_to(real))
        for one in (whole.parts if whole else ())
        if one.path.is_relative_to(real)
    )
    return Layout(tool=whole.tool, parts=own) if whole and own else None


def _layout(folder: Path) -> Layout | None:
    try:
        found = [layout for read in _READERS if (layout := read(folder))]
    except OSError:  # who reads the folder will say so
        return None
    if len(found) > 1:
        raise InputError(
            f"it could be {' or '.join(one.tool for one in found)}: `{folder}`",
            hint="give the functions one by one: `NAME=FOLDER`, or `NAME=PROGRAM`",
        )
    return found[0] if found else None


def _cargo_lambda(folder: Path) -> Layout | None:
    """NAME/bootstrap, beside it the zip that `cargo lambda deploy` made of it, and nothing else."""
    children = {path.name: path for path in _children(folder)}
    left_out = (_EXTENSIONS,) if children.pop(_EXTENSIONS, None) else ()
    parts = []
    for name, child in children.items():
        files = {path.name: path for path in _children(child)}
        is_ours = files and files.keys() <= _CARGO_NAMES and not is_of_arch(name)
        if not is_ours or (BOOTSTRAP in files and not _is_program(child)):
            return None
        parts.append(Part(path=files[min(files)], name=name))
    tool = "cargo-lambda's target/lambda"
    return Layout(tool=tool, parts=tuple(parts), left_out=left_out) if parts else None


def _sam(folder: Path) -> Layout | None:
    """A folder for each function, and the template that names them."""
    if not (folder / "template.yaml").is_file():
        return None
    layers = _sam_layers(folder.parent / "build.toml")
    folders = [path for path in _children(folder) if path.is_dir()]
    children = [path for path in folders if path.name not in layers]
    functions = [path for path in children if os.path.lexists(path / BOOTSTRAP)]
    if not functions:
        return None
    return Layout(
        tool="SAM's .aws-sam/build",
        parts=tuple(
            Part(path=path, name=path.name if _is_program(path) else None) for path in functions
        ),
        left_out=tuple(path.name for path in children if path not in functions),
    )


def _sam_layers(path: Path) -> set[str]:
    """The layers among the folders, as `sam build` notes them down."""
    if not path.is_file():
        return set()
    with naming(str(path)):
        try:
            notes = Field(value=tomllib.loads(read_file(path).decode()))
        except ValueError as error:
            raise InputError(f"not TOML, {error}") from error
        if not notes.has(_SAM_LAYERS):
            return set()
        layers = notes[_SAM_LAYERS]
        return {layers[name]["layer_name"].text() for name in layers.names()}


def _goreleaser(folder: Path) -> Layout | None:
    """What `artifacts.json` says; archives, packages and checksums of the same are none of it."""
    path = folder / "artifacts.json"
    if not path.is_file() or not _is_goreleasers(folder / "metadata.json"):
        return None
    with naming(str(path)):
        built = [one for one in read_json(read_file(path)).items() if _is_for_lambda(one)]
        parts = {_built_path(one["path"], folder): _built_name(one) for one in built}
    if not parts:
        raise InputError(
            f"GoReleaser built no program for Linux on x86_64 or arm64: `{folder}`",
            hint="have linux in its `goos`, amd64 or arm64 in its `goarch`",
        )
    return Layout(
        tool="GoReleaser's dist",
        parts=tuple(Part(path=path, name=name) for path, name in parts.items()),
    )


def _is_goreleasers(metadata: Path) -> bool:
    try:
        document = read_json(read_file(metadata))
        return document.has("project_name") and document["runtime"].has("goos")
    except InputError:
        return False


def _is_for_lambda(artifact: Field) -> bool:
    """Of one without a system or type, a checksum say, these are not there."""
    facts = [artifact[name].text() if artifact.has(name) else "" for name in _FACTS]
    return facts[:2] == ["Binary", "linux"] and facts[2] in _GOARCH


def _built_path(path: Field, folder: Path) -> Path:
    """Where it lies now: the path begins where GoReleaser ran, and `dist` can have other names."""
    parts = PurePosixPath(path.text()).parts
    below = [Path(folder, *parts[at:]) for at in range(1, len(parts))]
    found = next((one for one in below if one.is_file()), None)
    if found is None or ".." in parts:
        path.refuse(f"`{path.value}` is not there")
    return found


def _built_name(artifact: Field) -> str:
    """The program's, or the build's where it is called `bootstrap` for Lambda's sake."""
    extra = artifact["extra"]
    name = extra["Binary"].text()
    return extra["ID"].text() if name == BOOTSTRAP else name


def _is_program(folder: Path) -> bool:
    """Whether a folder's `bootstrap` is the program itself: no script, and no launcher."""
    bootstrap = read_package(folder).names.get(BOOTSTRAP)
    return bootstrap is not None and kind_of(bootstrap) is Kind.NATIVE


def _children(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name != ".DS_Store")


_READERS: tuple[Callable[[Path], Layout | None], ...] = (_cargo_lambda, _sam, _goreleaser)
