"""The launch path, from outside: which file is executed, and what it is given."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from tests.launcher.package import LAUNCHER_FOLDER, Package
from tests.launcher.start import PROBE_STATUS, start
from tests.requirements import require

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


SCRIPT = b"#!/bin/sh\necho $0\n"


def test_the_handler_gets_its_path_as_first_word_and_the_further_words(package: Package) -> None:
    package.add("bin/orders")
    _, words, _ = package.start("bin/orders", "one", "", "two words").probe
    assert words == [os.fsencode(package.root / "bin/orders"), b"one", b"", b"two words"]


def test_the_handler_gets_the_environment_as_it_was(native_package: Package) -> None:
    package = native_package
    package.add("orders")
    variables = [
        b"LAMBDA_TASK_ROOT=" + os.fsencode(package.root),
        b"A=1",
        b"_HANDLER=orders",
        b"no equals sign",
        b"",
        b"=C:=x",
        b"A=2",
        b"bytes=\xff\xfe",
        b"_HANDLER=second",
    ]
    _, _, seen = package.start_with([b"bootstrap"], variables).probe
    assert seen == variables


def test_the_handler_takes_the_launchers_process(package: Package) -> None:
    package.add("orders")
    outcome = package.start("orders")
    process, _, _ = outcome.probe
    assert process == outcome.process


def test_success_is_silent_and_leaves_no_file(package: Package) -> None:
    package.add("orders")
    before = sorted(package.root.rglob("*"))
    outcome = package.start("orders")
    assert (outcome.status, outcome.errors) == (PROBE_STATUS, b"")
    assert sorted(package.root.rglob("*")) == before


def test_an_empty_argv_still_gets_the_handlers_path(package: Package) -> None:
    package.add("orders")
    variables = [b"_HANDLER=orders", b"LAMBDA_TASK_ROOT=" + os.fsencode(package.root)]
    _, words, seen = package.start_with([], variables).probe
    assert words == [os.fsencode(package.root / "orders")]
    assert seen == variables


@pytest.mark.parametrize("present", list(itertools.product([False, True], repeat=4)))
def test_the_first_candidate_that_exists_is_taken(
    package: Package,
    tmp_path: Path,
    in_folders: Callable[..., list[str]],
    present: tuple[bool, ...],
) -> None:
    opt = tmp_path / "opt"
    opt.mkdir()
    files = {
        "/var/task/orders_arm64": package.root / "orders_arm64",
        "/var/task/orders": package.root / "orders",
        "/opt/orders_arm64": opt / "orders_arm64",
        "/opt/orders": opt / "orders",
    }
    tried = [path for path in files if package.arch is Arch.ARM64 or "_arm64" not in path]
    there = [path for path, is_there in zip(files, present, strict=True) if is_there]
    for path in there:
        shutil.copy(package.add("probe"), files[path])
    command = [*in_folders(task=package.root, opt=opt), *package.command[:-1]]
    done = subprocess.run(
        [*command, "/var/task/bootstrap"],
        env={"_HANDLER": "orders"},
        capture_output=True,
        check=False,
    )
    package.assert_nothing_found()
    expected = next((path for path in tried if path in there), None)
    if expected is None:
        sentence = f"handler not found: {', '.join(tried)}"
        head = f'{{"errorType":"Runtime.HandlerNotFound","errorMessage":"{sentence}'
        said = done.stderr.decode()
        assert said.startswith(head)
        assert not package.is_lean or said == head + '","stackTrace":[]}\n'
        assert done.returncode == 127
    else:
        assert done.returncode == PROBE_STATUS
        assert done.stdout.split(b"\0")[1] == b"=" + expected.encode()


@pytest.mark.parametrize("task_root", [None, ""])
def test_without_a_task_root_it_is_var_task(package: Package, task_root: str | None) -> None:
    variables = [b"_HANDLER=no-such-handler"]
    if task_root is not None:
        variables.append(b"LAMBDA_TASK_ROOT=")
    report = package.start_with([b"bootstrap"], variables).report
    assert "/var/task/no-such-handler" in report["errorMessage"]


def test_a_file_where_a_folder_should_be_counts_as_absent(package: Package) -> None:
    package.add("orders", SCRIPT)
    outcome = package.start("orders/eu")
    assert outcome.status == 127
    assert outcome.report["errorType"] == "Runtime.HandlerNotFound"


def test_a_handler_may_lie_in_folders_and_have_dots_in_its_name(package: Package) -> None:
    for handler in ("a/b/c/orders", "./orders", "a//b/./orders", "..orders", "orders..", "a/..."):
        package.add(handler)
        _, words, _ = package.start(handler).probe
        assert words == [os.fsencode(f"{package.root}/{handler}")]


def test_a_handler_of_128_characters_is_taken_whatever_its_bytes(package: Package) -> None:
    for handler in ("x" * 128, "ü" * 64 + "x" * 64, "€" * 42 + "a/b" * 28):
        package.add(handler)
        assert package.start(handler).status == PROBE_STATUS


def test_a_program_called_bootstrap_in_a_folder_is_a_handler(package: Package) -> None:
    package.add("bin/bootstrap")
    assert package.start("bin/bootstrap").status == PROBE_STATUS


def test_a_script_is_a_handler(package: Package) -> None:
    path = package.add("orders", SCRIPT)
    outcome = package.start("orders")
    assert (outcome.status, outcome.output) == (0, f"{path}\n".encode())


def test_of_equal_variables_the_first_that_is_not_empty_wins(native_package: Package) -> None:
    package = native_package
    package.add("orders")
    root = b"LAMBDA_TASK_ROOT=" + os.fsencode(package.root)
    variables = [b"_HANDLER=", b"_HANDLER=orders", b"_HANDLER=bills", root, b"LAMBDA_TASK_ROOT=/x"]
    assert package.start_with([b"bootstrap"], variables).status == PROBE_STATUS


def test_a_variable_whose_name_only_begins_alike_is_another(package: Package) -> None:
    variables = [b"_HANDLERS=orders", b"X_HANDLER=orders", b"_HANDLER", b"_handler=orders"]
    outcome = package.start_with([b"bootstrap"], variables)
    assert outcome.report["errorType"] == "Runtime.HandlerUnset"


def test_the_wrapper_gets_the_handler_as_its_first_word(package: Package) -> None:
    package.add("orders", SCRIPT)
    wrapper = str(package.add("wrapper"))
    outcome = package.start("orders", "one", variables={"AWS_LAMBDA_EXEC_WRAPPER": wrapper})
    _, words, variables = outcome.probe
    assert words == [os.fsencode(wrapper), os.fsencode(package.root / "orders"), b"one"]
    assert b"AWS_LAMBDA_EXEC_WRAPPER=" + os.fsencode(wrapper) in variables


def test_the_wrapper_works_without_any_argv(package: Package) -> None:
    package.add("orders", SCRIPT)
    wrapper = os.fsencode(package.add("wrapper"))
    variables = [
        b"_HANDLER=orders",
        b"LAMBDA_TASK_ROOT=" + os.fsencode(package.root),
        b"AWS_LAMBDA_EXEC_WRAPPER=" + wrapper,
    ]
    _, words, seen = package.start_with([], variables).probe
    assert words == [wrapper, os.fsencode(package.root / "orders")]
    assert seen == variables


def test_an_empty_wrapper_is_none(package: Package) -> None:
    package.add("orders")
    outcome = package.start("orders", variables={"AWS_LAMBDA_EXEC_WRAPPER": ""})
    assert outcome.probe[1] == [os.fsencode(package.root / "orders")]


def test_the_wrapper_gets_the_first_candidate_that_may_be_executed(package: Package) -> None:
    wrapper = str(package.add("wrapper"))
    package.add("orders", SCRIPT)
    package.add("orders_arm64", SCRIPT)
    words = package.start("orders", variables={"AWS_LAMBDA_EXEC_WRAPPER": wrapper}).probe[1]
    assert words[1].decode() == package.candidates("orders")[0]


def test_two_system_calls_before_the_handler(native_package: Package) -> None:
    package = native_package
    strace = shutil.which("strace")
    require(strace is not None, "strace is not installed")
    package.add("orders")
    log = package.root / "log"
    words = ["strace", "-f", "-o", str(log), str(package.bootstrap)]
    variables = [b"_HANDLER=orders", b"LAMBDA_TASK_ROOT=" + os.fsencode(package.root)]
    start(str(strace), [word.encode() for word in words], variables)
    calls = [line.split(maxsplit=1)[1] for line in log.read_text().splitlines()]
    names = [call.split("(")[0] for call in calls]
    assert names[:3] == ["execve", "uname", "execve"]
    assert str(package.root / "orders") in calls[2]
    assert calls[2].endswith(" = 0")


@pytest.mark.parametrize("arch", list(Arch))
def test_a_lean_launcher_has_at_most_4096_bytes(arch: Arch) -> None:
    assert (LAUNCHER_FOLDER / "bin" / f"lean-{arch}").stat().st_size <= 4096
