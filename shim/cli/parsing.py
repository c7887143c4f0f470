"""What reads command lines: argparse, whose errors are ours, and which takes an option once."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, NoReturn

from shim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

_PATH = re.compile(r"(?P<name>\[?[A-Z]+=\]?)?(FILE|FOLDER|ZIP|PATH|DIR|PACKAGE|INPUT|OLD)(\|.*)?")


class Parser(argparse.ArgumentParser):
    """Reads one command line. Bad usage is an error like any other: a sentence, a hint, or JSON."""

    def __init__(self, *, prog: str, known: Collection[str] = (), **more: Any) -> None:
        """`known` are the words that a misspelt command may have been meant to be."""
        super().__init__(
            prog=prog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **more,
        )
        self._known = known
        for name in (None, "store"):
            self.register("action", name, _Once)

    @property
    def options(self) -> Mapping[str, argparse.Action]:
        """The long options, by their names without the dashes, as their help is sorted."""
        return {
            option.removeprefix("--"): action
            for action in self._actions
            for option in action.option_strings
            if option.startswith("--") and action.dest != "help"
        }

    def barred_by(self, words: Iterable[str]) -> set[argparse.Action]:
        """The options that these words give, and those that can't go along with one of them."""
        given = set(self._named_in(words))
        for group in self._mutually_exclusive_groups:
            members = group._group_actions  # noqa: SLF001 - argparse has no other word for it
            if given.intersection(members):
                given.update(members)
        return given

    def _named_in(self, words: Iterable[str]) -> Iterable[argparse.Action]:
        for word in words:
            if word == "--":
                return
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            if action := self._option_string_actions.get(name):
                yield action

    def error(self, message: str) -> NoReturn:
        """Raise it, with what may have been meant."""
        nearest = self._nearest(message)
        hint = f"did you mean `{nearest}`? " if nearest else ""
        raise InputError(message, hint=f"{hint}see `{self.prog} --help`")

    def _nearest(self, message: str) -> str | None:
        """What there is that is spelt like what there isn't."""
        unknown = re.search(r"unrecognized arguments: (--[^\s=]+)|no such command: (\S+)", message)
        if unknown is None:
            return None
        known = self._option_string_actions if unknown[1] else self._known
        return nearest_of(unknown[1] or unknown[2], known)


class _Once(argparse.Action):
    """Keeps a value. The second one for an option isn't taken in silence."""

    _is_given = False

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse gives it
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        if self._is_given and option_string:
            raise argparse.ArgumentError(self, "it can be given once")
        self._is_given = True
        setattr(namespace, self.dest, values)


def is_repeated(action: argparse.Action) -> bool:
    """Whether an option can be given more than once."""
    return isinstance(action, argparse._AppendAction)  # noqa: SLF001 - it has no other name


def path_form(action: argparse.Action) -> re.Match[str] | None:
    """Where what an argument takes is a path, by how help calls it: whether with a name before."""
    first = action.metavar[0] if isinstance(action.metavar, tuple) else action.metavar
    return _PATH.fullmatch(first or "")


def nearest_of(word: str, known: Iterable[str]) -> str | None:
    """Which of the known words was probably meant."""
    # What only errors take.
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, n=1)), None)
