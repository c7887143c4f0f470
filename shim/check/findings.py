"""What the checker can say: each finding's stable code and severity, and a finding itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shim.package.read import Package


class Severity(StrEnum):
    """What a finding means for the start.

    Error: it fails. Unknown: whether it fails can't be told from the package. Warning: it starts,
    but not everywhere, or not for long. Note: worth knowing.
    """

    ERROR = "error"
    UNKNOWN = "unknown"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """For sorting: the worst first."""
        return list(Severity).index(self)


_E, _U, _W, _N = Severity

CODES = {
    "bootstrap-missing": (_E, "there is no file that Lambda would start"),
    "bootstrap-not-executable": (_E, "`bootstrap` is not executable for everybody"),
    "bootstrap-wrong-architecture": (_E, "`bootstrap` is built for another architecture"),
    "bootstrap-link-dangling": (_W, "`bootstrap` is a link to nothing"),
    "bootstrap-link-outside": (_E, "`bootstrap` is a link that leads out of the package"),
    "bootstrap-hides-layer": (_W, "the package's `bootstrap` hides a layer's"),
    "bootstrap-shell": (_N, "a shell script stands where a launcher could"),
    "launcher-missing": (_E, "a dual package lacks the launcher for this architecture"),
    "handler-unset": (_E, "no handler is set"),
    "handler-invalid": (_E, "the launcher or Lambda refuses the handler's name"),
    "handler-is-launcher": (_E, "the handler is the launcher itself"),
    "handler-missing": (_E, "no file in the package or the layers is the handler"),
    "handler-wrong-architecture": (_E, "the handler is there for another architecture only"),
    "handler-not-executable": (_E, "the handler is not executable for everybody"),
    "handler-directory": (_E, "the handler is a folder"),
    "wrapper-ignored": (_W, "`bootstrap` doesn't look at `AWS_LAMBDA_EXEC_WRAPPER`"),
    "wrapper-missing": (_E, "`AWS_LAMBDA_EXEC_WRAPPER` names nothing"),
    "wrapper-not-executable": (_E, "the wrapper is not executable for everybody"),
    "wrapper-wrong-architecture": (_E, "the wrapper is built for another architecture"),
    "elf-truncated": (_E, "the program is cut off"),
    "elf-not-64-bit": (_E, "the program is not a 64-bit one"),
    "program-not-linux": (_E, "the program is for another system than Linux"),
    "program-packed": (_U, "a packer hides what the program needs"),
    "elf-not-executable": (_E, "the ELF file is not a program"),
    "elf-invalid": (_E, "the ELF file's headers make no sense"),
    "interpreter-missing": (_E, "the program's ELF interpreter is not there"),
    "interpreter-broken": (_E, "the program's ELF interpreter can't be loaded"),
    "interpreter-unknown": (_U, "whether the program's own ELF interpreter works is not known"),
    "glibc-too-new": (_E, "the program wants a newer glibc than the runtime's"),
    "libstdcxx-too-new": (_E, "the program wants a newer libstdc++ than the runtime's"),
    "library-version": (_E, "a library lacks a symbol version that is asked for"),
    "library-version-unknown": (_U, "whether a library has a symbol version is not known"),
    "library-missing": (_E, "a shared library is neither in the runtime nor in the package"),
    "library-broken": (_E, "a shared library that is needed can't be loaded"),
    "library-unknown": (_U, "a shared library is found on some machines only"),
    "runtime-older": (_W, "production may be older than the image that has what is needed"),
    "script-interpreter-missing": (_E, "the program named after `#!` is not there"),
    "script-crlf": (_E, "the script's first line ends as on Windows"),
    "script-line-long": (_E, "the script's first line is longer than Linux reads"),
    "script-nested": (_E, "scripts are interpreted by scripts too deeply"),
    "script-unreadable": (_E, "the script may be executed but not read"),
    "script-not-followed": (_U, "what the script starts can't be told"),
    "script-ends": (_E, "the script ends before it has started anything"),
    "script-loops": (_E, "the script starts itself, again and again"),
    "program-missing": (_E, "what the script starts is not there"),
    "program-not-executable": (_E, "what the script starts is not executable for everybody"),
    "program-wrong-architecture": (_E, "what the script starts is built for another architecture"),
    "no-program": (_E, "the file is neither an ELF program nor a `#!` script"),
    "extension-not-executable": (_E, "an extension is not executable for everybody"),
    "extension-wrong-architecture": (_E, "an extension is built for another architecture"),
    "extensions-many": (_E, "there are more extensions than Lambda starts"),
    "layers-absent": (_U, "the function has layers that are not at hand"),
    "layers-many": (_E, "there are more layers than Lambda takes"),
    "unzipped-large": (_E, "package and layers are larger than Lambda takes"),
    "unzipped-near": (_W, "package and layers are nearly as large as Lambda takes"),
    "zip-large": (_W, "the zip is too large for a direct upload"),
    "runtime-architecture": (_E, "the runtime does not have this architecture"),
    "runtime-blocked": (_W, "functions on this runtime can no longer be created or updated"),
    "runtime-ended": (_W, "the runtime's support has ended"),
    "runtime-ending": (_W, "the runtime's support ends soon"),
    "go-symbols": (_N, "a Go program has symbols and debug information in it"),
    "go-rpc": (_N, "a Go program has in it what only go1.x needs"),
    "go-cgo": (_N, "a Go program needs the C library, and no other"),
    "manifest-invalid": (_N, "shim's manifest is not as shim writes it"),
    "name-absolute": (_E, "an entry's name is absolute"),
    "name-parent": (_E, "an entry's name has a `..` part"),
    "name-twice": (_E, "two entries have one name"),
    "name-conflict": (_E, "a file stands where another entry needs a folder"),
    "name-case": (_W, "names differ only in upper and lower case"),
    "name-backslash": (_W, "names have backslashes, as some Windows tools write them"),
    "name-long": (_E, "a name is longer than Linux takes"),
    "link-outside": (_W, "a link leads out of the package"),
    "entry-special": (_E, "an entry is neither file, folder nor link"),
    "entry-unreadable": (_E, "an entry can't be unpacked"),
    "entry-doubtful": (_W, "not every unpacker takes an entry"),
    "folder-closed": (_W, "a folder is not executable for everybody"),
    "zip-contradictory": (_E, "the zip contradicts itself, and unpackers refuse it"),
    "zip-doubtful": (_W, "unpackers warn of something in the zip"),
}
"""Each code's severity, and what it says in general (docs/reference/findings.md has more)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was found."""

    code: str
    location: str
    """`package.zip!/bootstrap`, or what it is about where that isn't a file."""
    sentence: str
    hint: str
    severity: Severity

    @property
    def url(self) -> str:
        """Where the documentation has its section, within the repository."""
        return f"docs/reference/findings.md#{self.code}"


def finding(
    code: str, location: str, sentence: str, *, hint: str, severity: Severity | None = None
) -> Finding:
    """A finding with its code's own severity, or a milder one."""
    return Finding(
        code=code,
        location=location,
        sentence=sentence,
        hint=hint,
        severity=severity or CODES[code][0],
    )


def location(package: Package, name: str) -> str:
    """How an entry of a package is called: `package.zip!/bootstrap`."""
    return f"{package.path}!/{name}"
