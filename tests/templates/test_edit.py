"""What is written into a template: the one value, and nothing else of its text."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shim.errors import InputError
from shim.templates.edit import REMOVED, Edit, edited
from shim.templates.source import read_source

TEXT = """\
# Orders
Resources:
  F: # the function
    Type: 'AWS::Lambda::Function'
    Properties:
      Handler: "bin/orders"   # its program

      Code: |
        a
        b
      Layers:
        - !Ref One
        # the other
        - !GetAtt Two.Arn
      Tags: {a: b, c: [d, e]}
      Target:
        Fn::GetAtt:
          - F
          - Arn
"""
F = ("Resources", "F", "Properties")


def write(text: str, *edits: tuple[tuple[str | int, ...], Any]) -> str:
    whole = [Edit(path=path, value=value) for path, value in edits]
    return edited("t.yaml", text.encode(), whole).decode()


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        ((*F, "Handler"), "x", '"bin/orders"', '"x"'),
        (("Resources", "F", "Type"), "it's", "'AWS::Lambda::Function'", "'it''s'"),
        ((*F, "Layers", 0), {"Ref": "Three"}, "!Ref One", "!Ref Three"),
        ((*F, "Layers", 1), {"Fn::Sub": "${A}"}, "!GetAtt Two.Arn", "!Sub '${A}'"),
        ((*F, "Tags", "c", 1), "yes", "[d, e]", "[d, 'yes']"),
        ((*F, "Tags", "z"), [1, True], "[d, e]}", "[d, e], z: [1, true]}"),
        ((*F, "Target"), {"Ref": "L"}, "\n        Fn::GetAtt:\n          - F\n          - Arn",
         " !Ref L"),
        ((*F, "Target"), {"Fn::Select": [0, {"Fn::Split": [",", "a"]}]},
         "\n        Fn::GetAtt:\n          - F\n          - Arn",
         " !Select [0, !Split [',', a]]"),
        ((*F, "New"), "live", "[d, e]}", "[d, e]}\n      New: live"),
        (("Resources", "F", "New"), True, "Function'", "Function'\n    New: true"),
        (("Resources", "New"), {"Type": "x", "a": {"Fn::Base64": {"Fn::Sub": "b"}}},
         "          - Arn\n", "          - Arn\n  New: {Type: x, a: {'Fn::Base64': !Sub b}}\n"),
        ((*F, "Handler"), REMOVED, '      Handler: "bin/orders"   # its program\n', ""),
        ((*F, "Layers", 0), REMOVED, "        - !Ref One\n", ""),
        ((*F, "Layers", 1), REMOVED, "        - !GetAtt Two.Arn\n", ""),
        ((*F, "Tags", "a"), REMOVED, "a: b, ", ""),
        ((*F, "Tags", "c"), REMOVED, ", c: [d, e]", ""),
        ((*F, "Tags", "c", 0), REMOVED, "d, ", ""),
        ((*F, "Target"), REMOVED,
         "      Target:\n        Fn::GetAtt:\n          - F\n          - Arn\n", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_one_value_is_written(
    path: tuple[str | int, ...], value: Any, old: str, new: str, line_end: str
) -> None:
    before, after = (one.replace("\n", line_end) for one in (TEXT, TEXT.replace(old, new)))
    assert TEXT.count(old) == 1
    assert write(before, (path, value)) == after
    # And without the end of the last line.
    if value is not REMOVED:
        assert write(before.removesuffix(line_end), (path, value)) == after.removesuffix(line_end)


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ('{"a": {"b": "c"}}', ("a", "b"), {"Ref": "d"}, '{"a": {"b": {"Ref": "d"}}}'),
        ('{"a": {"b": "c"}}', ("a", "d"), True, '{"a": {"b": "c", "d": true}}'),
        ('{\n  "a": {\n    "b": "c"\n  }\n}\n', ("a", "d"), ["x"],
         '{\n  "a": {\n    "b": "c",\n    "d": ["x"]\n  }\n}\n'),
        ('{"a": ["x", "y"]}', ("a", 1), REMOVED, '{"a": ["x"]}'),
        ("a:\nb: 1\n", ("a",), "x", "a: x\nb: 1\n"),
        ("a:\nb: 1", ("c",), "x", "a:\nb: 1\nc: x"),
        ("\ufeffa: é\n", ("a",), "x", "\ufeffa: x\n"),
        ("é: 1 # ü\nb: {c: é}\n", ("b", "d"), 2, "é: 1 # ü\nb: {c: é, d: 2}\n"),
        ("a: &x [1]\nb: *x\n", ("c",), 2, "a: &x [1]\nb: *x\nc: 2\n"),
        ("a: {b: &x 1, c: *x}\n", ("a", "d"), 2, "a: {b: &x 1, c: *x, d: 2}\n"),
    ],
)  # fmt: skip
def test_other_forms(text: str, path: tuple[str | int, ...], value: Any, expected: str) -> None:
    assert write(text, (path, value)) == expected


@pytest.mark.parametrize(
    ("text", "path", "value", "reason"),
    [
        ("a: &x {b: 1}\nc: *x\n", ("c", "b"), 2, "an anchor"),
        ("a: &x {b: 1}\nc: *x\n", ("a", "d"), 2, "an anchor"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", ("c", "b", "d"), 2, "isn't written out"),
        ("a: {b: 1}\n", ("c", "d"), 2, "isn't written out"),
        ("a: !Sub x\n", ("a", "Fn::Sub"), 2, "isn't written out"),
        ("a: {b: 1}\n", ("a", "c"), REMOVED, "isn't written out"),
        ("a: |\n  x\n", ("a",), 2, "a text of several lines"),
        ("a:\n  - b # why\n  - c\n", ("a",), 2, "a comment is in it"),
        ("a: [b, # why\n c]\n", ("a",), 2, "a comment is in it"),
        ("a: [b]\n", ("a", 0), REMOVED, ""),
        ("a:\n  - b\n", ("a", 0), REMOVED, "an anchor or a form"),
    ],
)
def test_what_could_go_wrong_is_not_written(
    text: str, path: tuple[str | int, ...], value: Any, reason: str
) -> None:
    if not reason:
        assert write(text, (path, value)) == "a: []\n"
        return
    with pytest.raises(InputError, match=reason) as caught:
        write(text, (path, value))
    assert caught.value.message.startswith("t.yaml: ")


def test_several_edits_are_one() -> None:
    text = "a:\n  b: 1\n  c: {}\n"
    assert write(text, (("a", "d"), 2), (("a", "e"), 3), (("a", "b"), 4)) == (
        "a:\n  b: 4\n  c: {}\n  d: 2\n  e: 3\n"
    )
    both = (("a", 0), REMOVED), (("a", 2), REMOVED), (("a", 1), "w")
    assert write("a: [b, x, d, e]\n", *both) == "a: [w, e]\n"
    assert write("a:\n- b\n- x\n- d\n- e\n", *both) == "a:\n- w\n- e\n"
    assert write(text, (("a", "b"), REMOVED), (("a", "d"), 2)) == "a:\n  c: {}\n  d: 2\n"
    assert write(text, (("a", "d"), 2), (("a", "c"), REMOVED)) == "a:\n  b: 1\n  d: 2\n"
    deep = "a:\n  b:\n    c: 1\n    d:\n      - 2\n"
    assert write(deep, (("a", "b", "d"), REMOVED), (("a", "e"), 3)) == (
        "a:\n  b:\n    c: 1\n  e: 3\n"
    )
    flow = "a: {b: 1, c: 2}\n"
    assert write(flow, (("a", "c"), REMOVED), (("a", "d"), 3)) == "a: {b: 1, d: 3}\n"
    with pytest.raises(InputError, match="two changes of one place"):
        write(text, (("a",), 2), (("a", "b"), 3))


PLAIN = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text("ab:#-{}!&*'\", \n%@`y", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc", min_size=1), inner, min_size=1, max_size=3)
    ),
    max_leaves=12,
)
PATHS = st.sampled_from([("a",), ("b", "c"), ("b", "new"), ("d", 0), ("e", 0, "f"), ("new",)])
FORM = {"a": "x", "b": {"c": "y"}, "d": ["z", "z"], "e": [{"f": "w"}]}


@given(PLAIN, PATHS, st.booleans(), st.sampled_from([json.dumps, yaml.safe_dump]))
def test_whatever_is_written_is_read_as_it_was_meant(
    value: Any,
    path: tuple[str | int, ...],
    is_flow: bool,  # noqa: FBT001 # a case's
    dump: Any,
) -> None:
    options = {"default_flow_style": is_flow} if dump is yaml.safe_dump else {"indent": 1}
    text = dump(FORM, **options)
    data = read_source("t.yaml", write(text, (path, value)).encode()).data
    inner: Any = data
    for name in path:
        inner = inner[name]
    assert inner == value
