"""What is worked out of an entry or a package once, and kept with it."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shim.package.contents import Unreadable
from shim.package.kept import kept
from tests.check.builders import entry, package

if TYPE_CHECKING:
    from collections.abc import Callable

    from shim.package.read import Entry


def counting() -> tuple[list[str], Callable[..., str]]:
    """The calls that were made of the function, and the function."""
    calls: list[str] = []

    @kept
    def asked(one: Entry, *words: str, last: str = "") -> str:
        calls.append(f"{one.name}{words}{last}")
        return f"{one.name} {words} {last}"

    return calls, asked


def test_it_is_computed_once_for_each_entry_and_each_further_argument() -> None:
    calls, asked = counting()
    one, other = entry("one"), entry("one")
    answers = [asked(one), asked(one, "a"), asked(one, last="a"), asked(other)]
    assert answers == [asked(one), asked(one, "a"), asked(one, last="a"), asked(other)]
    assert len(calls) == 4


def test_a_changed_copy_has_results_of_its_own() -> None:
    _, asked = counting()
    one = entry("one")
    assert asked(one) != asked(replace(one, name="two"))


def test_nothing_is_kept_of_a_call_that_raises() -> None:
    broken = entry("one", problem="it is encrypted")
    first = kept(lambda one: one.read(0, 1))
    for _ in range(2):
        with pytest.raises(Unreadable):
            first(broken)
    assert broken.results == {}


def test_results_go_with_what_they_were_worked_out_of() -> None:
    class Result:
        pass

    compute = kept(lambda _: Result())
    one = entry("one")
    result = weakref.ref(compute(one))
    assert result() is not None
    del one
    gc.collect()
    assert result() is None


def test_names_are_paths_with_the_later_entry_and_folders_that_have_none() -> None:
    first, second, folder = entry("bin/orders"), entry("./bin//orders"), entry("etc/")
    one = package(first, second, folder, entry("/abs"), entry("../out"), entry("."))
    assert dict(one.names) == {"bin/orders": second, "bin": None, "etc": folder}
    assert one.names is one.names


def test_a_package_has_modes_if_one_of_its_entries_has() -> None:
    with_mode, without = entry("a"), replace(entry("b"), has_mode=False)
    assert package(with_mode, without).has_modes
    assert not package(without).has_modes
    assert package().has_modes
