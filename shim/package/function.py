"""A function's package: which file goes where, so that each handler starts where it should."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.document import document, encode
from shim.errors import InputError
from shim.package.archive import write_archive
from shim.package.entry import Entry, file_entry, is_same
from shim.package.manifest import MANIFEST, MANIFEST_FORMAT
from shim.package.output import new_file
from shim.package.program import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from shim.package.entry import InputFile
    from shim.package.launchers import Flavour

_Programs = dict[str, dict[Arch, "InputFile"]]


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionPackage:
    """What goes into a function's zip, all but the launcher."""

    architectures: tuple[Arch, ...]
    handlers: Mapping[str, Mapping[Arch, str]]
    """By name: where in the package its program for each architecture lies."""
    files: Mapping[str, InputFile]
    """By path in the package: the handlers' programs and everything else."""

    @property
    def size(self) -> int:
        """Bytes, unpacked."""
        return sum(file.source.size for file in self.files.values())

    @property
    def other_files(self) -> tuple[str, ...]:
        """The paths of what isn't a handler's program."""
        return tuple(path for path, file in self.files.items() if not file.architectures)


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """What was written, in bytes."""

    size: int | None
    """The zip's; None for a folder."""
    unzipped: int


def plan_package(
    files: Iterable[InputFile],
    *,
    architectures: frozenset[Arch] = frozenset(),
    allow_missing: bool = False,
) -> FunctionPackage:
    """Lay out the files for `architectures`, or for all that there are programs for.

    Raises `InputError` where two files want one path, or a handler lacks an architecture.
    """
    files = sorted(files, key=lambda file: (file.name, file.source.path))
    programs = _programs_by_handler(files)
    targets = _targets(files, architectures)
    if not allow_missing:
        _check_complete(programs, targets)
    handlers = {
        name: {
            arch: _path_of(variants[arch], arch, dual=len(targets) > 1)
            for arch in targets
            if arch in variants
        }
        for name, variants in programs.items()
        if not variants.keys().isdisjoint(targets)
    }
    if not handlers:
        raise InputError(f"nothing to pack: no program for {' or '.join(targets)}")
    located = [
        (path, programs[name][arch])
        for name, paths in handlers.items()
        for arch, path in paths.items()
    ]
    located += [(file.name, file) for file in files if not file.architectures]
    package = FunctionPackage(
        architectures=targets,
        handlers=handlers,
        files=by_path(located),
    )
    _check_first_candidates(package)
    return package


def zip_entries(
    package: FunctionPackage, *, launcher: Mapping[str, bytes], flavour: Flavour
) -> list[Entry]:
    """All that is in the zip; `launcher` holds the programs that start it, by path."""
    entries = [Entry.file(path, program, mode=0o755) for path, program in launcher.items()]
    entries.append(Entry.file(MANIFEST, manifest(package, flavour), mode=0o644))
    return entries + [file_entry(path, file) for path, file in package.files.items()]


def write_zip(
    path: Path, entries: Sequence[Entry], *, progress: Callable[[int], None] = lambda _: None
) -> Packed:
    """Write the entries to `path`: the whole zip, or nothing."""
    with new_file(path) as file:
        write_archive(file, entries, progress=progress)
        size = file.tell()
    return Packed(size=size, unzipped=sum(entry.size for entry in entries))


def manifest(package: FunctionPackage, flavour: Flavour) -> bytes:
    """`.shim/manifest.json`; docs/reference/packages.md describes it."""
    content = {
        "flavour": flavour,
        "architectures": package.architectures,
        "handlers": handler_table(package),
    }
    return (encode(document(MANIFEST_FORMAT, content)) + "\n").encode()


def handler_table(package: FunctionPackage) -> dict[str, dict[Arch, dict[str, str | int]]]:
    """Handler, architecture, and the file that runs there, as the manifest holds them."""

    def describe(path: str) -> dict[str, str | int]:
        source = package.files[path].source
        return {"file": path, "size": source.size}

    return {
        name: {arch: describe(path) for arch, path in paths.items()}
        for name, paths in package.handlers.items()
    }


def _programs_by_handler(files: Iterable[InputFile]) -> _Programs:
    handlers: _Programs = {}
    for file in files:
        for arch in sorted(file.architectures):
            other = handlers.setdefault(file.name, {}).setdefault(arch, file)
            if not is_same(other.source, file.source):
                raise InputError(
                    f"two programs for the handler `{file.name}` on {arch}:"
                    f" `{other.source.path}` and `{file.source.path}`",
                    hint="leave one out, or give one another name: `NAME=FILE`",
                )
    if not handlers:
        raise InputError(
            "nothing to pack: no program in what was given",
            hint="give ELF programs, `#!` scripts, or a folder that holds some;"
            " a Python module becomes a handler as `NAME=FILE`",
        )
    return handlers


def _targets(files: Iterable[InputFile], chosen: frozenset[Arch]) -> tuple[Arch, ...]:
    """The package's architectures; scripts alone, which run everywhere, make it dual."""
    native = {
        arch for file in files if file.architectures != EVERYWHERE for arch in file.architectures
    }
    wanted = chosen or native or EVERYWHERE
    return tuple(arch for arch in Arch if arch in wanted)


def _check_complete(programs: _Programs, targets: Collection[Arch]) -> None:
    lacking = [
        f"`{name}` lacks {arch}"
        for name, variants in programs.items()
        for arch in targets
        if arch not in variants
    ]
    if lacking:
        raise InputError(
            f"not every handler is there for {' and '.join(targets)}: {', '.join(lacking)}",
            hint="build what is missing, choose an architecture with `--arch`,"
            " or take what there is with `--allow-missing`",
        )


def _path_of(program: InputFile, arch: Arch, *, dual: bool) -> str:
    """Where the program goes: a suffix only where the other architecture's has the plain name."""
    if program.fixed_path is not None:
        return program.fixed_path
    suffix = arch.suffix if dual and program.architectures != EVERYWHERE else ""
    return program.name + suffix


def by_path(located: Iterable[tuple[str, InputFile]]) -> dict[str, InputFile]:
    """The files by path: one at each, and none where another one needs a folder."""
    files: dict[str, InputFile] = {}
    for path, file in located:
        other = files.setdefault(path, file)
        if not is_same(other.source, file.source):
            raise InputError(
                f"two files for one path in the package, `{path}`:"
                f" `{other.source.path}` and `{file.source.path}`",
                hint="leave one out; libraries for two architectures need two packages",
            )
    for path in files:
        if folder := next((one for one in _folders(path) if one in files), None):
            raise InputError(
                f"a file stands where `{path}` needs a folder: `{files[folder].source.path}`",
                hint="give one of the two another name: `NAME=FILE`",
            )
    return files


def _check_first_candidates(package: FunctionPackage) -> None:
    """The launcher starts the first of NAME_arm64, NAME that is there: it must be the handler."""
    taken = {one for path in package.files for one in (path, *_folders(path))}
    for name, paths in package.handlers.items():
        for arch, path in paths.items():
            first = name + arch.suffix
            if first != path and first in taken:
                raise InputError(
                    f"on {arch} the launcher would start in place of the handler `{name}`:"
                    f" `{first}`",
                    hint=f"give it another name: there, `{arch.suffix}` says which variant it is",
                )


def _folders(path: str) -> list[str]:
    return [str(folder) for folder in PurePosixPath(path).parents][:-1]
