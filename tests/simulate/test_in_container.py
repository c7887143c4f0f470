"""`shim simulate --in container`: each sandbox in its own runtime's image."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from tests.command import Command
from tests.simulate.scenarios import arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def command(cache: Path, tmp_path: Path) -> Iterator[Command]:
    command = Command(name="simulate", cache=cache, folder=tmp_path / "tmp")
    with command.opened():
        yield command


def test_what_only_the_older_system_lacks_fails_in_its_image(
    command: Command, built: Path, runtime_image: Callable[[str, Arch], str]
) -> None:
    old, new = (runtime_image(f"debian-{name}", Arch.X86_64) for name in ("bullseye", "bookworm"))
    images = ("--image", f"provided.al2={old}", "--image", f"provided.al2023={new}")
    words = (*arguments("al2-to-al2023-newer-glibc", built), *images, "--in", "container")
    done = command.run(*words, "--rate", "1", "--invocations", "60", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    runs = {run["name"]: run for run in said["runs"]}
    assert runs["code first"]["failures"] > 0
    assert runs["code first"]["errors"].keys() == {"Runtime.ExitError"}
    assert runs["configuration first"]["failures"] == runs["the plan"]["failures"] == 0
    assert [note.partition(" (sha256:")[0] for note in said["notes"]] == [
        f"provided.al2: the image {old}",
        f"provided.al2023: the image {new}",
    ]


def test_what_has_no_image_or_another_place_is_a_sentence(command: Command, built: Path) -> None:
    words = tuple(arguments("handler-renamed", built))
    for more, sentence in (
        (("--image", "provided.al3=x"), "not an OS-only runtime: `provided.al3`"),
        (("--image", "provided.al2=x", "--in", "machine"), "not for `--in machine`"),
    ):
        done = command.run(*words, *more)
        assert (done.returncode, done.stdout) == (2, "")
        assert sentence in done.stderr
