"""What the launcher says when it can't start the handler: the exact line, the exact status."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from tests.launcher.programs import S390X, elf, elf_with_interpreter
from tests.launcher.start import PROBE_STATUS
from tests.requirements import require

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.launcher.package import Package
    from tests.launcher.start import Outcome

SCRIPT = b"#!/bin/sh\n"


def line(kind: str, sentence: str) -> bytes:
    """The report as it must be, byte for byte; `sentence` is already escaped."""
    message = f'{{"errorType":"Runtime.{kind}","errorMessage":"{sentence}","stackTrace":[]}}\n'
    return message.encode()


def assert_says(package: Package, outcome: Outcome, kind: str, sentence: str) -> None:
    """The lean launcher says this and nothing else; the full one goes on behind the sentence."""
    expected = line(kind, sentence)
    if package.is_lean:
        assert outcome.errors == expected
    else:
        assert outcome.errors.startswith(expected.removesuffix(b'","stackTrace":[]}\n'))
        assert "explanationFailed" not in outcome.report


@pytest.mark.parametrize("handler", [None, ""])
def test_without_a_handler_it_says_so(package: Package, handler: str | None) -> None:
    outcome = package.start(handler)
    assert outcome.status == 100
    assert_says(package, outcome, "HandlerUnset", "_HANDLER is not set")
    assert outcome.output == b""


@pytest.mark.parametrize("handler", ["/bin/true", "/", "//orders"])
def test_an_absolute_handler_is_invalid(package: Package, handler: str) -> None:
    outcome = package.start(handler)
    assert outcome.status == 100
    assert_says(package, outcome, "HandlerInvalid", f"handler is absolute: {handler}")


@pytest.mark.parametrize("handler", ["..", "../orders", "bin/../orders", "bin/..", "a/../../b"])
def test_a_handler_that_climbs_is_invalid(package: Package, handler: str) -> None:
    outcome = package.start(handler)
    assert outcome.status == 100
    assert_says(package, outcome, "HandlerInvalid", f"handler has a part '..': {handler}")


@pytest.mark.parametrize("handler", ["x" * 129, "x" * 5000, "ü" * 129, "../" * 50])
def test_a_handler_of_more_than_128_characters_is_invalid(package: Package, handler: str) -> None:
    outcome = package.start(handler)
    shown = handler if len(handler.encode()) < 256 else handler.encode()[:256].decode() + "..."
    if len(shown.encode()) == 256:
        shown += "..."
    assert outcome.status == 100
    sentence = f"handler has more than 128 characters: {shown}"
    assert_says(package, outcome, "HandlerInvalid", sentence)


@pytest.mark.parametrize("handler", ["bootstrap", "./bootstrap", "bootstrap/", ".//./bootstrap/."])
def test_the_handler_bootstrap_is_the_launcher(package: Package, handler: str) -> None:
    outcome = package.start(handler)
    assert outcome.status == 100
    sentence = f"the launcher would start itself: {handler}"
    assert_says(package, outcome, "HandlerIsLauncher", sentence)


@pytest.mark.parametrize("how", ["copy", "link", "link to a link"])
def test_a_candidate_that_is_the_launcher_ends_the_start(package: Package, how: str) -> None:
    if how == "copy":
        shutil.copy(package.bootstrap, package.root / "orders")
    else:
        (package.root / "bills").symlink_to("bootstrap")
        (package.root / "orders").symlink_to("bills" if how == "link to a link" else "bootstrap")
    outcome = package.start("orders")
    assert outcome.status == 100
    sentence = f"the launcher would start itself: {package.root}/orders"
    assert_says(package, outcome, "HandlerIsLauncher", sentence)


def test_a_handler_that_is_nowhere_is_reported_with_every_path_tried(package: Package) -> None:
    outcome = package.start("orders")
    assert outcome.status == 127
    paths = ", ".join(package.candidates("orders"))
    assert_says(package, outcome, "HandlerNotFound", f"handler not found: {paths}")


def test_a_link_that_dangles_is_not_found(package: Package) -> None:
    (package.root / "orders").symlink_to("nowhere")
    outcome = package.start("orders")
    assert (outcome.status, outcome.report["errorType"]) == (127, "Runtime.HandlerNotFound")


@pytest.mark.parametrize("case", ["no run bit", "a folder", "a pipe"])
def test_what_may_not_be_executed_is_reported(package: Package, case: str) -> None:
    path = package.root / "orders"
    if case == "a folder":
        path.mkdir()
    elif case == "a pipe":
        package = package.alone()
        os.mkfifo(path, 0o755)
    else:
        package.add("orders", mode=0o644)
    outcome = package.start("orders")
    assert outcome.status == 126
    sentence = f"handler may not be executed: {path}"
    assert_says(package, outcome, "HandlerNotExecutable", sentence)


def test_after_a_candidate_that_may_not_be_executed_no_other_is_tried(package: Package) -> None:
    path = package.candidates("orders")[0]
    package.add(os.path.basename(path), mode=0o644)  # noqa: PTH119 - a name, not a path
    package.add("orders", mode=0o644 if path.endswith("/orders") else 0o755)
    outcome = package.start("orders")
    assert_says(package, outcome, "HandlerNotExecutable", f"handler may not be executed: {path}")


@pytest.mark.parametrize("machine", [Arch.X86_64.elf_machine, Arch.ARM64.elf_machine, S390X])
def test_a_program_for_another_machine_is_reported(package: Package, machine: int) -> None:
    path = package.add("orders", elf(machine))
    outcome = package.start("orders")
    assert outcome.status == 126
    if machine == package.arch.elf_machine:
        assert_says(package, outcome, "LaunchFailed", f"execve failed: {path} (errno 8)")
    else:
        sentence = f"handler is built for another machine: {path} (ELF machine {machine})"
        assert_says(package, outcome, "WrongArchitecture", sentence)


@pytest.mark.parametrize("content", [b"", b"\n", b"echo hello\n", b"\x7fELF", b"MZ\0\0"])
def test_a_file_that_is_no_program_is_reported(package: Package, content: bytes) -> None:
    path = package.add("orders", content)
    outcome = package.start("orders")
    assert outcome.status == 126
    assert_says(package, outcome, "LaunchFailed", f"execve failed: {path} (errno 8)")


@pytest.mark.parametrize("shebang", [b"#!/no/such/shell\n", b"#!/bin/sh\r\n", b"#!nothing\n"])
def test_a_script_whose_interpreter_is_missing_is_reported(
    package: Package, shebang: bytes
) -> None:
    package = package.alone()
    path = package.add("orders", shebang)
    outcome = package.start("orders")
    assert outcome.status == 126
    sentence = f"handler's interpreter is missing: {path}"
    assert_says(package, outcome, "InterpreterMissing", sentence)


def test_a_program_whose_interpreter_is_missing_is_reported(native_package: Package) -> None:
    package = native_package.alone()
    content = elf_with_interpreter(package.arch.elf_machine, b"/lib64/no-such-ld.so")
    path = package.add("orders", content)
    outcome = package.start("orders")
    assert outcome.status == 126
    sentence = f"handler's interpreter is missing: {path}"
    assert_says(package, outcome, "InterpreterMissing", sentence)


def test_a_loop_of_links_is_reported_with_its_errno(package: Package) -> None:
    path = package.root / "orders"
    path.symlink_to("orders")
    for candidate in package.candidates("orders")[:-2]:
        if candidate.endswith("_arm64"):
            (package.root / "orders_arm64").symlink_to("orders_arm64")
            path = package.root / "orders_arm64"
    outcome = package.start("orders")
    assert outcome.status == 126
    assert_says(package, outcome, "LaunchFailed", f"execve failed: {path} (errno 40)")


@pytest.mark.parametrize("size", [1023, 1024, 4095, 4096, 6000, 100_000])
def test_a_path_that_is_too_long_is_reported_with_its_errno(package: Package, size: int) -> None:
    """A path may have 1,022 bytes; the kernel takes 4,095, Lambda's longest has 529."""
    suffix = "/orders_arm64" if package.arch is Arch.ARM64 else "/orders"
    root = ("/." * size)[: size - len(suffix)]
    outcome = package.start("orders", variables={"LAMBDA_TASK_ROOT": root})
    assert outcome.status == 126
    assert_says(package, outcome, "LaunchFailed", f"execve failed: {root[:256]}... (errno 36)")


def test_a_path_of_1022_bytes_is_tried(package: Package) -> None:
    package.add("orders")
    suffix = "/orders_arm64" if package.arch is Arch.ARM64 else "/orders"
    root = str(package.root) + ("/." * 1022)[: 1022 - len(str(package.root)) - len(suffix)]
    assert package.start("orders", variables={"LAMBDA_TASK_ROOT": root}).status == PROBE_STATUS


def test_a_wrapper_that_is_missing_is_reported(package: Package) -> None:
    package.add("orders")
    outcome = package.start("orders", variables={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/no-wrapper"})
    assert outcome.status == 127
    assert_says(package, outcome, "LaunchFailed", "execve failed: /opt/no-wrapper (errno 2)")


def test_a_wrapper_without_a_run_bit_is_reported(package: Package) -> None:
    package.add("orders")
    wrapper = str(package.add("wrapper", mode=0o644))
    outcome = package.start("orders", variables={"AWS_LAMBDA_EXEC_WRAPPER": wrapper})
    assert outcome.status == 126
    assert_says(package, outcome, "LaunchFailed", f"execve failed: {wrapper} (errno 13)")


def test_a_wrapper_that_is_the_launcher_ends_the_start(package: Package) -> None:
    package.add("orders")
    wrapper = str(package.bootstrap)
    outcome = package.start("orders", variables={"AWS_LAMBDA_EXEC_WRAPPER": wrapper})
    assert outcome.status == 100
    sentence = f"the launcher would start itself: {wrapper}"
    assert_says(package, outcome, "HandlerIsLauncher", sentence)


@pytest.mark.parametrize("mode", [0o644, None])
def test_with_a_wrapper_the_handler_must_be_executable_too(
    package: Package, mode: int | None
) -> None:
    wrapper = str(package.add("wrapper"))
    for path in [*package.candidates("orders")[:-2], str(package.root / "orders")]:
        name = path.removeprefix(f"{package.root}/")
        if mode is None:
            (package.root / name).mkdir(exist_ok=True)
        elif not name.startswith("/"):
            package.add(name, mode=mode)
    outcome = package.start("orders", variables={"AWS_LAMBDA_EXEC_WRAPPER": wrapper})
    assert outcome.status == 126
    assert outcome.report["errorType"] == "Runtime.HandlerNotExecutable"


@pytest.mark.parametrize(
    ("handler", "shown"),
    [
        (b"a\"b\\c", 'a\\"b\\\\c'),
        (b"line\nbreak\tbell\a", "line\\ufffdbreak\\ufffdbell\\ufffd"),
        (b"\x1f \x7e\x7f\x80", "\\ufffd ~\\ufffd\\ufffd"),
        ("\x80\x85\x9b1m\x9f\xa0".encode(), "\\ufffd\\ufffd\\ufffd1m\\ufffd\xa0"),
        ("\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff".encode(),
         "\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"),
        (b"\xc1\xbf \xe0\x9f\xbf \xf0\x8f\xbf\xbf \xf8\x88\x80\x80", "\\ufffd" * 2 + " "
         + "\\ufffd" * 3 + " " + "\\ufffd" * 4 + " " + "\\ufffd" * 4),
        ("bäckerei-€-𝄞".encode(), "bäckerei-€-𝄞"),
        (b"\xff\"\xc3", '\\ufffd\\"\\ufffd'),
        (b"\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80", "\\ufffd" * 2 + " " + "\\ufffd" * 3 + " "
         + "\\ufffd" * 4),
        (b"\xe2\x82", "\\ufffd\\ufffd"),
    ],
)  # fmt: skip
def test_any_bytes_make_valid_json(package: Package, handler: bytes, shown: str) -> None:
    outcome = package.start(handler)
    paths = [path.replace("orders", shown) for path in package.candidates("orders")]
    assert_says(package, outcome, "HandlerNotFound", f"handler not found: {', '.join(paths)}")
    assert outcome.report["errorType"] == "Runtime.HandlerNotFound"


def test_the_status_stays_when_standard_error_is_closed(package: Package) -> None:
    variables = {"_HANDLER": "orders", "LAMBDA_TASK_ROOT": str(package.root)}
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *package.alone().command]
    assert subprocess.run(command, env=variables, check=False).returncode == 127


def test_the_status_stays_when_nobody_reads_standard_error(package: Package) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    variables = {"_HANDLER": "orders", "LAMBDA_TASK_ROOT": str(package.root)}
    done = subprocess.run(package.command, env=variables, stderr=writer, check=False)
    os.close(writer)
    assert done.returncode == 127
    package.assert_nothing_found()


def test_a_failure_leaves_no_file_and_no_process(package: Package) -> None:
    require(os.geteuid() == 0, "only root may make a process namespace")
    package.add("orders", SCRIPT, mode=0o644)
    before = sorted(package.root.rglob("*"))
    script = '"$@"; test $? = 126 || exit 9; set -- /proc/[0-9]*; echo $#'
    own = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh"]
    done = subprocess.run(
        [*own, *package.command],
        env={"_HANDLER": "orders", "LAMBDA_TASK_ROOT": str(package.root)},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"1\n"
    assert sorted(package.root.rglob("*")) == before


@pytest.mark.parametrize("arch", list(Arch))
def test_a_report_needs_no_more_stack_than_the_smallest(
    make_package: Callable[[str, Arch], Package], arch: Arch
) -> None:
    """The kernel grants argv and environment a quarter of the stack: the rest is ours.

    The full launcher's Python needs more, and Lambda grants it.
    """
    package = make_package("lean", arch)
    script = 'ulimit -s 128; exec "$0"'
    done = subprocess.run(
        ["sh", "-c", script, str(package.bootstrap)],
        env={"_HANDLER": "\1" * 128, "LAMBDA_TASK_ROOT": str(package.root)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 127
    assert done.stderr.endswith(b'"stackTrace":[]}\n')
