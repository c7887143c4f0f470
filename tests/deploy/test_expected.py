"""What an answer has to have in it, and what is said where it hasn't."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shim.deploy.expected import Expected, Mismatch

SAME: list[tuple[Any, Any]] = [
    ({}, {"any": "thing"}),
    ({"statusCode": 200}, {"statusCode": 200, "body": "{}"}),
    ({"a": {"b": [1, {"c": None}]}}, {"a": {"b": [1, {"c": None, "d": 2}], "e": 3}}),
    (1, 1.0),
    ("text", "text"),
    (None, None),
    ({"body": {"ok": True}}, {"body": '{"ok": true, "id": 7}'}),
    ({"body": [1, 2]}, {"body": "[1, 2]"}),
]


@pytest.mark.parametrize(("expected", "found"), SAME)
def test_what_is_expected_has_to_be_there_and_more_may(expected: Any, found: Any) -> None:
    assert Expected(value=expected).mismatch(json.dumps(found).encode()) is None


OTHER: list[tuple[Any, Any, str, str, str]] = [
    ({"statusCode": 200}, {"statusCode": 500}, "$.statusCode", "200", "500"),
    ({"a": {"b": 1}}, {"a": {}}, "$.a.b", "1", "nothing"),
    ({"a": 1}, ["a"], "$", '{"a": 1}', '["a"]'),
    ([1, 2], [1, 2, 3], "$", "[1, 2]", "[1, 2, 3]"),
    ([1, {"x": 2}], [1, {"x": 3}], "$[1].x", "2", "3"),
    (True, 1, "$", "true", "1"),
    (0, False, "$", "0", "false"),
    ("1", 1, "$", '"1"', "1"),
    (None, {}, "$", "null", "{}"),
    ({"body": {"ok": True}}, {"body": "no JSON"}, "$.body", '{"ok": true}', '"no JSON"'),
]


@pytest.mark.parametrize(("expected", "found", "path", "wanted", "has"), OTHER)
def test_the_first_difference_is_named_by_its_path(
    expected: Any, found: Any, path: str, wanted: str, has: str
) -> None:
    mismatch = Expected(value=expected).mismatch(json.dumps(found).encode())
    assert mismatch == Mismatch(path=path, expected=wanted, found=has)


def test_an_answer_that_is_no_json_is_text() -> None:
    assert Expected(value="plain").mismatch(b"plain") is None
    mismatch = Expected(value={"a": 1}).mismatch(b"\xff oops")
    assert mismatch
    assert mismatch.found == '"\\ufffd oops"'


def test_what_is_shown_of_an_answer_is_bounded() -> None:
    mismatch = Expected(value=1).mismatch(json.dumps("x" * 5000).encode())
    assert mismatch
    assert len(mismatch.found) < 300
