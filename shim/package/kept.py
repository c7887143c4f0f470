"""What is worked out of an entry or a package: once, kept with it, and gone with it."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


class Keeps(Protocol):
    """What keeps results with it."""

    @property
    def results(self) -> dict[Any, Any]:
        """By function and further arguments."""


T = TypeVar("T", bound=Keeps)
P = ParamSpec("P")
R = TypeVar("R")


def kept(compute: Callable[Concatenate[T, P], R]) -> Callable[Concatenate[T, P], R]:
    """`compute`, called once for each first argument, and for all others it is called with.

    Nothing is kept of a call that raises. Two threads that ask at once both compute: no lock is
    held, so that large files can be read side by side.
    """

    @wraps(compute)
    def ask(keeper: T, /, *args: P.args, **named: P.kwargs) -> R:
        key = (compute, args, tuple(named.items())) if args or named else compute
        results = keeper.results
        if key not in results:
            results[key] = compute(keeper, *args, **named)
        result: R = results[key]
        return result

    return ask
