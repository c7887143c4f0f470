"""The container image for CI, built from a release's files: small, nobody's root, and it checks."""

from __future__ import annotations

import shutil
import uuid
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from shim.package.launchers import Flavour, launcher_files
from tests.conftest import CONTAINER_BUILT
from tests.container.images import build_image
from tests.install.conftest import ROOT
from tests.release.conftest import VERSION, Released

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim.arch import Arch

PYTHON = """\
FROM {base}
RUN apt-get update -qq && \
    apt-get install -y -qq --no-install-recommends python3-venv >/dev/null && \
    rm -rf /var/lib/apt/lists
"""
"""Debian stands for the image that the Dockerfile names: no registry is asked here."""

SIZE = 70_000_000
"""What shim and all that it imports may add to the image that it is built on."""


@pytest.fixture(scope="module", params=CONTAINER_BUILT)
def image(
    request: pytest.FixtureRequest,
    engine: Any,
    bases: str,
    released: Released,
    tmp_path_factory: Any,
) -> Iterator[Image]:
    """The image; what it is made of stays as layers without a name."""
    arch: Arch = request.param
    base, name = (f"shim-test-{kind}:{uuid.uuid4().hex[:12]}" for kind in ("python", "ci"))
    folder: Path = tmp_path_factory.mktemp("image")
    (folder / "Dockerfile").write_text(PYTHON.format(base=bases.format(arch=arch)))
    build_image(engine, base, arch=arch, path=str(folder))
    (folder / "requirements").mkdir()
    shutil.copy(ROOT / "requirements" / "image.txt", folder / "requirements")
    shutil.copytree(released.files, folder / "dist")
    shutil.copy(ROOT / "packages" / "image" / "Dockerfile", folder)
    try:
        build_image(engine, name, arch=arch, path=str(folder), buildargs={"BASE": base})
        yield Image(engine, name, base=base, arch=arch)
    finally:
        for made in (name, base):
            engine.images.remove(made, force=True, noprune=True)


class Image:
    """What was built, and the base that it was built on."""

    def __init__(self, engine: Any, name: str, *, base: str, arch: Arch) -> None:
        self.engine, self.name, self.base, self.arch = engine, name, base, arch

    def run(self, *words: str, folder: Path | None = None) -> tuple[int, str]:
        """The exit status of a command in it, and what it printed."""
        volumes = {str(folder): {"bind": "/work", "mode": "ro"}} if folder else {}
        platform = f"linux/{'arm64' if self.arch == 'arm64' else 'amd64'}"
        container = self.engine.containers.create(
            self.name, list(words), volumes=volumes, platform=platform, network_mode="none"
        )
        try:
            container.start()
            return container.wait(timeout=300)["StatusCode"], container.logs().decode()
        finally:
            container.remove(force=True)

    def size(self, name: str) -> int:
        """In bytes, unpacked."""
        return int(self.engine.images.get(name).attrs["Size"])


def test_it_checks_a_package_and_says_no_by_its_exit_status(image: Image, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)  # pytest's is for its own user only
    for name, mode in (("good", 0o755), ("bad", 0o644)):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as package:
            for path, content in launcher_files((image.arch,), Flavour.LEAN).items():
                _add(package, path, content, mode=0o755)
            _add(package, "orders", b"#!/bin/sh\nexec sleep 1\n", mode=mode)
    status, said = image.run("shim", "check", "good.zip", "--handler", "orders", folder=tmp_path)
    assert status == 0, said
    status, said = image.run("shim", "check", "bad.zip", "--handler", "orders", folder=tmp_path)
    assert status == 1, said
    assert "0644" in said


def test_what_its_user_may_not_read_is_a_sentence(image: Image, tmp_path: Path) -> None:
    status, said = image.run("shim", "check", "good.zip", folder=tmp_path)
    assert status == 2
    assert said.startswith("error: permission denied: `good.zip")


def test_it_is_nobodys_root_and_packs_with_the_full_launcher(image: Image) -> None:
    script = f"""set -e
    test "$(id -u)" = 1001
    test "$(shim --version)" = "shim {VERSION}"
    cd && printf '#!/bin/sh\\nexec sleep 1\\n' >orders
    shim pack orders --flavour full --output orders.zip
    """
    status, said = image.run("sh", "-c", script)
    assert status == 0, said
    assert "starts on x86_64 and arm64" in said


def test_the_commands_that_ci_runs_need_nothing_more(image: Image) -> None:
    code = "import boto3, samtranslator, yaml"
    assert image.run("/opt/shim/bin/python", "-c", code) == (0, "")


def test_it_adds_little_to_its_base(image: Image) -> None:
    assert image.size(image.name) - image.size(image.base) <= SIZE


def _add(package: zipfile.ZipFile, path: str, content: bytes, *, mode: int) -> None:
    entry = zipfile.ZipInfo(path)
    entry.create_system, entry.external_attr = 3, (0o100000 | mode) << 16
    package.writestr(entry, content)
