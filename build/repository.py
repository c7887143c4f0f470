"""What a release asks of git and of GitHub, and what it leaves there: one commit and one tag."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lean import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKS = "repos/{owner}/{repo}/commits/%s/check-runs"  # gh knows the owner and the repository
PASSED = {"success", "neutral", "skipped"}


class CIUnknownError(BuildError):
    """Nobody could be asked whether CI is green."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """The clone in `folder`. Whatever of this fails raises `BuildError`."""

    folder: Path

    def check_clean(self) -> None:
        """What is released is what is committed."""
        if changed := self.git("status", "--porcelain"):
            raise BuildError(f"commit what is to be in the release, or remove it:\n{changed}")

    def check_ci(self) -> None:
        """Every check that GitHub ran on what is checked out has passed."""
        commit = self.git("rev-parse", "HEAD")
        query = '.check_runs[] | .name + ": " + (.conclusion // .status)'
        try:
            listed = self._run("gh", "api", "--paginate", CHECKS % commit, "--jq", query)
        except (BuildError, FileNotFoundError) as error:
            raise CIUnknownError(f"GitHub can't be asked whether CI is green: {error}") from error
        runs = listed.splitlines()
        failed = [run for run in runs if run.rpartition(": ")[2] not in PASSED]
        if failed or not runs:
            reason = ", ".join(failed) or "nothing was run"
            raise BuildError(f"CI is not green on {commit[:12]}: {reason}")

    def check_not_released(self, tag: str) -> None:
        """A version is released once."""
        if self.git("tag", "--list", tag):
            raise BuildError(f"{tag} is there already; `--again` builds it once more")

    def check_at(self, tag: str) -> None:
        """What is checked out is that tag: the recipes of a release go with it."""
        if self.git("rev-parse", "HEAD") != self.git("rev-parse", f"{tag}^{{commit}}"):
            raise BuildError(f"what is checked out is not {tag}: `git checkout {tag}`")

    @contextmanager
    def tree(self) -> Iterator[Repository]:
        """What is committed, in a folder of its own, without anything that lies beside it here."""
        with tempfile.TemporaryDirectory(prefix="shim-release-") as name:
            folder = Path(name) / "tree"
            self.git("worktree", "add", "--quiet", "--detach", str(folder))
            try:
                yield Repository(folder=folder)
            finally:
                self.git("worktree", "remove", "--force", str(folder))

    def commit(self, message: str) -> None:
        """Commit every change of a file that is known."""
        self.git("commit", "--quiet", "--all", f"--message={message}")

    def push(self, commit: str, tag: str, *, message: str) -> None:
        """The tag, and the branch that is checked out here, both or none; then this branch."""
        branch = self.git("branch", "--show-current")
        if not branch:
            raise BuildError("no branch is checked out that the release could go to")
        self.git("tag", "--annotate", tag, commit, f"--message={message}")
        try:
            self.git("push", "--atomic", "origin", f"{commit}:refs/heads/{branch}", tag)
        except BuildError:
            self.git("tag", "--delete", tag)
            raise
        self.git("merge", "--ff-only", "--quiet", commit)

    def message(self, tag: str) -> str:
        """What an annotated tag says."""
        return self.git("for-each-ref", "--format=%(contents)", f"refs/tags/{tag}")

    def committed_at(self) -> int:
        """When what is checked out was committed: the time that stands in its archives."""
        return int(self.git("log", "-1", "--format=%ct"))

    def git(self, *words: str) -> str:
        """What git prints."""
        return self._run("git", *words)

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildError(f"`{' '.join(command[:2])}` failed: {done.stderr.strip()}")
        return done.stdout.strip()
