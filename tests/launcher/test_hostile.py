"""Hostile input: whatever words and variables come, the end is an exec or a documented status."""

from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.launcher.api import report_request, runtime_api
from tests.launcher.package import OTHER, PATTERNED
from tests.launcher.start import PROBE_STATUS
from tests.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from shim.arch import Arch
    from tests.launcher.api import Api
    from tests.launcher.package import Package
    from tests.launcher.start import Outcome

STARTS = int(os.environ.get("SHIM_HOSTILE_STARTS", "20000"))
"""Random starts of the native launcher; the emulated one gets a tenth of them."""

SEED = int(os.environ.get("SHIM_HOSTILE_SEED", "0")) or random.SystemRandom().getrandbits(32)

FAILURES = {100, 126, 127}
API = b"AWS_LAMBDA_RUNTIME_API"
NAMES = [b"_HANDLER", b"LAMBDA_TASK_ROOT", b"AWS_LAMBDA_EXEC_WRAPPER", API]
CLOSED = b"127.0.0.1:1"
"""A port of this machine where nobody listens."""

SPELLINGS = (
    "{}",
    "{}",
    "{}",
    "0{}",
    "{}0",
    "{}:",
    "{} ",
    "{}/",
    "\n{}",
    "x{}",
    "{}\xff",
    ".{}",
    "-{}",
)
"""Forms of the address at which somebody listens; all but itself are none."""


def _bytes(random: random.Random, longest: int) -> bytes:
    size = random.choice([0, 1, 2, 3, 8, 127, 128, 129, 255, 256, 257, longest])
    unit = random.choice([b"/", b".", b"../", b"a/", b"\xe2\x82", b"\xff", b'"', b"=", None])
    if unit is None:
        return random.randbytes(min(size, 5000)).replace(b"\0", b"=")
    characters = "".join(random.choices("Aé€𝄞/", k=8)).encode()
    return ((unit if random.random() < 0.7 else characters) * size)[:longest]


def _value(package: Package, api: str, random: random.Random) -> bytes:
    if random.random() < 0.2:
        return _bytes(random, random.choice([5000, 5000, 5000, 100_000]))
    root = os.fsencode(package.root)
    return random.choice(
        [
            *(b"", b"orders", b"bin/orders", b"./orders", b"script", b"locked", b"missing"),
            *(b"bootstrap", b"orders_arm64", b"garbage", CLOSED, b"127.0.0.1"),
            *(root, root + b"/orders", root + b"/bootstrap"),
            random.choice(SPELLINGS).format(api).encode("latin-1"),
        ]
    )


def _variable(package: Package, api: str, random: random.Random) -> bytes:
    if random.random() < 0.1:
        return _bytes(random, 5000)
    name = random.choice([*NAMES, *NAMES, b"_HANDLE", b"_HANDLERS", b"", b"PATH"])
    equals = random.choice([b"=", b"=", b"=", b"=", b"", b"=="])
    if name == API and random.random() < 0.7:
        return API + b"=" + random.choice(SPELLINGS).format(api).encode("latin-1")
    return name + equals + _value(package, api, random)


def _fill(package: Package) -> None:
    package.add("orders")
    package.add("bin/orders")
    package.add("script", b"#!/bin/sh\nexit 42\n")
    package.add("locked", mode=0o644)
    package.add("garbage", b"\x7fELF garbage")


def _storm(package: Package, starts: int) -> dict[int, int]:
    _fill(package)
    if package.build != "lean":
        # A failure starts Python and looks through the package, or memcheck; one of each end.
        starts = max(starts // 20, 4)
    random_ = random.Random(SEED)
    ends: dict[int, int] = {}
    with runtime_api() as api:
        for number in range(starts):
            words, variables = _case(package, api.address, random_, number=number)
            outcome = package.start_with(words, variables)
            ends[outcome.status] = ends.get(outcome.status, 0) + 1
            case = f"start {number} of seed {SEED}: {words!r:.300} {variables!r:.3000}"
            assert outcome.status in {PROBE_STATUS, *FAILURES}, f"{outcome.status} in {case}"
            if outcome.status != PROBE_STATUS:
                report = json.loads(outcome.errors)
                assert report["errorType"].startswith("Runtime."), case
                assert outcome.errors.count(b"\n") == 1, case
                assert_told(api, _address(variables, package.arch), outcome, case=case)
            assert api.requests == [], case
    return ends


def _case(
    package: Package, api: str, random: random.Random, *, number: int
) -> tuple[list[bytes], list[bytes]]:
    """Words and variables of a start; the first ones show one of each end."""
    root = b"LAMBDA_TASK_ROOT=" + os.fsencode(package.root)
    known = [[b"_HANDLER=" + name, root] for name in (b"orders", b"", b"missing", b"locked")]
    count = random.choice([0, 1, 2, 4, 8, 60])
    variables = [_variable(package, api, random) for _ in range(count)]
    if random.random() < 0.3:
        at = random.randrange(len(variables) + 1)
        variables[at:at] = known[0]
    if number < len(known):
        variables = known[number]
    words = [_bytes(random, 300) for _ in range(random.choice([0, 1, 1, 2, 5, 200]))]
    return words, variables


def assert_told(api: Api, address: bytes, outcome: Outcome, *, case: str) -> None:
    """The API got all of the report where the launcher read its address, elsewhere nothing."""
    if address == api.address.encode():
        wait_until(lambda: bool(api.requests), seconds=60)
        kind = json.loads(outcome.errors)["errorType"]
        assert api.requests.pop() == report_request(api.address, kind, outcome.errors), case


def _address(variables: list[bytes], arch: Arch) -> bytes:
    """The address that a launcher reads: the first that isn't empty.

    qemu's user emulation hands on one variable of a name, the last (`envlist_setenv`).
    """
    given = [text.partition(b"=")[2] for text in variables if text.startswith(API + b"=")]
    if arch is OTHER:
        given = given[-1:]
    return next(filter(None, given), b"")


def test_no_start_ends_in_a_signal_or_an_unknown_status(
    native_package: Package, record_property: Callable[[str, object], None]
) -> None:
    ends = _storm(native_package, STARTS)
    record_property("ends", ends)
    assert {PROBE_STATUS, *FAILURES} == set(ends)


@pytest.mark.parametrize("build", ["lean", "full", PATTERNED])
def test_nor_does_one_of_the_other_architecture(
    make_package: Callable[[str, Arch], Package], build: str
) -> None:
    ends = _storm(make_package(build, OTHER), STARTS // 10)
    assert {PROBE_STATUS, *FAILURES} == set(ends)


@pytest.mark.parametrize("count", [0, 1, 5_000])
def test_an_enormous_environment_is_passed_on(package: Package, count: int) -> None:
    package.add("orders")
    variables = [b"V%d=%s" % (number, b"x" * 20) for number in range(count)]
    needed = [b"_HANDLER=orders", b"LAMBDA_TASK_ROOT=" + os.fsencode(package.root)]
    outcome = package.start_with([b"bootstrap"], [*variables, *needed])
    assert outcome.status == PROBE_STATUS
    assert len(outcome.probe[2]) == count + 2


def test_an_argv_of_many_words_is_passed_on(package: Package) -> None:
    package.add("orders")
    words = [b"bootstrap", *(b"%d" % number for number in range(50_000))]
    variables = [b"_HANDLER=orders", b"LAMBDA_TASK_ROOT=" + os.fsencode(package.root)]
    _, seen, _ = package.start_with(words, variables).probe
    assert seen[1:] == words[1:]
