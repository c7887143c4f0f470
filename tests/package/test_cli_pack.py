"""`shim pack` as it is typed: what it prints, its exit status, and what it leaves behind."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from shim.arch import Arch
from shim.cli.main import main
from shim.package.launchers import Flavour, launcher_files
from shim.package.limits import format_size
from tests.command import run_shim
from tests.requirements import require
from tests.wait import wait_until

X86, ARM = Arch.X86_64, Arch.ARM64
SHIM = [sys.executable, "-m", "shim"]

pytestmark = pytest.mark.usefixtures("lean_launchers", "workspace")


def pack(*words: str) -> subprocess.CompletedProcess[str]:
    return run_shim("pack", *words)


def entries(path: str) -> dict[str, int]:
    """Names and modes."""
    with zipfile.ZipFile(path) as archive:
        return {info.filename: info.external_attr >> 16 & 0o7777 for info in archive.infolist()}


def test_two_variants_and_a_script_become_a_dual_package() -> None:
    done = pack("orders_x86_64", "orders_arm64", "hook", "-o", "a.zip")
    assert done.returncode == 0
    assert done.stdout.splitlines()[2:] == [
        "handler      x86_64       arm64",
        "hook           30 B        30 B",
        "orders   {:>10}  {:>10}".format(
            *(format_size(Path(f"orders_{arch}").stat().st_size) for arch in Arch)
        ),
    ]
    assert done.stdout.startswith("a.zip: starts on x86_64 and arm64; ")
    assert "shim run a.zip --handler hook" in done.stderr
    assert "--zip-file fileb://a.zip --architectures arm64" in done.stderr
    assert entries("a.zip") == {
        ".shim/aarch64": 0o755,
        ".shim/manifest.json": 0o644,
        ".shim/x86_64": 0o755,
        "bootstrap": 0o755,
        "hook": 0o755,
        "orders": 0o755,
        "orders_arm64": 0o755,
    }
    assert stat.S_IMODE(Path("a.zip").stat().st_mode) & 0o111 == 0


def test_other_files_are_counted() -> None:
    one = ("hook", "--include", "orders_arm64", "-o", "a.zip")
    assert pack(*one).stdout.splitlines()[-1] == "and 1 other file"
    assert pack(*one, "--include", "orders_x86_64").stdout.splitlines()[-1] == "and 2 other files"


@pytest.mark.parametrize("arch", Arch)
def test_a_single_package_has_the_native_launcher_as_bootstrap(arch: Arch) -> None:
    assert pack("orders_x86_64", "orders_arm64", "--arch", arch, "-o", "a.zip").returncode == 0
    with zipfile.ZipFile("a.zip") as archive:
        assert sorted(archive.namelist()) == [".shim/manifest.json", "bootstrap", "orders"]
        assert archive.read("orders") == Path(f"orders_{arch}").read_bytes()
        launcher = launcher_files([arch], Flavour.LEAN)["bootstrap"]
        assert archive.read("bootstrap") == launcher


def test_the_json_says_what_lambda_will_say() -> None:
    done = pack("orders_arm64", "text=hook", "-o", "a.zip", "--json")
    result = json.loads(done.stdout)
    content = Path("a.zip").read_bytes()
    assert result["output"] == "a.zip"
    assert result["size"] == len(content)
    assert base64.b64decode(result["codeSha256"]) == hashlib.sha256(content).digest()
    assert result["architectures"] == ["arm64"]
    assert list(result["handlers"]) == ["orders", "text"]
    with zipfile.ZipFile("a.zip") as archive:
        manifest = json.loads(archive.read(".shim/manifest.json"))
    assert manifest["handlers"] == result["handlers"]
    assert done.stderr == ""


def test_the_same_inputs_give_the_same_bytes() -> None:
    words = ["orders_x86_64", "orders_arm64", "hook"]
    pack(*words, "-o", "first.zip")
    for name in words:
        os.utime(name, (0, 0))
        Path(name).chmod(0o700)
    before = os.umask(0o077)
    try:
        pack(*reversed(words), "-o", "second.zip")
    finally:
        os.umask(before)
    assert Path("first.zip").read_bytes() == Path("second.zip").read_bytes()


def test_a_folder_and_its_parts_give_the_same_bytes() -> None:
    Path("in/arm64").mkdir(parents=True)
    shutil.copyfile("orders_arm64", "in/arm64/orders")
    shutil.copyfile("hook", "in/hook")
    pack("in", "-o", "first.zip")
    pack("in/hook", "in/arm64/orders", "-o", "second.zip")
    assert Path("first.zip").read_bytes() == Path("second.zip").read_bytes()


REFUSED = {
    "nothing given": ([], "the following arguments are required: INPUT"),
    "no output": (["hook"], "the following arguments are required: --output/-o"),
    "no program": (["text.txt"], "neither an ELF program nor"),
    "no such file": (["nothing"], "can't read it, No such file or directory: `nothing`"),
    "nothing to pack": (["empty"], "nothing to pack"),
    "two programs": (["orders=orders_arm64", "orders=other_arm64"], "two programs for the handler"),
    "bootstrap": (["bootstrap=hook"], "the launcher's own path: `bootstrap`"),
    "./bootstrap": (["./bootstrap=hook"], "an empty or a `.` part: `./bootstrap`"),
    ".shim": ([".shim/x=hook"], "shim's own folder: `.shim/x`"),
    "a long name": (["x" * 129 + "=hook"], "it has 129 characters"),
    "white space": (["a b=hook"], "white space in it: `a b`"),
    "an empty name": (["=hook"], "it is empty: ``"),
    "an absolute name": (["/x=hook"], "it is absolute: `/x`"),
    "a dotted name": (["../x=hook"], "it has a `..` part: `../x`"),
    "crlf": (["crlf"], "a script with CRLF line ends"),
    "truncated": (["truncated"], "an ELF file that is cut off: `truncated`"),
    "a missing variant": (["orders_arm64", "other=orders_x86_64"], "`orders` lacks x86_64"),
    "a wrong name": (["x_arm64=hook", "lying_arm64"], "whose name says arm64 is built for x86_64"),
    "the wrong architecture": (["orders_arm64", "--arch", "x86_64"], "`orders` lacks x86_64"),
    "a missing folder": (["hook", "-o", "no/a.zip"], "the output's folder is not there"),
    "an output that is a device": (
        ["hook", "-o", "/dev/null"],
        "is not a regular file: `/dev/null`",
    ),
    "an output in the input": ([".", "-o", "./a.zip"], "the output would be part of the input `.`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused_and_changes_nothing(case: str) -> None:
    Path("empty").mkdir()
    Path("crlf").write_bytes(b"#!/bin/sh\r\n")
    Path("truncated").write_bytes(Path("orders_arm64").read_bytes()[:200])
    Path("other_arm64").write_bytes(Path("orders_arm64").read_bytes() + b"x")
    shutil.copyfile("orders_x86_64", "lying_arm64")
    Path("a.zip").write_bytes(b"the old one")
    before = {path: path.is_file() and path.read_bytes() for path in Path().rglob("*")}
    words, sentence = REFUSED[case]
    output = [] if "-o" in words or case == "no output" else ["-o", "a.zip"]
    done = pack(*words, *output)
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert (done.returncode, done.stdout) == (2, "")
    assert {path: path.is_file() and path.read_bytes() for path in Path().rglob("*")} == before


def test_an_error_is_json_where_json_was_asked_for() -> None:
    done = pack("text.txt", "-o", "a.zip", "--json")
    assert done.returncode == 2
    assert set(json.loads(done.stderr)) >= {"error", "hint"}


def incompressible(path: str, megabytes: int) -> None:
    """A script with random bytes behind it."""
    with Path(path).open("wb") as file:
        file.write(b"#!/bin/sh\n")
        file.writelines(os.urandom(1 << 20) for _ in range(megabytes))


@pytest.mark.parametrize("old", [None, b"the old one"])
def test_a_file_size_limit_leaves_nothing_behind(old: bytes | None) -> None:
    incompressible("big", 2)
    if old:
        Path("a.zip").write_bytes(old)
    before = sorted(Path().iterdir())
    done = subprocess.run(
        [*SHIM, "pack", "big", "-o", "a.zip"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
    )
    assert done.returncode == 3
    assert done.stderr == "error: can't write the file, File too large: `a.zip`\n"
    assert sorted(Path().iterdir()) == before
    assert old is None or Path("a.zip").read_bytes() == old


@pytest.mark.parametrize("room", range(4, 64, 12))
def test_a_full_disk_leaves_nothing_behind(room: int, tmp_path: Path) -> None:
    """At several sizes: the disk gets full in a file, between files, in the zip's directory."""
    require(os.geteuid() == 0, "only root can mount a small disk")
    for index in range(12):
        Path(f"script{index}").write_bytes(b"#!/bin/sh\n" + os.urandom(6000))
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}k", "tmpfs", disk], check=True)
    try:
        (disk / "a.zip").write_bytes(b"the old one")
        done = pack(*(f"script{index}" for index in range(12)), "-o", "disk/a.zip")
        assert done.returncode == 3
        assert done.stderr == (
            "error: can't write the file, No space left on device: `disk/a.zip`\n"
        )
        assert [path.name for path in disk.iterdir()] == ["a.zip"]
        assert (disk / "a.zip").read_bytes() == b"the old one"
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_kill_half_way_leaves_nothing_behind(number: signal.Signals) -> None:
    for name in ("a", "b", "big"):
        incompressible(name, 64)
    before = sorted(Path().iterdir())
    words = [*SHIM, "pack", "a", "b", "big", "-o", "a.zip"]
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        descriptors = Path(f"/proc/{process.pid}/fd")

        def is_writing() -> bool:
            with suppress(FileNotFoundError):  # it may be closed while we look
                for path in descriptors.iterdir():
                    file = path.readlink()
                    if file.is_relative_to(Path.cwd()) and file.name not in {"a", "b", "big"}:
                        return path.stat().st_size > 0
            return False

        wait_until(is_writing, seconds=20)
        process.send_signal(number)
        process.communicate(timeout=20)
        assert process.returncode in {130, -number}
    assert sorted(Path().iterdir()) == before


def test_a_package_over_lambdas_limits_is_made_and_said() -> None:
    incompressible("big", 51)
    with Path("big").open("ab") as file:
        file.truncate(251 << 20)
    done = pack("big", "-o", "a.zip")
    assert done.returncode == 0
    assert "note: the zip has 51." in done.stderr
    assert "--s3-bucket BUCKET --s3-key KEY --architectures arm64" in done.stderr
    assert "note: unzipped the package has 251.0 MB, and Lambda refuses more than 250.0 MB" in (
        done.stderr
    )


def test_without_a_full_launcher_the_hint_says_what_to_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shim.package.launchers._FOLDER", tmp_path)
    assert main(["pack", "hook", "-o", "a.zip", "--flavour", "full"]) == 3
    printed = capsys.readouterr().err
    assert "hint: install it: `pip install 'lambda-shim[full]" in printed
    assert "or take the lean one: `--flavour lean`" in printed
    assert not Path("a.zip").exists()


@pytest.mark.parametrize("arch", Arch)
def test_an_unpacked_package_starts_its_handlers(arch: Arch) -> None:
    pack("bin/orders=orders_x86_64", "bin/orders=orders_arm64", "hook", "-o", "a.zip")
    subprocess.run(["unzip", "-q", "a.zip", "-d", "task"], check=True)
    native = f".shim/{arch.machine}"
    for handler, output in (("bin/orders", "orders\n"), ("hook", "hook\n")):
        done = subprocess.run(
            [f"task/{native}"],
            env={"_HANDLER": handler, "LAMBDA_TASK_ROOT": f"{Path.cwd()}/task"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, output, "")
