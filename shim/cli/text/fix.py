"""`shim diff --fix` for people: what is written, as a diff, and what is left to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from shim.templates.fixes import Fix

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def print_fixes(
    console: Console, fixes: Sequence[Fix], diffs: Iterable[Iterable[str]], *, is_written: bool
) -> None:
    """Print the diffs, what is left, and how many there are of each."""
    text = Text()
    for lines in diffs:
        for line in lines:
            text.append(f"{printable(line)}\n", _STYLES.get(line[:1], ""))
        text.append("\n")
    left = [one for one in fixes if not one.edits]
    for one in left:
        found = one.finding
        text.append("left to you", "bold")
        text.append(f": {printable(str(found.place))} {printable(found.function)}: set ")
        text.append(f"{printable(one.words)} [{found.code}]\n")
    done = len(fixes) - len(left)
    said = f"{done} finding{'' if done == 1 else 's'} {'fixed' if is_written else 'to be fixed'}"
    console.print(text.append(f"{said}, {len(left)} left to you"), soft_wrap=True)
