"""`scripts/renew_runtimes.py`, and the workflow that runs it, in a copy of what they write."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from shim.arch import Arch
from shim.check.listing import parse_listing
from shim.check.runtimes import loader_of
from tests.check.oracle.roots import RELEASES, require_roots, root_tar
from tests.check.test_runtimes import lines_without_source, unused_sources
from tests.requirements import require
from tests.templates.test_cli_diff import git

ROOT = Path(__file__).parents[2]
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/runtimes.yml").read_text())
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
"""As where the script is run: it imports what lies beside it."""

AMAZON = ("provided.al2023", "provided.al2")
BOOKWORM = "debian-bookworm"
RUNTIMES = "shim/check/runtimes.toml"
OLD_VERSIONS = ("GLIBC", "GLIBCXX", "CXXABI")
GUESSES = """\
programs = [
    "sh", # guessed 2026-11
]

more_versions = ["ACL_1.0"] # guessed 2026-11
unversioned = ["libgmp.so.10"] # guessed 2026-11

"""
"""What stands for an image that nobody has read."""
GH = """\
#!/bin/sh
echo "$*" >> "$GH_CALLS"
case $* in "pr list "*) cat "$GH_OPEN" ;; esac
"""
"""What stands for GitHub's own program: it notes what it is asked, and knows what is open."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project as far as a renewal goes."""
    folder = tmp_path / "copy"
    shutil.copytree(
        ROOT / "shim", folder / "shim", ignore=shutil.ignore_patterns("bin", "__pycache__")
    )
    (folder / "scripts").mkdir()
    for name in ("read_runtime.py", "renew_runtimes.py"):
        shutil.copy(ROOT / "scripts" / name, folder / "scripts")
    return folder


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A small system for both architectures as a tar; `move` makes another one of it."""
    root = tmp_path / "root"
    for name in ("usr/bin", "usr/lib", "usr/lib64", "etc"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for arch in Arch:
        library = Path(f"/lib/{arch.machine}-linux-gnu/libc.so.6")
        require(library.exists(), f"libc6 of {arch} is not installed")
        (root / library.parent.relative_to("/")).mkdir()
        shutil.copy(library, root / library.relative_to("/"))
        shutil.copy(library, root / loader_of(arch)[1:])
    (root / "usr/bin/bash").write_text("#!/bin/true\n")
    (root / "usr/bin/bash").chmod(0o755)
    return move(tmp_path / "image.tar", "sh")


def move(tar: Path, program: str) -> Path:
    """The image with one program more."""
    (tar.parent / "root/usr/bin" / program).symlink_to("bash")
    subprocess.run(["tar", "-C", tar.parent / "root", "-cf", tar, "."], check=True)
    return tar


def publish(copy: Path, name: str, tar: Path, *architectures: Arch) -> None:
    """Let the tar be the runtime's image, in the copy."""
    file = copy / RUNTIMES
    before, header, rest = file.read_text().partition(f'[runtime."{name}"]\n')
    own, following, others = rest.partition("\n[")
    own = re.sub(r"^container = .*\n", "", own, flags=re.MULTILINE)
    lines = f"container = {json.dumps(str(tar))} # ecr 2026-11\n"
    if architectures:
        own = re.sub(r"^architectures = .*\n", "", own, flags=re.MULTILINE)
        lines += f"architectures = {json.dumps(architectures)} # cfn-lint 2026-11\n"
    file.write_text(f"{before}{header}{lines}{own}{following}{others}")


def renew(copy: Path, *names: str) -> subprocess.CompletedProcess[str]:
    return run_in(copy, "scripts/renew_runtimes.py", *names)


def run_in(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Python, to which the copy's shim is the only one."""
    environment = {**ENVIRONMENT, "PYTHONPATH": str(copy)}
    return subprocess.run(
        [sys.executable, *words],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def table(copy: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((copy / RUNTIMES).read_text())["runtime"][name]
    return found


def files(copy: Path) -> dict[str, tuple[bytes, int]]:
    """All that a renewal may write, and when it was written."""
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in (copy / "shim/check").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_an_image_that_moved_takes_the_place_of_what_was_known(copy: Path, image: Path) -> None:
    publish(copy, BOOKWORM, image)
    text = (copy / RUNTIMES).read_text()
    versions = f'[runtime."{BOOKWORM}".versions]\n'
    before = text.replace(versions, GUESSES + versions) + 'guessed = "a page of somebody\'s"\n'
    (copy / RUNTIMES).write_text(before)
    done = renew(copy, BOOKWORM)
    assert done.returncode == 0, done.stderr
    after = (copy / RUNTIMES).read_text()
    new = table(copy, BOOKWORM)
    assert not {"programs", "more_versions", "unversioned"} & new.keys()
    assert list(new["digests"]) == ["arm64", "x86_64"]
    assert (new["merged_usr"], new["shell"]) == (True, "bash")
    assert new["versions"].keys() == {"GLIBC"}
    for arch in Arch:
        text = (copy / f"shim/check/listings/{BOOKWORM}-{arch}.txt").read_text()
        assert parse_listing(text).programs == {"/usr/bin/bash", "/usr/bin/sh"}
        assert parse_listing(text).libraries["libc.so.6"]
    # All else stays, but for a source that nobody has.
    kept = [line for line in before.splitlines() if "guessed" not in line]
    lines = after.splitlines()
    gone = {line.partition(" ")[0] for line in kept if line not in lines}
    assert gone <= {"merged_usr", "library_folders", "listing", "image", "shell", *OLD_VERSIONS}
    assert "guessed" not in after
    assert (lines_without_source(after), unused_sources(after)) == ([], [])


def test_what_moved_is_said_as_markdown(copy: Path, image: Path) -> None:
    publish(copy, BOOKWORM, image)
    said = renew(copy, BOOKWORM).stdout
    digest = table(copy, BOOKWORM)["digests"]["x86_64"]
    assert said.startswith(f"### {BOOKWORM}\n\n`{image}`, read on ")
    assert f"\n- x86_64: never read → {digest}\n" in said
    assert re.search(r"\n  - programs that are gone: `/usr/bin/\[`, .* and \d+ more\n", said)
    move(image, "zsh")
    said = renew(copy, BOOKWORM).stdout
    moved = table(copy, BOOKWORM)["digests"]["x86_64"]
    assert f"\n- x86_64: {digest} → {moved}\n  - new programs: `/usr/bin/zsh`\n" in said
    assert "gone" not in said


def test_what_did_not_move_is_left_alone(copy: Path, image: Path) -> None:
    publish(copy, "provided.al2023", image)
    assert renew(copy, "provided.al2023").stdout
    before = files(copy)
    done = renew(copy, "provided.al2023")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert files(copy) == before


def test_the_file_still_reads(copy: Path, image: Path) -> None:
    publish(copy, "provided.al2", image)
    assert renew(copy, "provided.al2").returncode == 0
    ask = """from shim.check import read_runtimes
for name, runtime in read_runtimes().items():
    for arch in sorted(runtime.architectures):
        print(name, arch, runtime.digests.get(arch), len(runtime.listing(arch).libraries))"""
    lines = run_in(copy, "-c", ask).stdout.splitlines()
    digests = table(copy, "provided.al2")["digests"]
    assert f"provided.al2 x86_64 {digests['x86_64']} 1" in lines
    names = parse_listing((copy / f"shim/check/listings/{BOOKWORM}-arm64.txt").read_text())
    assert f"{BOOKWORM} arm64 None {len(names.libraries)}" in lines


@pytest.mark.parametrize("name", RELEASES)
def test_a_real_release_is_renewed_to_what_the_data_have(copy: Path, name: str) -> None:
    require_roots(Arch.X86_64)
    publish(copy, name, root_tar(name, Arch.X86_64), Arch.X86_64)
    before, there = table(copy, name), files(copy)
    done = renew(copy, name)
    assert done.returncode == 0, done.stderr
    after = table(copy, name)
    assert after.pop("digests").keys() == {"x86_64"}
    assert after.pop("image") >= before.pop("image")
    assert after == before
    assert [path for path, (data, _) in files(copy).items() if data != there[path][0]] == [
        str(copy / RUNTIMES)
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("provided.al2023", "the image has no glibc for arm64"),
        ("debian-bookworm", "not a runtime with an image and listings of its own"),
        ("go1.x", "not a runtime with an image and listings of its own"),
        ("python3.13", "not an OS-only runtime"),
    ],
)
def test_what_can_not_be_renewed_changes_nothing(
    copy: Path, image: Path, name: str, said: str
) -> None:
    (image.parent / "root/usr/lib/ld-linux-aarch64.so.1").unlink()
    publish(copy, "provided.al2023", move(image, "zsh"))
    before = files(copy)
    done = renew(copy, name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {said}")
    assert files(copy) == before


class Job:
    """Runs the workflow's steps as GitHub does, but for the actions and the installation."""

    def __init__(self, folder: Path, copy: Path) -> None:
        self.folder, self._origin = folder, copy
        (folder / "bin").mkdir(parents=True)
        (folder / "bin/gh").write_text(GH)
        (folder / "bin/gh").chmod(0o755)
        (folder / "open").write_text("false\n")

    def run(self) -> str:
        """Every step, in a clone of its own; gives what `gh` was asked."""
        checkout = self.folder / "checkout"
        shutil.rmtree(checkout, ignore_errors=True)
        git("clone", "-q", "--depth=1", "--branch=main", self._origin.as_uri(), str(checkout))
        calls, output = self.folder / "calls", self.folder / "output"
        calls.write_text("")
        output.write_text("")
        for step in WORKFLOW["jobs"]["runtimes"]["steps"]:
            if "run" in step and not step["name"].startswith("Install"):
                self._step(step, checkout, output.read_text())
        return calls.read_text()

    def _step(self, step: dict[str, Any], checkout: Path, output: str) -> None:
        known = {
            "secrets.RUNTIMES_TOKEN || github.token": "a token",
            "steps.branch.outputs.open": output.strip().removeprefix("open="),
        }
        variables = {
            key: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: known[found[1]], str(value))
            for key, value in step.get("env", {}).items()
        }
        runner = {
            "PATH": f"{self.folder}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_ACTOR": "octocat",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GH_CALLS": str(self.folder / "calls"),
            "GH_OPEN": str(self.folder / "open"),
        }
        assert "${{" not in step["run"]
        subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=checkout,
            env={**ENVIRONMENT, **runner, **variables},
            check=True,
        )


def test_the_workflow_opens_a_pull_request_where_images_moved(
    copy: Path, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in AMAZON:
        publish(copy, name, image)
    monkeypatch.chdir(copy)
    (copy / ".gitignore").write_text("__pycache__/\n")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "the project")
    job = Job(tmp_path / "job", copy)

    calls = job.run()
    assert "pr create --head runtimes --title Renew what the runtimes' images have" in calls
    said = (job.folder / "moved.md").read_text()
    assert [line for line in said.splitlines() if line.startswith("#")] == [
        f"### {name}" for name in AMAZON
    ]
    git("checkout", "-q", "runtimes")
    assert table(copy, "provided.al2")["digests"]
    # Somebody works on it; nothing has moved since.
    (copy / "note").write_text("by a reviewer\n")
    git("add", ".")
    git("commit", "-q", "-m", "a reviewer's")
    git("checkout", "-q", "main")
    (job.folder / "open").write_text("true\n")
    assert re.findall("^pr .*", job.run(), re.MULTILINE)[1:] == []
    # It moves again.
    move(image, "zsh")
    assert "pr comment runtimes --body-file" in job.run()
    git("checkout", "-q", "runtimes")
    assert (copy / "note").exists()
    assert "zsh" in (copy / "shim/check/listings/al2-arm64.txt").read_text()
    # Merged: there is nothing to say any more.
    git("checkout", "-q", "main")
    git("merge", "-q", "runtimes")
    (job.folder / "open").write_text("false\n")
    assert re.findall("^pr .*", job.run(), re.MULTILINE)[1:] == []
