"""What runs on other people's pull requests: the action, and the example for GitLab."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import jsonschema
import pytest
import yaml

from tests.check.test_schemas import published
from tests.requirements import require
from tests.templates.test_cli_diff import NEW, OLD, git

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
GITLAB: dict[str, Any] = yaml.safe_load((ROOT / "examples/gitlab-ci/.gitlab-ci.yml").read_text())
_EXPRESSION = re.compile(r"\$\{\{ ([a-z._-]+) \}\}")

GH = """\
#!/bin/sh
echo "$*" >> "$GH_CALLS"
case $* in *--paginate*) cat "$GH_COMMENTS" ;; esac
"""
"""What stands for GitHub's own program: it notes what it is asked, and knows the comments' ids."""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A pull request as actions/checkout leaves it, one commit deep; gives its base's hash."""
    origin = tmp_path / "origin"
    origin.mkdir()
    monkeypatch.chdir(origin)
    git("init", "-q", "-b", "main")
    git("config", "uploadpack.allowAnySHA1InWant", "true")
    _commit(OLD)
    base = _hash("main")
    git("checkout", "-q", "-b", "change")
    _commit(NEW)
    git("checkout", "-q", "main")
    git("commit", "-q", "--allow-empty", "-m", "what others did")
    git("checkout", "-q", "-b", "merged")
    git("merge", "-q", "--no-ff", "-m", "the pull request", "change")
    here = tmp_path / "here"
    git("clone", "-q", "--depth=1", "--branch=merged", origin.as_uri(), str(here))
    monkeypatch.chdir(here)
    return base


def _commit(template: str) -> None:
    Path("template.yaml").write_text(template)
    git("add", ".")
    git("commit", "-q", "-m", "a template")


def _hash(name: str) -> str:
    done = subprocess.run(["git", "rev-parse", name], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Runner:
    """Runs the steps of `action.yml` as GitHub's does, but for the installation."""

    def __init__(self, folder: Path, base: str) -> None:
        self.folder = folder
        self.said: dict[str, str] = {}
        self._base = base
        (folder / "shim/bin").mkdir(parents=True)
        (folder / "shim/bin/shim").symlink_to(Path(sys.executable).parent / "shim")
        (folder / "gh").write_text(GH)
        (folder / "gh").chmod(0o755)
        for name in ("calls", "comments", "summary", "output"):
            (folder / name).touch()

    def run(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        [step] = [one for one in ACTION["runs"]["steps"] if one.get("id") == "compare"]
        assert inputs.keys() <= ACTION["inputs"].keys()
        known = {f"inputs.{name}": self._evaluated(one.get("default", ""), {})
                 for name, one in ACTION["inputs"].items()}  # fmt: skip
        known |= {f"inputs.{name}": one for name, one in inputs.items()}
        variables = {name: self._evaluated(one, known) for name, one in step["env"].items()}
        runner = {
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_REPOSITORY": "us/shop",
            "GH_CALLS": str(self.folder / "calls"),
            "GH_COMMENTS": str(self.folder / "comments"),
            "PATH": f"{self.folder}:{os.environ['PATH']}",
        }
        assert not _EXPRESSION.search(step["run"]), "what others write is no part of a script"
        return subprocess.run(
            [step["shell"], "-e", "-o", "pipefail", "-c", step["run"]],
            env={**os.environ, **runner, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def _evaluated(self, text: str, inputs: dict[str, str]) -> str:
        known = {
            "github.action_path": str(ROOT),
            "github.token": "a token",
            "github.event.pull_request.base.sha": self._base,
            "github.event.pull_request.number": "7",
            **inputs,
        }
        return _EXPRESSION.sub(lambda found: known[found[1]], text)


@pytest.fixture
def runner(tmp_path: Path, checkout: str) -> Runner:
    return Runner(tmp_path / "runner", checkout)


def test_the_action_is_what_github_takes() -> None:
    jsonschema.validate(ACTION, published("https://json.schemastore.org/github-action.json"))
    # It takes no other action: nothing to pin.
    assert not any("uses" in one for one in ACTION["runs"]["steps"])
    assert all(one["description"] for one in ACTION["inputs"].values())


def test_the_action_annotates_and_sums_up(runner: Runner) -> None:
    done = runner.run()
    assert done.returncode == 1, done.stderr
    assert "::warning file=template.yaml,line=5,col=7,title=two-calls-runtime" in done.stdout
    assert "| Orders | code | runtime, handler | " in runner.read("summary")
    markdown = runner.folder / "shim-diff.md"
    assert runner.read("output") == f"status=1\nmarkdown={markdown}\n"
    assert runner.read("calls") == ""


def test_the_action_writes_sarif_and_takes_arguments(runner: Runner) -> None:
    done = runner.run(sarif="shim.sarif", arguments="--allow-unknown\n--parameter=Stream=a b\n")
    assert done.returncode == 0, done.stderr
    assert '"ruleId": "two-calls-runtime"' in Path("shim.sarif").read_text()


@pytest.mark.parametrize(
    ("before", "call"),
    [
        ("", "api --silent --method POST repos/us/shop/issues/7/comments"),
        ("31\n32\n", "api --silent --method PATCH repos/us/shop/issues/comments/31"),
    ],
)
def test_the_action_renews_its_comment(runner: Runner, before: str, call: str) -> None:
    (runner.folder / "comments").write_text(before)
    assert runner.run(comment="true").returncode == 1
    markdown = runner.folder / "shim-diff.md"
    assert runner.read("calls").splitlines()[1] == f"{call} --field body=@{markdown}"
    assert markdown.read_text().startswith("<!-- shim diff -->\n### shim diff: template.yaml")


def test_a_comment_that_is_not_allowed_ends_nothing(runner: Runner) -> None:
    (runner.folder / "gh").write_text("#!/bin/sh\nexit 1\n")
    done = runner.run(comment="true", arguments="--allow-unknown")
    assert done.returncode == 0
    assert "::warning::the comment could not be written" in done.stdout


def test_the_action_takes_two_sides_that_are_not_in_git(runner: Runner) -> None:
    Path("old.yaml").write_text(OLD)
    done = runner.run(old="old.yaml", template="template.yaml", base="nonsense")
    assert done.returncode == 1
    assert "two-calls-runtime" in done.stdout


@pytest.mark.parametrize("inputs", [{"base": "nonsense"}, {"template": "a\nb; touch pwned"}])
def test_what_can_not_be_compared_is_an_error(runner: Runner, inputs: dict[str, str]) -> None:
    done = runner.run(**inputs)
    assert done.returncode not in {0, 1}
    assert done.stderr
    assert not Path("pwned").exists()


class Notes(BaseHTTPRequestHandler):
    """Takes what the job posts, as GitLab's API would."""

    posts: ClassVar[list[tuple[str, str | None, bytes]]] = []
    """Each one's path, its token and its body."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.posts.append((self.path, self.headers["PRIVATE-TOKEN"], self.rfile.read(length)))
        self.send_response(201)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # its name there
        """Nothing is printed."""


@pytest.fixture
def notes() -> Iterator[tuple[str, list[tuple[str, str | None, bytes]]]]:
    """The API's address, and what it was sent."""
    Notes.posts.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Notes) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", Notes.posts
        server.shutdown()
        thread.join()


def test_the_example_for_gitlab_is_what_gitlab_takes() -> None:
    schema = published(
        "https://gitlab.com/gitlab-org/gitlab/-/raw/master/app/assets/javascripts/editor/schema/ci.json"
    )
    jsonschema.validate(GITLAB, schema)


@pytest.mark.parametrize("token", ["", "secret"])
def test_the_example_for_gitlab_runs(
    checkout: str, notes: tuple[str, list[tuple[str, str | None, bytes]]], token: str
) -> None:
    require(shutil.which("curl") is not None, "curl is not there")
    git("fetch", "-q", "origin", checkout)
    url, posts = notes
    job = GITLAB["lambda-diff"]
    variables = {
        **{name: str(one) for name, one in job["variables"].items()},
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": checkout,
        "CI_API_V4_URL": url,
        "CI_PROJECT_ID": "5",
        "CI_MERGE_REQUEST_IID": "7",
        "SHIM_TOKEN": token,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", "\n".join(job["script"])],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Orders: one call" in done.stdout
    assert "### shim diff" in Path("shim-diff.md").read_text()
    assert [(path, said) for path, said, _ in posts] == (
        [("/projects/5/merge_requests/7/notes", "secret")] if token else []
    )
    assert all(b"### shim diff" in body for _, _, body in posts)
