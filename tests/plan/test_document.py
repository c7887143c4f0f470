"""A plan as JSON, and back: what it holds, and what hostile files get to hear."""

from __future__ import annotations

import json
import os
import zipfile
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shim.arch import Arch
from shim.check.verdicts import Verdicts
from shim.errors import InputError
from shim.package.packages import Packages, code_sha256
from shim.plan.alias import AliasPlan, find_alias_plan
from shim.plan.document import as_document
from shim.plan.plan import Plan
from shim.plan.saved import read_plan
from shim.plan.search import find_plan
from tests.plan.builders import AL2, dual, extension, single, state

if TYPE_CHECKING:
    from shim.package.read import Package

TODAY = date(2026, 11, 22)
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs/reference/plan.schema.json").read_text(encoding="utf-8")
)


class World:
    """Real zips in a folder, and plans over them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages = Packages()
        self.verdicts = Verdicts(day=TODAY)
        old = self.zip(single(Arch.X86_64, "old"), "old.zip")
        bridge = self.zip(dual("old", "new"), "bridge.zip")
        new = self.zip(dual("new"), "new.zip")
        layer = self.zip(extension(Arch.X86_64), "layer.zip")
        self.begin = state(old, handler="old", layers=(layer,), environment=(("A", "1"),))
        self.wanted = state(new, handler="new", arch=Arch.ARM64, environment=(("B", "ü"),))
        found = find_plan(
            self.begin, self.wanted, bridges=(bridge,), answer=self.verdicts.answer, day=TODAY
        )
        assert isinstance(found, Plan)
        self.plan = found
        self._text: str | None = None
        self.arns = {layer: "arn:aws:lambda:eu-west-1:1:layer:agent:3"}

    def zip(self, package: Package, name: str) -> Package:
        """The package, written and read back."""
        path = self.folder / name
        with zipfile.ZipFile(path, "w") as archive:
            for one in package.entries:
                info = zipfile.ZipInfo(one.name)
                info.external_attr = (one.kind | one.mode) << 16
                info.create_system = 3
                archive.writestr(info, one.read(0, one.size))
        return self.packages.read(path)

    def document(self) -> dict[str, Any]:
        """The plan as JSON."""
        if self._text is None:
            self._text = json.dumps(
                as_document(self.plan, verdicts=self.verdicts, day=TODAY, arns=self.arns)
            )
        document: dict[str, Any] = json.loads(self._text)
        return document

    def alias_plan(self) -> AliasPlan:
        """The same change for an alias."""
        found = find_alias_plan(
            self.begin,
            self.wanted,
            live=self.begin,
            alias="live",
            old_version="7",
            shares=(0.1,),
            code_sha256=code_sha256(self.wanted.package),
            answer=self.verdicts.answer,
            day=TODAY,
        )
        assert isinstance(found, AliasPlan)
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("packages"))


def test_a_plan_is_what_its_schema_says(world: World) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.check_schema(SCHEMA)
    validator.validate(world.document())
    document = as_document(world.alias_plan(), verdicts=world.verdicts, day=None)
    validator.validate(json.loads(json.dumps(document)))


def test_the_schema_knows_what_may_not_be_there(world: World) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for name in ("steps", "states", "naive", "wayBack", "packages"):
        document = world.document()
        document[name][0]["besides"] = 1
        assert not validator.is_valid(document), name


def test_a_plan_that_is_read_back_is_the_same_plan(world: World) -> None:
    saved = read_plan(json.dumps(world.document()), packages=world.packages)
    assert saved.plan == world.plan
    assert saved.day == TODAY
    assert saved.arns == world.arns


def test_an_aliass_plan_that_is_read_back_is_the_same_plan(world: World) -> None:
    plan = world.alias_plan()
    document = as_document(plan, verdicts=world.verdicts, day=None)
    saved = read_plan(json.dumps(document).encode(), packages=world.packages)
    assert saved.plan == plan
    assert saved.day is None


def test_layers_and_environment_that_are_emptied_are_not_left_as_they_are(world: World) -> None:
    wanted = replace(world.begin, layers=(), environment=())
    plan = find_plan(world.begin, wanted, answer=world.verdicts.answer, day=TODAY)
    assert isinstance(plan, Plan)
    document = as_document(plan, verdicts=world.verdicts, day=TODAY)
    assert document["steps"][0] == {
        "call": "UpdateFunctionConfiguration",
        "layers": [],
        "environment": {},
        "guardsAgainst": None,
    }
    assert read_plan(json.dumps(document), packages=world.packages).plan == plan


def test_each_step_says_what_it_guards_against(world: World) -> None:
    sentences = [step["guardsAgainst"] for step in world.document()["steps"]]
    assert [type(step).__name__ for step in world.plan.steps] == [
        "UpdateCode",
        "UpdateConfiguration",
        "UpdateCode",
    ]
    assert "UpdateFunctionConfiguration" in sentences[0]
    assert "does not start: Handler names `new`" in sentences[0]
    assert "new" in sentences[0]
    assert "UpdateFunctionCode" in sentences[1]
    assert sentences[2] is None


def test_the_naive_orders_are_shown_with_what_fails(world: World) -> None:
    naive = {one["order"]: one for one in world.document()["naive"]}
    code_first = naive["code first"]["states"][0]
    assert code_first["answer"] == "doesn't start"
    assert any(one["severity"] == "error" for one in code_first["findings"])


def test_the_way_back_says_what_the_dates_bar(world: World) -> None:
    begin = replace(world.wanted, runtime=state(world.wanted.package, runtime=AL2).runtime)
    plan = find_plan(begin, world.wanted, answer=world.verdicts.answer, day=date(2027, 2, 2))
    assert isinstance(plan, Plan)
    document = as_document(plan, verdicts=world.verdicts, day=date(2027, 2, 2))
    assert [one["refusal"] for one in document["wayBack"]] == [
        "no function can be moved to provided.al2 since 2027-02-01"
    ]


def test_a_package_that_changed_since_is_refused(world: World, tmp_path: Path) -> None:
    document = world.document()
    other = World(tmp_path)
    path = Path(document["packages"][0]["path"])
    document["packages"][0]["path"] = str(other.folder / "new.zip")
    with pytest.raises(InputError, match=r"packages\[0\]\.sha256: the package has changed"):
        read_plan(json.dumps(document))
    assert path.exists()


def test_a_named_pipe_is_no_package(world: World, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    document = world.document()
    document["packages"][1]["path"] = str(tmp_path / "pipe")
    with pytest.raises(InputError, match=r"packages\[1\]\.path: this is neither a zip"):
        read_plan(json.dumps(document))


def put(document: dict[str, Any], value: object, *path: str | int) -> str:
    inside: Any = document
    for part in path[:-1]:
        inside = inside[part]
    inside[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("format",), 2, "another format than 1: `format`"),
        (("format",), True, "not a whole number: `format`"),
        (("day",), "tomorrow", "not a day such as 2026-11-22: `day`"),
        (("besides",), 1, "unknown name 'besides': `the whole document`"),
        (("packages",), {}, "not a list: `packages`"),
        (("packages", 0, "path"), "/no/such/file", "packages[0].path: can't read the package"),
        (("packages", 0, "path"), "a\0b", "NUL character in it: `packages[0].path`"),
        (("packages", 0, "path"), "", "packages[0].path"),
        (("packages", 0, "path"), "a" * 5000, "packages[0].path: "),
        (("packages", 1, "sha256"), 7, "not a text: `packages[1].sha256`"),
        (("begin",), [], "not an object: `begin`"),
        (
            ("begin", "architecture"),
            "sparc",
            "but 'sparc': `begin.architecture`",
        ),
        (("begin", "runtime"), "nodejs20.x", "not an OS-only runtime, one of"),
        (("begin", "package"), -1, "no package of this number, there are 4: `begin.package`"),
        (("begin", "layers", 0), 4, "no package of this number, there are 4: `begin.layers[0]`"),
        (("begin", "layers", 0), False, "not a whole number: `begin.layers[0]`"),
        (("begin", "environment", "A"), None, "not a text: `begin.environment.A`"),
        (("begin", "handlr"), "a", "unknown name 'handlr': `begin`"),
        (("steps", 0, "call"), "DeleteFunction", "no such call, one of UpdateFunctionCode"),
        (("steps", 0, "handler"), "a", "unknown name 'handler': `steps[0]`"),
        (("steps", 2, "architecture"), "ARM", "not one of x86_64, arm64, but 'ARM': `steps[2]."),
        (("steps", 1), {"call": "UpdateFunctionConfiguration"}, "changes nothing: `steps[1]`"),
        (("steps", 1), {}, "missing: `steps[1].call`"),
        (("steps", 0), {"call": "Invoke"}, "after its version is published: `steps[1].call`"),
        (
            ("steps", 2),
            {"call": "UpdateAlias", "alias": "a", "oldVersion": "1", "share": 10**400},
            "not a number: `steps[2].share`",
        ),
        (
            ("steps", 2),
            {"call": "UpdateAlias", "alias": "a", "oldVersion": "1", "share": 2},
            "over 0 and at most 1: `steps[2].share`",
        ),
    ],
)
def test_a_broken_plan_is_refused_with_the_path(
    world: World, path: tuple[str | int, ...], value: object, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_plan(put(world.document(), value, *path), packages=world.packages)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        (b"\xff\xfe{", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"format": 1, "format": 1}', "a name twice: 'format'"),
        ('{"format": NaN}', "a number can't be NaN"),
        ("1" * 5000, "not JSON"),
        ("[]", "not an object: `the whole document`"),
        ("{}", "missing: `format`"),
    ],
)
def test_what_is_no_plan_at_all_is_refused(text: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_plan(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path of a document that is read back."""
    parts: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    if isinstance(value, list):
        parts = list(enumerate(value))
    found = [(*path, key) for key, _ in parts]
    return found + [more for key, inner in parts for more in paths(inner, (*path, key))]


@settings(max_examples=400)
@given(data=st.data(), value=JSON)
def test_whatever_stands_in_a_plan_it_is_read_or_refused(
    world: World, data: st.DataObject, value: object
) -> None:
    document = world.document()
    read = {name: document[name] for name in ("format", "day", "packages", "begin", "steps")}
    path = data.draw(st.sampled_from(paths(read)))
    try:
        saved = read_plan(put(read, value, *path), packages=world.packages)
    except InputError:
        return
    assert isinstance(saved.plan, Plan)
    assert all(saved.plan.states)


@settings(max_examples=200)
@given(cut=st.integers(min_value=0, max_value=10**6), byte=st.binary(max_size=3))
def test_a_plan_with_bytes_changed_is_read_or_refused(world: World, cut: int, byte: bytes) -> None:
    text = json.dumps(world.document()).encode()
    at = cut % len(text)
    with suppress(InputError):
        read_plan(text[:at] + byte + text[at + 1 :], packages=world.packages)
