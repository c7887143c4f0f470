"""ELF interpreters that aren't a dynamic linker of the runtime: what Linux takes, and what they do.

(fs/binfmt_elf.c, load_elf_binary and load_elf_interp.)
"""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

from shim.check.findings import Finding, finding
from shim.check.linking import check_linking, link
from shim.check.runtimes import loader_of
from shim.check.search import Loaded
from shim.elf import EXECUTABLE, HEADER_SIZE, MAGIC, SHARED, ElfInvalid
from shim.package.contents import Unreadable
from shim.package.executables import elf_linking, elf_start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.check.state import State
    from shim.check.tree import File, Node, Tree

_ELIBBAD = 80
"""As Linux counts; other systems have no such error."""

_MUSL = "libc."
"""So begins the name that musl's linker has in itself: it is the C library too."""

_MUSLS_OWN = ("libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet.")
"""What musl's linker answers for (ldso/dynlink.c, load_library)."""


def refusal(state: State, file: File, interpreter: Node) -> tuple[int, Finding] | None:
    """Why Linux doesn't start the program `file` by it: the error number, and what was found."""
    if interpreter.is_folder:
        return errno.EACCES, _broken(file, interpreter, "is a folder")
    own = interpreter.file
    if own is None:
        return None
    if not stat.S_ISREG(own.entry.kind) or not interpreter.is_executable:
        sentence = f"has the mode {own.entry.mode:04o}, and Linux executes it: it needs o+x"
        return errno.EACCES, _broken(file, interpreter, sentence)
    try:
        header = own.entry.read(0, HEADER_SIZE)
        if len(header) < HEADER_SIZE:
            return errno.EIO, _broken(file, interpreter, "is cut off")
        if not header.startswith(MAGIC):
            return _ELIBBAD, _broken(file, interpreter, "is not an ELF file")
        start = elf_start(own.entry)
    except (ElfInvalid, Unreadable) as error:
        return _ELIBBAD, _broken(file, interpreter, str(error))
    if start.machine != state.arch.elf_machine:
        return _ELIBBAD, _broken(file, interpreter, f"is not built for {state.arch}")
    if not start.segments:
        return _ELIBBAD, _broken(file, interpreter, "has headers that Linux refuses")
    return None


def check_linker(
    tree: Tree, state: State, path: str, file: File, interpreter: str
) -> Iterator[Finding]:
    """What ends the program `file`, which really is at `path`, once Linux has mapped both."""
    node = tree.find(interpreter)
    if isinstance(node, int):
        return
    if node.file is not None:
        yield from _check_own(tree, state, path, file, node, node.file)
    elif node.path.rpartition("/")[2].startswith("ld-"):
        yield from check_linking(tree, state, path, file)
    else:
        yield _unknown(file, node, "is not a known dynamic linker")


def _check_own(
    tree: Tree, state: State, path: str, file: File, interpreter: Node, own: File
) -> Iterator[Finding]:
    """As `check_linker`, where the interpreter is a package's: `own`."""
    try:
        start = elf_start(own.entry)
        linking, needed = elf_linking(own.entry), elf_linking(file.entry)
    except (ElfInvalid, Unreadable) as error:
        yield _broken(file, interpreter, str(error))
        return
    if start.type not in {EXECUTABLE, SHARED} or start.end > own.entry.size:
        yield _broken(file, interpreter, "is not a program, or is cut off")
        return
    if not start.is_64_bit:
        yield _broken(file, interpreter, "is not a 64-bit program")
        return
    soname = linking.soname if linking and linking.soname else ""
    program = Loaded(path=path, linking=needed, parent=None, where=file.where)
    if soname == loader_of(state.arch).rpartition("/")[2] and linking:
        loader = Loaded(path=interpreter.path, linking=linking, parent=program, where=own.where)
        yield from _check_glibc(tree, state, program, loader, file, interpreter)
    elif not soname.startswith(_MUSL):
        yield _unknown(file, interpreter, "is not a known dynamic linker")
    elif needed and not all(name.startswith(_MUSLS_OWN) for name in needed.needed):
        yield _unknown(file, interpreter, "is musl's, whose folders for libraries are not read")


def _check_glibc(
    tree: Tree, state: State, program: Loaded, loader: Loaded, file: File, interpreter: Node
) -> Iterator[Finding]:
    """A glibc's linker: with a C library of the same build it works, as the runtime's own does.

    The folders that were built into it are not known, so what is missing may be there.
    """
    findings, loaded = link(tree, state, program, loader)
    missing = [found for found in findings if found.code == "library-missing"]
    theirs = sorted(one.path for one in loaded if one.linking is None)
    if theirs:
        sentence = f"takes `{theirs[0]}` of {state.runtime.name}, which goes with another linker"
        yield _unknown(file, interpreter, sentence)
    elif missing:
        yield _unknown(
            file, interpreter, f"may or may not find what it needs: {missing[0].sentence}"
        )
    yield from (found for found in findings if found not in missing)


def _broken(file: File, interpreter: Node, sentence: str) -> Finding:
    return finding(
        "interpreter-broken",
        file.where,
        f"is started by the ELF interpreter `{interpreter.path}`, which {sentence}",
        hint="pack that file as it was, with `chmod 755`; or link the program statically",
    )


def _unknown(file: File, interpreter: Node, sentence: str) -> Finding:
    return finding(
        "interpreter-unknown",
        file.where,
        f"is started by the ELF interpreter `{interpreter.path}`, which {sentence}",
        hint="put that linker's own libraries, its C library above all, beside it, and let the"
        " program's run path lead there; or link it statically",
    )
