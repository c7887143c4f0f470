"""The report on standard error: after the one to the runtime API, and never a wait without end."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shim.arch import Arch
from tests.launcher.api import runtime_api
from tests.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.launcher.package import Package

PAGE = 4096
SECONDS = 60
"""After which a launcher counts as one that waits for ever."""

HOSTILE = {"_HANDLER": "\1" * 128, "LAMBDA_TASK_ROOT": "\1" * 250}
"""What makes the longest report: on arm64, where four paths are tried, more than a page."""

INCOMPLETE = b',"handlersIncomplete":true'
"""On a busy machine the package isn't always looked through to its end."""


@contextmanager
def pipe(pages: int = 1) -> Iterator[tuple[int, int]]:
    """The two ends of a pipe that holds so many pages."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, pages * PAGE)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def run(package: Package, stderr: int, **variables: str) -> int:
    """The exit status of the launcher with this standard error."""
    done = subprocess.run(
        package.command,
        env={"_HANDLER": "orders", "LAMBDA_TASK_ROOT": str(package.root), **variables},
        stderr=stderr,
        timeout=SECONDS,
        check=False,
    )
    package.assert_nothing_found()
    return done.returncode


def longest_line(package: Package) -> bytes:
    """What the launcher says where nothing hinders it."""
    outcome = package.start(variables=HOSTILE)
    assert outcome.status == 127
    assert len(outcome.errors) > (PAGE if package.arch is Arch.ARM64 else PAGE // 2)
    return outcome.errors


def test_a_full_pipe_holds_neither_the_exit_nor_the_report_up(package: Package) -> None:
    with runtime_api() as api, pipe() as (reader, writer):
        os.write(writer, b"x" * PAGE)
        status = run(package, writer, AWS_LAMBDA_RUNTIME_API=api.address)
        assert os.read(reader, 2 * PAGE) == b"x" * PAGE
    assert status == 127
    assert b"Runtime.HandlerNotFound" in api.requests[0]


def test_the_pipe_stays_as_it_was_for_all_that_hold_it(package: Package) -> None:
    with pipe() as (_, writer):
        before = fcntl.fcntl(writer, fcntl.F_GETFL)
        os.write(writer, b"x" * PAGE)
        run(package, writer)
        assert fcntl.fcntl(writer, fcntl.F_GETFL) == before


def test_a_pipe_that_takes_a_part_gets_no_more(package: Package) -> None:
    line = longest_line(package)
    with pipe() as (reader, writer):
        status = run(package, writer, **HOSTILE)
        received = os.read(reader, 2 * PAGE)
    assert received.replace(INCOMPLETE, b"") == line.replace(INCOMPLETE, b"")[:PAGE]
    assert status == 127


def test_a_line_longer_than_the_pipe_reaches_who_reads(package: Package) -> None:
    line = longest_line(package)
    received = bytearray()

    def read(reader: int) -> None:
        while not received.endswith(b"\n"):
            received.extend(os.read(reader, 100))

    with pipe() as (reader, writer):
        thread = threading.Thread(target=read, args=(reader,), daemon=True)
        thread.start()
        assert run(package, writer, **HOSTILE) == 127
        thread.join(SECONDS)
    assert received.replace(INCOMPLETE, b"") == line.replace(INCOMPLETE, b"")


def test_the_runtime_api_hears_it_first(native_package: Package) -> None:
    package = native_package.alone()
    strace = shutil.which("strace")
    require(strace is not None, "strace is not installed")
    log = package.root.with_name("calls")
    with runtime_api() as api:
        done = subprocess.run(
            [str(strace), "-o", str(log), "-e", "trace=connect,write,sendto", *package.command],
            env={"_HANDLER": "bootstrap", "AWS_LAMBDA_RUNTIME_API": api.address},
            capture_output=True,
            check=False,
        )
    calls = log.read_text().splitlines()
    said = [call for call in calls if call.startswith("write(2,")]
    assert done.returncode == 100
    assert calls[0].startswith("connect(")
    assert calls.index(said[0]) > 1, "the request is sent in between"
    assert len(api.requests) == 1
