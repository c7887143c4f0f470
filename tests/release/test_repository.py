"""What a release is refused for, and what it pushes: on small repositories, and a `gh` of ours."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from changelog import close_section, section
from lean import BuildError
from repository import CIUnknownError, Repository
from tests.release.conftest import commit_all

if TYPE_CHECKING:
    from pathlib import Path

CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n### Added\n\n- One thing.\n\n## 0.1.0 - 2026-01-02\n\n- All.\n"
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A clone on `main`, and beside it, as `origin`, what it is pushed to."""
    clone, origin = tmp_path / "clone", tmp_path / "origin.git"
    clone.mkdir()
    (clone / "file").write_text("one\n")
    commit_all(clone)
    for words in (
        ["clone", "--quiet", "--bare", str(clone), str(origin)],
        ["-C", str(clone), "remote", "add", "origin", str(origin)],
    ):
        subprocess.run(["git", *words], check=True)
    return Repository(folder=clone)


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of what GitHub's command line answers, where it is asked as it has to be."""
    answer, program = tmp_path / "answer", tmp_path / "bin" / "gh"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\n[ "$1 $2" = "api --paginate" ] || exit 2\n'
        "case $3 in\n"
        f"  repos/{{owner}}/{{repo}}/commits/????????????????????????????????????????/check-runs) "
        f"cat '{answer}' ;;\n  *) exit 3 ;;\nesac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return answer


def test_what_is_not_committed_is_not_released(repository: Repository) -> None:
    repository.check_clean()
    (repository.folder / "new").touch()
    with pytest.raises(BuildError, match=r"commit what is to be in the release.*\n\?\? new"):
        repository.check_clean()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("test: success\nlint: failure\n", "lint: failure"),
        ("test: in_progress\n", "test: in_progress"),
        ("a: b: cancelled\n", "a: b: cancelled"),
        ("", "nothing was run"),
    ],
)
def test_a_commit_whose_checks_have_not_passed_is_refused(
    repository: Repository, gh: Path, answer: str, reason: str
) -> None:
    gh.write_text(answer)
    with pytest.raises(BuildError, match=f"CI is not green on [0-9a-f]{{12}}: {reason}$"):
        repository.check_ci()


def test_a_commit_whose_checks_have_passed_is_not(repository: Repository, gh: Path) -> None:
    gh.write_text("test: success\noptional: skipped\nhint: neutral\n")
    repository.check_ci()


def test_where_github_does_not_answer_that_is_said(repository: Repository, gh: Path) -> None:
    assert not gh.exists()
    with pytest.raises(CIUnknownError, match="can't be asked whether CI is green: `gh api` failed"):
        repository.check_ci()


def test_the_commit_and_its_tag_are_pushed_and_the_branch_follows(repository: Repository) -> None:
    with repository.tree() as tree:
        (tree.folder / "file").write_text("two\n")
        tree.commit("Release 1.0")
        commit = tree.git("rev-parse", "HEAD")
    repository.push(commit, "v1.0", message="shim 1.0\n\nabc  file")
    origin = Repository(folder=repository.folder.with_name("origin.git"))
    for where in (repository, origin):
        assert where.git("rev-parse", "main") == commit
        assert where.git("rev-parse", "v1.0^{commit}") == commit
        assert where.message("v1.0") == "shim 1.0\n\nabc  file"
    assert (repository.folder / "file").read_text() == "two\n"
    with pytest.raises(BuildError, match="is there already; `--again`"):
        repository.check_not_released("v1.0")
    repository.check_at("v1.0")


def test_where_the_push_is_refused_nothing_is_left(repository: Repository, tmp_path: Path) -> None:
    with repository.tree() as tree:
        (tree.folder / "file").write_text("two\n")
        tree.commit("Release 1.0")
        commit = tree.git("rev-parse", "HEAD")
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "--quiet", tmp_path / "origin.git", other], check=True)
    (other / "file").write_text("three\n")
    settings = ["-c", "user.name=Bob", "-c", "user.email=bob@example.org"]
    subprocess.run(["git", *settings, "commit", "--quiet", "-am", "Mine"], cwd=other, check=True)
    subprocess.run(["git", "push", "--quiet"], cwd=other, check=True)
    with pytest.raises(BuildError, match="`git push` failed"):
        repository.push(commit, "v1.0", message="shim 1.0")
    assert repository.git("tag") == ""
    assert repository.git("log", "--format=%s", "main") == "All"
    assert Repository(folder=tmp_path / "origin.git").git("tag") == ""


def test_another_commit_than_the_tags_is_not_built_again(repository: Repository) -> None:
    repository.git("tag", "v0.9")
    (repository.folder / "file").write_text("two\n")
    repository.commit("Go on")
    with pytest.raises(BuildError, match=r"what is checked out is not v0\.9: `git checkout v0\.9`"):
        repository.check_at("v0.9")


def test_unreleased_becomes_a_version() -> None:
    closed = close_section(CHANGELOG, version="0.2.0", date="2026-11-28")
    assert "## Unreleased\n\n## 0.2.0 - 2026-11-28\n\n### Added\n\n- One thing.\n" in closed
    assert section(closed, "0.2.0") == "### Added\n\n- One thing."
    assert section(closed, "0.1.0") == "- All."
    assert section(closed, "Unreleased") == ""
    with pytest.raises(BuildError, match="nothing under `## Unreleased`"):
        close_section(closed, version="0.3.0", date="2026-11-29")
    with pytest.raises(BuildError, match="no section `## Unreleased`"):
        close_section("# Changelog\n", version="0.3.0", date="2026-11-29")
