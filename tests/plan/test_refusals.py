"""What the API refuses: each sentence, and what it takes."""

from __future__ import annotations

from datetime import date

import pytest

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.package.contents import MemoryContent
from shim.package.read import Entry, Package
from shim.plan.refusals import refusal
from shim.plan.step import Step, UpdateCode, UpdateConfiguration
from tests.check.builders import entry, package
from tests.plan.builders import AL2, AL2023, GO, bare, dual, layer, state

TODAY = date(2026, 11, 22)
BLOCKED = date(2027, 3, 3)
RUNTIMES = read_runtimes()
CODE = dual("orders")
LARGE = package(
    Entry(name="a", kind=0o100000, mode=0o644, size=200 << 20, content=MemoryContent(data=b"")),
    path="large.zip",
)


def to(code: Package = CODE, arch: Arch = Arch.X86_64) -> UpdateCode:
    return UpdateCode(package=code, arch=arch)


def test_the_code_call_is_held_against_the_runtime_of_now() -> None:
    begin = state(bare("orders"), runtime=GO)
    assert (
        refusal(begin, to(arch=Arch.ARM64), day=TODAY)
        == "go1.x does not support arm64, only x86_64"
    )
    assert refusal(begin, to(), day=TODAY) is None


def test_the_configuration_call_is_held_against_the_architecture_of_now() -> None:
    step = UpdateConfiguration(runtime=RUNTIMES[GO])
    begin = state(CODE, arch=Arch.ARM64)
    assert refusal(begin, step, day=None) == "go1.x does not support arm64, only x86_64"
    assert refusal(state(CODE), step, day=None) is None


@pytest.mark.parametrize(
    "step", [to(), UpdateConfiguration(handler="a"), UpdateConfiguration(runtime=RUNTIMES[AL2])]
)
def test_once_updates_are_blocked_only_leaving_the_runtime_is_taken(step: Step) -> None:
    begin = state(CODE, runtime=AL2)
    assert refusal(begin, step, day=TODAY) is None
    said = refusal(begin, step, day=BLOCKED)
    assert said
    assert said.startswith("functions on provided.al2 can't be updated since 2027-03-03")
    leave = UpdateConfiguration(runtime=RUNTIMES[AL2023], handler="a")
    assert refusal(begin, leave, day=BLOCKED) is None


def test_a_runtime_that_nothing_may_be_created_with_can_not_be_moved_to() -> None:
    step = UpdateConfiguration(runtime=RUNTIMES[AL2])
    assert refusal(state(CODE), step, day=date(2027, 1, 31)) is None
    said = refusal(state(CODE), step, day=date(2027, 2, 1))
    assert said == "no function can be moved to provided.al2 since 2027-02-01"
    assert refusal(state(CODE, runtime=AL2), step, day=date(2027, 2, 1)) is None


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (UpdateConfiguration(), "the call changes nothing"),
        (UpdateConfiguration(handler="a b"), "it has white space in it"),
        (UpdateConfiguration(handler=""), "it is empty"),
        (UpdateConfiguration(handler="a" * 129), "it has 129 characters"),
        (UpdateConfiguration(layers=(layer(),) * 6), "there are 6 layers, Lambda takes 5"),
        (UpdateConfiguration(layers=(LARGE, LARGE)), "unpack to 400.0 MB, Lambda takes 250.0 MB"),
        (UpdateConfiguration(environment=(("A", "b" * 4089),)), "4,097 bytes, Lambda takes 4,096"),
    ],
)
def test_values_that_lambda_does_not_take_are_refused(step: Step, said: str) -> None:
    assert said in (refusal(state(CODE), step, day=TODAY) or "")


@pytest.mark.parametrize(
    "step",
    [
        UpdateConfiguration(handler="a" * 128),
        UpdateConfiguration(layers=(layer(),) * 5),
        UpdateConfiguration(layers=(LARGE,)),
        UpdateConfiguration(environment=(("A", "b" * 4088),)),
        UpdateConfiguration(environment=()),
        UpdateConfiguration(runtime=RUNTIMES[AL2023]),
    ],
)
def test_values_at_the_limit_are_taken(step: Step) -> None:
    assert refusal(state(CODE), step, day=TODAY) is None


def test_the_code_call_is_held_against_the_size_of_the_layers_too() -> None:
    begin = state(package(entry("a")), layers=(LARGE,))
    assert "unpack to 400.0 MB" in (refusal(begin, to(LARGE), day=TODAY) or "")
    assert refusal(state(CODE), to(LARGE), day=TODAY) is None
