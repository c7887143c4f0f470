"""The full launcher's Python half, run as plain Python: what it says and that it stays bounded."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shim.arch import Arch
from shim.launcher.explain import compose, first_values
from shim.launcher.failure import Start, find_failure
from shim.launcher.inventory import HANDLER_LIMIT, SECONDS, Inventory, nearest, take_inventory
from shim.launcher.program import Program, parse_program
from shim.launcher.wording import quote, show
from tests.launcher.api import report_request, runtime_api
from tests.launcher.package import LAUNCHER_FOLDER, NATIVE, OTHER, Package
from tests.launcher.programs import elf, elf_with_interpreter

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE_ROOT = LAUNCHER_FOLDER.parent.parent
MAIN = """
import os
from shim.launcher.explain import main
main(os.environb[b"OWN_PATH"], [b"=".join(item) for item in os.environb.items()])
"""


@pytest.fixture
def package(make_package: Callable[[str, Arch], Package]) -> Package:
    """A package with the lean launcher in it."""
    return make_package("lean", NATIVE)


def explain(
    package: Package, handler: str | bytes | None, **variables: str
) -> tuple[dict[str, Any], int]:
    """The report and the exit status of the full launcher's Python half."""
    environment: dict[str, str | bytes] = {
        "PYTHONPATH": str(SOURCE_ROOT),
        "OWN_PATH": str(package.bootstrap),
        "LAMBDA_TASK_ROOT": str(package.root),
        **variables,
    }
    if handler is not None:
        environment["_HANDLER"] = handler
    done = subprocess.run(
        [sys.executable, "-c", MAIN], env=environment, capture_output=True, check=False, timeout=60
    )
    assert done.stderr.count(b"\n") == 1
    return json.loads(done.stderr), done.returncode


def _fill(package: Package) -> None:
    """Something of everything that can be wrong."""
    package.add("orders", elf(OTHER.elf_machine))
    package.add("bin/bills", elf(NATIVE.elf_machine))
    package.add("bin/orders_arm64", elf(Arch.ARM64.elf_machine))
    package.add("script", b"#!/no/such/shell\n")
    package.add("windows", b"#!/bin/sh\r\necho\r\n")
    package.add("locked", b"#!/bin/sh\n", mode=0o644)
    package.add("text", b"echo hello\n")
    package.add("empty", b"")
    package.add("musl", elf_with_interpreter(NATIVE.elf_machine, b"/lib/ld-musl-none.so.1"))
    (package.root / "dangling").symlink_to("nowhere")
    (package.root / "loop").symlink_to("loop")
    (package.root / "launcher").symlink_to("bootstrap")
    os.mkfifo(package.root / "pipe")


HANDLERS = [
    None, "", "/orders", "../orders", "x" * 129, "ü" * 129, "bootstrap", "./bootstrap/", "orders",
    "bin/bills", "bin/orders", "bin/orders_arm64", "bin", "bin/", "script", "windows", "locked",
    "text", "empty", "musl", "dangling", "loop", "launcher", "pipe", "order", "orders/x", "nothing",
    b"a\"b\\c", b"line\nbreak", b"\xff\"\xc3", b"\xe2\x82", "ü€𝄞" * 30, "a" * 128, ".", "x/" * 60,
]  # fmt: skip
WRAPPERS = ["/opt/no-wrapper", "locked", "text", "bin", "bootstrap"]
WRAPPED = [None, "orders", "bin/bills", "bin", "locked", "dangling", "loop", "orders/x"]


@pytest.mark.parametrize(
    ("handler", "wrapper"),
    [*((handler, "") for handler in HANDLERS), *itertools.product(WRAPPED, WRAPPERS)],
)
def test_type_sentence_and_status_are_those_of_the_lean_launcher(
    package: Package, handler: str | bytes | None, wrapper: str
) -> None:
    _fill(package)
    variables = {}
    if wrapper:
        variables["AWS_LAMBDA_EXEC_WRAPPER"] = str(package.root / wrapper)
    outcome = package.start(handler, variables=variables)
    lean, lean_status = outcome.report, outcome.status
    full, full_status = explain(package, handler, **variables)
    assert full["errorType"] == lean["errorType"]
    assert full["errorMessage"].startswith(lean["errorMessage"])
    assert full["stackTrace"] == []
    assert full_status == lean_status
    assert "explanationFailed" not in full


def test_without_a_handler_the_packages_programs_are_named(package: Package) -> None:
    package.add("bin/orders")
    report, status = explain(package, None)
    assert report["errorMessage"] == (
        "_HANDLER is not set. Lambda sets it to the function's Handler."
        " Set Handler to one of: bin/orders"
    )
    assert report["handlers"] == {"bin/orders": [str(NATIVE)]}
    assert report["machine"] == str(NATIVE)
    assert status == 100


def test_an_absolute_handler_is_told_its_relative_name(package: Package) -> None:
    path = package.add("bin/orders")
    report, _ = explain(package, str(path))
    assert report["errorMessage"].endswith("Set it to bin/orders")


def test_a_misspelt_handler_is_told_the_nearest(package: Package) -> None:
    package.add("bin/orders")
    package.add("bin/bills")
    for handler in ("bin/order", "orders", "bin/Orders", "bin/orders.handler"):
        report, status = explain(package, handler)
        assert "Nearest in the package: bin/orders. Set Handler" in report["errorMessage"]
        assert status == 127


def test_a_handler_for_arm64_only_is_told_so_on_x86_64(package: Package) -> None:
    package.add("bin/orders_arm64", elf(Arch.ARM64.elf_machine))
    variables = {b"_HANDLER": b"bin/orders", b"LAMBDA_TASK_ROOT": bytes(package.root)}
    start = Start(variables, machine="x86_64", own_path=None, words=[])
    report = json.loads(compose(find_failure(start), start))
    assert "in the package for arm64 only, and this machine is x86_64" in report["errorMessage"]
    assert report["handlers"] == {"bin/orders": ["arm64"]}


def test_an_empty_package_is_told_so(package: Package) -> None:
    report, _ = explain(package, "orders")
    assert "There is no program in the package" in report["errorMessage"]
    assert report["handlers"] == {}


def test_a_dangling_link_is_named_with_its_target(package: Package) -> None:
    (package.root / "orders").symlink_to("../build/orders")
    report, _ = explain(package, "orders")
    assert "orders is a link to ../build/orders, which is missing" in report["errorMessage"]


def test_a_missing_run_bit_is_named_with_the_mode(package: Package) -> None:
    package.add("orders", mode=0o644)
    report, status = explain(package, "orders")
    assert "Its mode is 0644, without a run bit" in report["errorMessage"]
    assert "chmod 755" in report["errorMessage"]
    assert status == 126


def test_a_folder_is_told_what_is_in_it(package: Package) -> None:
    package.add("bin/orders")
    report, _ = explain(package, "bin")
    assert report["errorMessage"].endswith("It is a folder. Set Handler to bin/orders")


def test_the_wrong_architecture_is_told_how_to_build(package: Package) -> None:
    package.add("orders", elf(OTHER.elf_machine))
    report, status = explain(package, "orders")
    message = report["errorMessage"]
    assert f"It is built for {OTHER}, and this machine is {NATIVE}: build it for" in message
    assert f"set the function's Architectures to {OTHER}" in message
    assert report["file"]["architecture"] == str(OTHER)
    assert status == 126


def test_windows_line_ends_are_named(package: Package) -> None:
    package.add("orders", b"#!/bin/sh\r\necho hello\r\n")
    report, _ = explain(package, "orders")
    assert report["errorType"] == "Runtime.InterpreterMissing"
    assert "ends with a carriage return" in report["errorMessage"]
    assert "dos2unix" in report["errorMessage"]


def test_a_missing_interpreter_is_named(package: Package) -> None:
    package.add("orders", b"#!/usr/bin/no-such-python3 -u\n")
    report, _ = explain(package, "orders")
    assert "Its first line names /usr/bin/no-such-python3, which is not" in report["errorMessage"]
    assert report["file"]["interpreter"] == "/usr/bin/no-such-python3"


def test_a_missing_loader_is_named_and_musl_known(package: Package) -> None:
    loader = b"/lib/ld-musl-none.so.1"
    package.add("orders", elf_with_interpreter(NATIVE.elf_machine, loader))
    report, _ = explain(package, "orders")
    assert "Its loader, /lib/ld-musl-none.so.1, is not on this machine" in report["errorMessage"]
    assert "musl, on Alpine Linux say" in report["errorMessage"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "It is an empty file. Build it"),
        (b"echo hello\n", "It is a text file without a `#!` line: a script begins with"),
        (b"\xef\xbb\xbf#!/bin/sh\n", "byte order mark"),
        (b"MZ\0\0", "It is a Windows program. Build it for"),
        (b"\xcf\xfa\xed\xfe\0\0", "It is a macOS program. Build it for"),
        (b"\x7fELF", "It is an ELF file that is cut off"),
        (elf(NATIVE.elf_machine, kind=1), "It is an object file that is not linked yet"),
        (elf(NATIVE.elf_machine, kind=2)[:64], "it is damaged or cut off. Build it again"),
    ],
)
def test_what_is_no_program_is_told_what_it_is(
    package: Package, content: bytes, words: str
) -> None:
    package.add("orders", content)
    report, status = explain(package, "orders")
    assert report["errorType"] == "Runtime.LaunchFailed"
    assert words in report["errorMessage"]
    assert status == 126


def test_a_wrapper_that_fails_is_named_by_its_variable(package: Package) -> None:
    package.add("orders")
    report, status = explain(package, "orders", AWS_LAMBDA_EXEC_WRAPPER="/opt/no-wrapper")
    assert "AWS_LAMBDA_EXEC_WRAPPER is set, and what it names" in report["errorMessage"]
    assert status == 127


def test_the_report_is_bounded_for_a_package_of_thousands_of_files(package: Package) -> None:
    for number in range(6000):
        package.add(f"folder{number % 40}/{'x' * 60}{number}", b"#!/bin/sh\n")
    report, status = explain(package, "folder1/y")
    assert status == 127
    assert len(json.dumps(report)) < 10_000
    assert len(report["handlers"]) <= 20
    assert report["handlersIncomplete"]


def test_of_thousands_of_programs_no_more_than_a_thousand_are_opened(tmp_path: Path) -> None:
    for number in range(HANDLER_LIMIT + 500):
        (tmp_path / str(number)).write_bytes(b"#!/bin/sh\n")
    inventory = take_inventory((bytes(tmp_path),), lambda: 0)
    assert not inventory.is_complete
    assert len(inventory.handlers) == HANDLER_LIMIT


def test_a_look_through_a_package_ends_at_its_deadline(tmp_path: Path) -> None:
    """The clock is asked before each file, and goes on by a hundredth of a second each time."""
    for number in range(100):
        (tmp_path / str(number)).write_bytes(b"#!/bin/sh\n")
    ticks = iter(range(1000))
    inventory = take_inventory((bytes(tmp_path),), lambda: next(ticks) / 100)
    assert not inventory.is_complete
    assert len(inventory.handlers) == SECONDS * 100


def test_links_that_lead_out_of_the_package_are_not_followed(
    package: Package, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(elf(OTHER.elf_machine))
    outside.chmod(0o755)
    (package.root / "orders").symlink_to(outside)
    inventory = _look(package.root)
    assert inventory.handlers == {}
    report, _ = explain(package, "orders")
    assert "file" not in report


def _look(root: Path) -> Inventory:
    return take_inventory((bytes(root),))


def test_data_are_no_handlers(package: Package) -> None:
    package.add("orders")
    package.add("data.json", b"{}")
    package.add("notes", b"text")
    package.add(".shim/x86_64")
    assert _look(package.root).handlers == {b"orders": {str(NATIVE)}}


def test_the_report_reaches_the_runtime_api_as_it_reached_standard_error(package: Package) -> None:
    with runtime_api() as api:
        report, status = explain(package, "orders", AWS_LAMBDA_RUNTIME_API=api.address)
    (request,) = api.requests
    line = request.partition(b"\r\n\r\n")[2]
    assert request == report_request(api.address, "Runtime.HandlerNotFound", line)
    assert (json.loads(line), status) == (report, 127)


def test_a_silent_runtime_api_does_not_hold_it(package: Package) -> None:
    with runtime_api(answer=b"") as api:
        _, status = explain(package, "orders", AWS_LAMBDA_RUNTIME_API=api.address)
    assert len(api.requests) == 1
    assert status == 127


def test_it_imports_a_handful_of_modules() -> None:
    code = (
        "import sys; before = set(sys.modules); import shim.launcher.explain;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({str(SOURCE_ROOT)!r});"
         + code],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    imported = {name for name in done.stdout.split() if not name.startswith("shim")}
    assert imported <= {"os", "time", "abc", "stat", "_stat", "posixpath", "genericpath",
                        "os.path", "_collections_abc", "_abc", "select"}  # fmt: skip


def test_random_bytes_make_no_parser_fail() -> None:
    source = random.Random(1)
    real = Path(sys.executable).resolve().read_bytes()[:5000]
    for _ in range(3000):
        data = bytearray(source.choice([real, elf_with_interpreter(62, b"/lib/ld")]))
        for _ in range(source.randrange(1, 30)):
            data[source.randrange(min(len(data), 200))] = source.randrange(256)
        try:
            program = parse_program(_reader(bytes(data)), in_full=True)
        except (ValueError, OverflowError, OSError):
            continue
        assert isinstance(program, Program)


def _reader(data: bytes) -> Callable[[int, int], bytes]:
    return lambda start, size: data[start : start + size]


def test_the_newest_glibc_that_a_program_needs_is_read() -> None:
    program = parse_program(_reader(Path("/bin/sh").resolve().read_bytes()), in_full=True)
    assert program.arch == str(NATIVE)
    assert program.glibc >= (2, 17)
    assert program.interpreter.startswith(b"/lib")


@pytest.mark.parametrize("value", [b"\xff\xfe", b"a" * 300, 'ä"\\\n'.encode(), b"\xed\xa0\x80"])
def test_any_bytes_make_json(value: bytes) -> None:
    text = show(value)
    loaded = json.loads(quote({"value": text, "list": [1, True]}))
    assert loaded["list"] == [1, True]
    assert len(loaded["value"]) <= 259


def test_of_equal_variables_the_first_that_is_not_empty_counts() -> None:
    entries = [b"A=", b"garbage", b"A=1=2", b"A=3", b"=x", b"B="]
    assert first_values(entries) == {b"A": b"1=2", b"": b"x"}


def test_nearest_names_come_in_order_and_unlike_ones_not_at_all() -> None:
    names = [b"bin/orders", b"bin/order-items", b"zebra"]
    assert nearest(b"bin/order", names)[0] == b"bin/orders"
    assert nearest(b"qqq", names) == []
