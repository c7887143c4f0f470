"""Hostile input: whatever words and variables come, the end is an exec or a documented status."""

from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from tests.launcher.start import PROBE_STATUS, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.launcher.conftest import Package

STARTS = int(os.environ.get("SHIM_HOSTILE_STARTS", "20000"))
"""Random starts of the native launcher; the emulated one gets a tenth of them."""

SEED = int(os.environ.get("SHIM_HOSTILE_SEED", "0")) or random.SystemRandom().getrandbits(32)

FAILURES = {100, 126, 127}
NAMES = [b"_HANDLER", b"LAMBDA_TASK_ROOT", b"AWS_LAMBDA_EXEC_WRAPPER", b"AWS_LAMBDA_RUNTIME_API"]
CLOSED = b"127.0.0.1:1"
"""A port of this machine where nobody listens."""


def _bytes(random: random.Random, longest: int) -> bytes:
    size = random.choice([0, 1, 2, 3, 8, 127, 128, 129, 255, 256, 257, longest])
    unit = random.choice([b"/", b".", b"../", b"a/", b"\xe2\x82", b"\xff", b'"', b"=", None])
    if unit is None:
        return random.randbytes(min(size, 5000)).replace(b"\0", b"=")
    characters = "".join(random.choices("Aé€𝄞/", k=8)).encode()
    return ((unit if random.random() < 0.7 else characters) * size)[:longest]


def _value(package: Package, random: random.Random) -> bytes:
    if random.random() < 0.2:
        return _bytes(random, random.choice([5000, 5000, 5000, 100_000]))
    root = os.fsencode(package.root)
    return random.choice(
        [
            *(b"", b"orders", b"bin/orders", b"./orders", b"script", b"locked", b"missing"),
            *(b"bootstrap", b"orders_arm64", b"garbage", CLOSED, b"127.0.0.1"),
            *(root, root + b"/orders", root + b"/bootstrap"),
        ]
    )


def _variable(package: Package, random: random.Random) -> bytes:
    if random.random() < 0.1:
        return _bytes(random, 5000)
    name = random.choice([*NAMES, *NAMES, b"_HANDLE", b"_HANDLERS", b"", b"PATH"])
    equals = random.choice([b"=", b"=", b"=", b"=", b"", b"=="])
    return name + equals + _value(package, random)


def _fill(package: Package) -> None:
    package.add("orders")
    package.add("bin/orders")
    package.add("script", b"#!/bin/sh\nexit 42\n")
    package.add("locked", mode=0o644)
    package.add("garbage", b"\x7fELF garbage")


def _storm(package: Package, starts: int) -> dict[int, int]:
    _fill(package)
    if package.flavour == "full":
        starts //= 20  # its failures start Python and look through the package
    random_ = random.Random(SEED)
    ends: dict[int, int] = {}
    root = b"LAMBDA_TASK_ROOT=" + os.fsencode(package.root)
    known = [[b"_HANDLER=" + name, root] for name in (b"orders", b"", b"missing", b"locked")]
    for number in range(starts):
        variables = [
            _variable(package, random_) for _ in range(random_.choice([0, 1, 2, 4, 8, 60]))
        ]
        if random_.random() < 0.3:
            at = random_.randrange(len(variables) + 1)
            variables[at:at] = known[0]
        if number < len(known):  # one of each end, so that a few starts show all of them
            variables = known[number]
        words = [_bytes(random_, 300) for _ in range(random_.choice([0, 1, 1, 2, 5, 200]))]
        outcome = start(package.bootstrap, words, variables)
        ends[outcome.status] = ends.get(outcome.status, 0) + 1
        case = f"start {number} of seed {SEED}: {words!r:.300} {variables!r:.3000}"
        assert outcome.status in {PROBE_STATUS, *FAILURES}, f"{outcome.status} in {case}"
        if outcome.status != PROBE_STATUS:
            report = json.loads(outcome.errors)
            assert report["errorType"].startswith("Runtime."), case
            assert outcome.errors.count(b"\n") == 1, case
    return ends


def test_no_start_ends_in_a_signal_or_an_unknown_status(
    make_package: Callable[[Arch], Package], record_property: Callable[[str, object], None]
) -> None:
    native = Arch.from_machine(os.uname().machine)
    assert native is not None
    ends = _storm(make_package(native), STARTS)
    record_property("ends", ends)
    assert {PROBE_STATUS, *FAILURES} == set(ends)


def test_nor_does_one_of_the_other_architecture(
    make_package: Callable[[Arch], Package],
) -> None:
    native = Arch.from_machine(os.uname().machine)
    (other,) = {*Arch} - {native}
    ends = _storm(make_package(other), STARTS // 10)
    assert {PROBE_STATUS, *FAILURES} == set(ends)


@pytest.mark.parametrize("count", [0, 1, 5_000])
def test_an_enormous_environment_is_passed_on(package: Package, count: int) -> None:
    package.add("orders")
    variables = [b"V%d=%s" % (number, b"x" * 20) for number in range(count)]
    needed = [b"_HANDLER=orders", b"LAMBDA_TASK_ROOT=" + os.fsencode(package.root)]
    outcome = start(package.bootstrap, [b"bootstrap"], [*variables, *needed])
    assert outcome.status == PROBE_STATUS
    assert len(outcome.probe[2]) == count + 2


def test_an_argv_of_many_words_is_passed_on(package: Package) -> None:
    package.add("orders")
    words = [b"bootstrap", *(b"%d" % number for number in range(50_000))]
    variables = [b"_HANDLER=orders", b"LAMBDA_TASK_ROOT=" + os.fsencode(package.root)]
    _, seen, _ = start(package.bootstrap, words, variables).probe
    assert seen[1:] == words[1:]
