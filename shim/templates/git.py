"""A project as a commit has it: what is asked for is taken out of git, into a folder of its own.

Nothing is checked out: neither the user's files nor git's index are touched.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from shim.errors import InputError, MachineError
from shim.templates.project import Folder

_BYTES_LIMIT = 1 << 29
"""Of what is taken out: Lambda takes 250 MB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """See `Project`; `root` stands for the checkout's top folder."""

    checkout: Path
    commit: str
    label: str
    """What the user calls it."""
    root: Path
    _asked: set[str] = field(default_factory=set)

    def there(self, path: Path) -> Path:
        """Where a file of the checkout lies here."""
        # A link is what git has of it, not what it leads to.
        whole = path.parent.resolve() / path.name
        if not whole.is_relative_to(self.checkout):
            raise InputError(f"not in the checkout `{self.checkout}`: `{path}`")
        return self.root / whole.relative_to(self.checkout)

    def find(self, path: Path) -> Path | None:
        """See `Project`."""
        try:
            inside = Path(*_normal(path.relative_to(self.root)))
        except ValueError:
            return None
        if str(inside) not in self._asked:
            self._asked.add(str(inside))
            self._take_out(inside)
        return Folder(root=self.root).find(path)

    def name(self, path: Path) -> str:
        """See `Project`: as `git show` takes it; a file of the user's own, by its own name."""
        if not path.is_relative_to(self.root):
            return str(path)
        return f"{self.label}:{Path(*_normal(path.relative_to(self.root)))}"

    def _take_out(self, path: Path) -> None:
        done = _git(self.checkout, "archive", "--format=tar", self.commit, "--", str(path))
        if done.returncode != 0:
            return
        if len(done.stdout) > _BYTES_LIMIT:
            raise InputError(f"too large to be looked at: `{self.label}:{path}`")
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            for member in archive:
                self._write(archive, member)

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Files and links: git knows nothing else, and no name that leads out."""
        target = self.root / member.name
        if target.exists() or target.is_symlink():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if member.issym():
            target.symlink_to(member.linkname)
        elif member.isdir():
            target.mkdir(exist_ok=True)
        elif (file := archive.extractfile(member)) is not None:
            target.write_bytes(file.read())
            target.chmod(0o755 if member.mode & 0o100 else 0o644)


def open_commit(base: str, near: Path, folder: Path) -> Commit:
    """The commit that `base` names, in the checkout around `near`; `folder` is for its files."""
    top = _git(near.parent, "rev-parse", "--show-toplevel")
    if top.returncode != 0:
        raise InputError(f"not in a checkout of git: `{near}`")
    checkout = Path(top.stdout.decode().removesuffix("\n"))
    found = _git(checkout, "rev-parse", "--verify", "--end-of-options", f"{base}^{{commit}}")
    if found.returncode != 0:
        raise InputError(
            f"git knows no such commit: `{base}`",
            hint="in CI, fetch it first: `git fetch origin main`, and name it `origin/main`",
        )
    return Commit(
        checkout=checkout,
        commit=found.stdout.decode().strip(),
        label=base,
        root=folder.resolve(),
    )


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), "--literal-pathspecs", *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError as error:
        raise MachineError(
            "git is not installed", hint="`--git` takes the old side from it"
        ) from error


def _normal(path: Path) -> list[str]:
    """Its parts without `..`; `ValueError` where it leads out."""
    parts: list[str] = []
    for part in path.parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            raise ValueError(path)
    return parts
