"""YAML and JSON with the line of everything; whatever is in them, an answer or one sentence."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shim.errors import InputError
from shim.templates.source import SOURCE_LIMIT, read_source

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab:#-{}!&*'\" \n", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=12,
)


def read(text: str) -> Any:
    return read_source("t.yaml", text.encode()).data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: !Ref B", {"a": {"Ref": "B"}}),
        ("a: !GetAtt B.C.D", {"a": {"Fn::GetAtt": ["B", "C.D"]}}),
        ("a: !GetAtt [B, C]", {"a": {"Fn::GetAtt": ["B", "C"]}}),
        ("a: !If [x, !Sub '${b}', 1]", {"a": {"Fn::If": ["x", {"Fn::Sub": "${b}"}, 1]}}),
        ("a: !Condition x", {"a": {"Condition": "x"}}),
        ("Version: 2012-10-17", {"Version": "2012-10-17"}),
        ("account: 012345678901", {"account": "012345678901"}),
        ("123456789012: on", {"123456789012": True}),
        ("a: 1.5\nb: ~\nc: '1'\nd: !!str 1", {"a": 1.5, "b": None, "c": "1", "d": "1"}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ('{\n\t"a": "\\/",\n\t"b": [1, null]}', {"a": "/", "b": [1, None]}),
    ],
)
def test_what_is_read(text: str, expected: Any) -> None:
    assert read(text) == expected


@given(PLAIN)
def test_what_another_writer_writes_is_read_as_it_was(data: Any) -> None:
    assert read(json.dumps(data)) == data
    assert read(yaml.safe_dump({"a": data})) == {"a": data}


def test_each_part_has_its_line() -> None:
    source = read_source("t.yaml", b"a:\n  b:\n    - x\n    - c: !Sub y\nd: &k\n  e: 1\nf: *k\n")
    lines = {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "b", 0): 3,
        ("a", "b", 1, "c"): 4,
        ("f", "e"): 6,
        # What isn't there: what is around it.
        ("a", "z", "y"): 1,
    }
    assert {path: source.place(path).line for path in lines} == lines
    assert str(source.place(("a", "b", 1, "c"))) == "t.yaml:4"
    assert source.place(("a", "b", 1, "c")).path == "a.b[1].c"


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_a_bracket_alone_is_not_shown() -> None:
    source = read_source("t.json", b'{\n "Layers": [\n  {\n   "Ref": "Audit"\n  }\n ]\n}')
    place = source.place(("Layers", 0))
    assert (place.line, place.text.strip()) == (4, '"Ref": "Audit"')


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\na: 2", "line 2: a name stands here twice: 'a'"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: CloudFormation has no such tag"),
        ("a: !!python/name:os.system", "line 1: CloudFormation has no such tag"),
        ("a:\n  b: !Nonsense x", "line 2: CloudFormation has no such tag: '!Nonsense'"),
        ("a: [", "neither YAML nor JSON: line 2: did not find expected node content"),
        ("[" * 50_000, "exceeded maximum nesting depth"),
        ("- " * 50_000, "exceeded maximum nesting depth"),
        ("[" * 200 + "]" * 200, "it is nested too deeply"),
        ("".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200)).replace("*a0", "1"),
         "line 100: it is nested too deeply"),
        (BOMB, "line 6: its aliases unfold to more than 500,000 values"),
        ("a: &a [*a]", "line 1: no anchor of this name is closed before it: 'a'"),
        ("a: *b", "no anchor of this name is closed before it: 'b'"),
        ("[1]: 2", "a name can't be a list or an object"),
        ("a: {<<: 1}", "line 1: only objects can be merged"),
        ("--- 1\n--- 2", "a second document begins"),
        ("", "it is empty"),
        ("\x00", "neither YAML nor JSON"),
        ("x" * (SOURCE_LIMIT + 1), "and CloudFormation takes 1,000,000"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert sentence in caught.value.message


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InputError, match="neither YAML nor JSON"):
        read_source("t.yaml", b"a: \xff\xfe")


def test_a_bomb_takes_no_memory() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="unfold"):
            read(BOMB)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
