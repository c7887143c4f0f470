"""A scan says what is known of each function, and what fails for one stops no other."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

import pytest

from shim.aws.account import Caller, CallerKind
from shim.aws.api import LATEST, Denied, Throttled
from shim.check.runtimes import read_runtimes
from shim.check.verdict import Answer
from shim.package.read import read_package
from shim.scan.facts import Choice
from shim.scan.store import Store
from shim.scan.summary import Standing, standing
from shim.scan.wanted import Wanted
from tests.check.builders import launcher
from tests.plan.builders import zipped
from tests.scan.conftest import ON_ARM64
from tests.scan.memory import ARN

if TYPE_CHECKING:
    from tests.scan.conftest import House

AL2023 = Wanted(runtime=read_runtimes()["provided.al2023"], arch=None)

STANDINGS = {
    "launcher": (Standing.READY, Standing.FAILS),
    "launcher-arm64": (Standing.READY, Standing.READY),
    "dual": (Standing.READY, Standing.READY),
    "dual-al2023": (Standing.THERE, Standing.READY),
    "go": (Standing.FAILS, Standing.FAILS),
    "native": (Standing.READY, Standing.FAILS),
    "native-arm64": (Standing.READY, Standing.READY),
    "musl": (Standing.FAILS, Standing.FAILS),
    "script": (Standing.READY, Standing.FAILS),
    "script-by-machine": (Standing.READY, Standing.READY),
    "script-crlf": (Standing.FAILS, Standing.FAILS),
    "script-unknown": (Standing.UNKNOWN, Standing.UNKNOWN),
    "python": (Standing.FAILS, Standing.FAILS),
    "agent-x86_64": (Standing.READY, Standing.FAILS),
    "agent-both": (Standing.READY, Standing.READY),
}
"""On `provided.al2023` as it is, and on arm64."""


def test_functions_of_every_kind_stand_where_their_packages_say(house: House) -> None:
    for name in STANDINGS:
        house.create(name)
    scan = house.scan(AL2023, ON_ARM64)
    found = {one.facts.listed.name: tuple(map(standing, one.outlooks)) for one in scan.functions}
    assert found == STANDINGS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("launcher", ["orders for arm64"]),
        ("native", ["bootstrap for arm64"]),
        ("agent-x86_64", ["agent-x86_64-layer:1!/extensions/agent for arm64"]),
        ("dual", []),
        ("go", ["orders for arm64", "bootstrap with `shim pack`, or a layer of `shim layer`"]),
    ],
)
def test_what_has_to_be_built_anew_is_named(house: House, name: str, expected: list[str]) -> None:
    house.create(name)
    anew = house.outlook(name).anew
    assert [f"{one.path} {one.purpose}" for one in anew] == expected


def test_a_function_without_bootstrap_gets_the_launchers_layer(house: House) -> None:
    for name in ("go", "go-with-bootstrap", "dual"):
        house.create(name)
    layer = zipped(house.zips / "launcher.zip", {"bootstrap": launcher()})
    wanted = dataclasses.replace(AL2023, launcher=read_package(layer))
    found = {one.facts.listed.name: one.outlooks[0] for one in house.scan(wanted).functions}
    assert found["go"].calls == ("configuration (runtime, layers)",)
    assert found["go"].way == "1 call, with the launcher's layer"
    assert [name for name, outlook in found.items() if outlook.with_launcher] == ["go"]


def test_a_package_is_downloaded_once_whatever_the_number_of_functions(house: House) -> None:
    for number in range(30):
        house.create(f"orders{number}", "agent-both")
    scan = house.scan()
    assert {one.outlooks[0].answer for one in scan.functions} == {Answer.STARTS}
    assert set(house.account.storage.asked.values()) == {1}
    assert house.account.calls["GetLayerVersionByArn"] == 1
    house.scan()
    assert set(house.account.storage.asked.values()) == {1}


def test_an_expired_link_is_asked_for_again(house: House) -> None:
    house.create("dual")
    (digest,) = house.account.storage.zips
    house.account.storage.refused[digest] = 1
    assert house.outlook("dual").answer is Answer.STARTS
    assert house.account.calls["GetFunction"] == 2
    assert house.account.storage.asked[digest] == 2


def test_a_package_that_cannot_be_had_stops_no_other(house: House) -> None:
    house.create("dual")
    house.create("launcher-arm64")
    digest = next(iter(house.account.storage.zips))
    house.account.storage.refused[digest] = 100
    scan = house.scan()
    gone, fine = (one.outlooks[0] for one in scan.functions)
    assert (gone.answer, fine.answer) == (Answer.UNKNOWN, Answer.STARTS)
    assert gone.against[0].code == "not-read"
    assert "can't be downloaded" in gone.against[0].message


def test_one_function_that_gives_the_package_is_enough(house: House) -> None:
    for name in ("first", "second"):
        house.create(name, "dual")
    first = ARN.format("function", "first")
    described = house.account.known[first]
    house.account.known[first] = dataclasses.replace(described, link=None, problem="encrypted")
    scan = house.scan()
    assert {one.outlooks[0].answer for one in scan.functions} == {Answer.STARTS}


def test_a_function_that_may_not_be_read_is_unknown_and_listed(house: House) -> None:
    house.create("dual")
    arn = ARN.format("function", "dual")
    house.account.failing["GetFunction", arn] = Denied(
        "not authorized to perform: lambda:GetFunction", action="lambda:GetFunction"
    )
    (one,) = house.scan().functions
    assert one.facts.problems == ("not permitted: lambda:GetFunction",)
    assert one.outlooks[0].answer is Answer.UNKNOWN


def test_layers_that_are_not_at_hand_leave_it_open(house: House) -> None:
    house.create("agent-both")
    house.account.links.clear()
    outlook = house.outlook("agent-both")
    assert outlook.answer is Answer.UNKNOWN
    assert [one.code for one in outlook.against] == ["layers-absent", "not-read"]
    assert outlook.against[1].message == "no such layer"


def test_who_invokes_a_function_is_told_with_the_qualifier(house: House) -> None:
    house.create("dual")
    callers = tuple(
        Caller(kind=CallerKind.PERMISSION, who="s3.amazonaws.com", qualifier=qualifier)
        for qualifier in ("live", LATEST)
    )
    house.account.callers[ARN.format("function", "dual")] = callers
    (one,) = house.scan(asks_callers=True).functions
    assert set(one.facts.callers or ()) == set(callers)
    (one,) = house.scan(asks_callers=False).functions
    assert one.facts.callers is None


def test_an_alias_on_a_published_version_is_named_as_not_judged(house: House) -> None:
    house.create("dual")
    (one,) = house.scan(asks_callers=True).functions
    assert one.facts.problems == ()
    house.account.live_version = "3"
    (one,) = house.scan(asks_callers=True).functions
    (problem,) = one.facts.problems
    assert problem.startswith("not judged: the published versions that its aliases are on")


def test_callers_that_are_not_all_known_are_not_known(house: House) -> None:
    house.create("dual")
    function = ARN.format("function", "dual")
    house.account.failing["ListFunctionUrlConfigs", function] = Throttled("Rate exceeded")
    (one,) = house.scan(asks_callers=True).functions
    assert one.facts.callers is None
    assert one.facts.problems == ("who invokes it is not known: Rate exceeded",)
    assert one.outlooks[0].answer is Answer.STARTS


STACK = {"aws:cloudformation:stack-name": "shop", "lambda:createdBy": "SAM"}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(), ["bills", "orders-a", "orders-b"]),
        (Choice(names=("orders-*",)), ["orders-a", "orders-b"]),
        (Choice(names=("*-a", "bills")), ["bills", "orders-a"]),
        (Choice(tags=(("team", None),)), ["bills", "orders-a"]),
        (Choice(tags=(("team", "shop"),)), ["orders-a"]),
        (Choice(owner="sam"), ["orders-b"]),
        (Choice(owner="shop"), ["orders-b"]),
        (Choice(owner="SAM shop"), ["orders-b"]),
        (Choice(owner="Terraform"), []),
    ],
)
def test_functions_are_chosen(house: House, choice: Choice, expected: list[str]) -> None:
    house.create("bills", "dual", team="bills")
    house.create("orders-a", "dual", team="shop")
    house.create("orders-b", "dual", **STACK)
    scan = house.scan(choice=choice)
    assert [one.facts.listed.name for one in scan.functions] == expected


def test_what_was_known_before_an_interruption_is_a_result(house: House) -> None:
    for name in ("dual", "launcher-arm64"):
        house.create(name)
    failing = house.account.failing
    failing["GetFunction", ARN.format("function", "launcher-arm64")] = KeyboardInterrupt()
    scanner = house.scanner()
    with pytest.raises(KeyboardInterrupt):
        scanner.scan_account(house.account, asks_callers=False)
    scan = scanner.result(is_complete=False)
    assert {one.outlooks[0].against[0].code for one in scan.functions} == {"not-read"}
    failing.clear()
    assert all(one.outlooks[0].goes for one in house.scan().functions)


def test_what_was_downloaded_before_an_interruption_stays(house: House) -> None:
    for name in ("dual", "agent-both"):
        house.create(name)
    (layer,) = house.account.links
    house.account.failing["GetLayerVersionByArn", layer] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        house.scan()
    house.account.failing.clear()
    assert all(one.outlooks[0].goes for one in house.scan().functions)
    assert set(house.account.storage.asked.values()) == {1}


def test_a_permission_that_has_run_out_is_no_missing_one(house: House) -> None:
    house.create("dual")
    arn = ARN.format("function", "dual")
    expired = Denied("GetFunction: ExpiredTokenException: expired", action="lambda:GetFunction")
    house.account.failing["GetFunction", arn] = expired
    (one,) = house.scan().functions
    assert one.facts.problems == ("GetFunction: ExpiredTokenException: expired",)


def test_what_was_not_used_for_longest_makes_room(house: House) -> None:
    names = ("dual", "launcher", "native")
    for name in names:
        house.create(name)
    house.scan()
    paths = [house.store.path(one.listed.code_sha256) for one in house.account.known.values()]
    for age, path in enumerate(paths):
        os.utime(path, (1000 - age, 1000 - age))
    room = Store(house.store.folder, limit=sum(path.stat().st_size for path in paths) - 1)
    room.trim([paths[2]])
    assert [path.exists() for path in paths] == [True, False, True]
