"""Tables that can be read at every width: where there is no room for one, each row is a block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.box import Box
    from rich.console import Console

_GAP, _BOXED = 2, 3
"""Characters beside each column's own."""

_FOLDED = 12
"""Characters that a word in a folding column has before it is broken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column; what it has is never broken, unless it says so."""

    title: str = ""
    folds: bool = False
    """Its words may be broken: names and paths can be as long as they like."""
    wraps: bool = False
    """It may have several lines, between words."""
    justify: Literal["left", "right"] = "left"

    def least(self, cells: Sequence[Text]) -> int:
        """The room without which it can't be read."""
        texts = [Text(self.title), *cells]
        if self.folds or self.wraps:
            texts = [word for text in texts for word in map(Text, text.plain.split())]
        longest = max((text.cell_len for text in texts), default=0)
        return min(longest, _FOLDED) if self.folds else longest


def print_table(
    console: Console,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Text]],
    *,
    is_grouped: bool = False,
    box: Box | None = None,
) -> None:
    """Print the rows; where `is_grouped`, a first cell like the one before it is left out."""
    by_column = zip(columns, zip(*rows, strict=True), strict=True)
    least = [column.least(cells) for column, cells in by_column]
    gap = _GAP if box is None else _BOXED
    if sum(least) + gap * len(columns) - _GAP > console.width:
        _print_blocks(console, columns, rows, is_grouped=is_grouped)
        return
    has_titles = any(column.title for column in columns)
    table = Table(box=box, pad_edge=False, header_style="dim", show_header=has_titles)
    if box is None:
        table.padding = (0, _GAP, 0, 0)
    for column, width in zip(columns, least, strict=True):
        table.add_column(
            column.title,
            no_wrap=not (column.folds or column.wraps),
            overflow="fold",
            min_width=width,
            justify=column.justify,
        )
    last = ""
    for first, *others in rows:
        table.add_row(Text() if is_grouped and first.plain == last else first, *others)
        last = first.plain
    console.print(table)


def _print_blocks(
    console: Console, columns: Sequence[Column], rows: Sequence[Sequence[Text]], *, is_grouped: bool
) -> None:
    """The first cell of each row, and below it what the others say of it."""
    width = max(len(column.title) for column in columns[1:])
    last = ""
    for first, *others in rows:
        text = Text() if is_grouped and first.plain == last else Text.assemble(first, "\n")
        for column, cell in zip(columns[1:], others, strict=True):
            if cell.plain not in {"", "-"}:
                title = f"  {column.title:<{width}}  " if width else "  "
                text.append(title, "dim").append_text(cell).append("\n")
        console.print(text, soft_wrap=True, end="")
        last = first.plain
