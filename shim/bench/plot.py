"""The plot of a record: a box for each candidate on a logarithmic axis, as SVG or PNG."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from shim.bench.candidates import FLOOR, NOTHING
from shim.bench.report import Row, rows, times
from shim.bench.statistics import quantile
from shim.errors import InputError, MachineError

if TYPE_CHECKING:
    from pathlib import Path

    from shim.bench.record import Measured, Record

SUFFIXES = (".svg", ".png")

# Okabe and Ito's colours, which colour-blind people tell apart; the hatching says it once more.
_OURS, _MEASURES, _OTHERS = ("#0072B2", ""), ("#999999", ".."), ("#E69F00", "//")


def require_plot(path: Path) -> None:
    """Raise, before anything is measured, where no plot could be drawn."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"a plot is a file that ends in .svg or .png: {path}")
    if importlib.util.find_spec("matplotlib") is None:
        raise MachineError("the plot needs matplotlib", hint="pip install 'lambda-shim[bench]'")


def draw(record: Record, path: Path) -> None:
    """Draw the launch times to `path`: quartiles as box, 5 % to 95 % as line."""
    from matplotlib.figure import Figure

    table = rows(record)
    measured = {one.name: one for one in record.measured}
    figure = Figure(figsize=(9, 0.8 + 0.36 * len(table)), layout="constrained")
    axes = figure.subplots()
    boxes = axes.bxp(
        [_box(row, measured[row.name]) for row in table],
        orientation="horizontal",
        showfliers=False,
        patch_artist=True,
        medianprops={"color": "black"},
    )
    for row, box in zip(table, boxes["boxes"], strict=True):
        colour, hatch = _style(row.name)
        box.set(facecolor=colour, hatch=hatch, edgecolor="black", linewidth=0.6)
    axes.axvline(_floor(table), color="#555555", linestyle=":", linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.invert_yaxis()
    axes.set_xlabel("exec of bootstrap to the handler's first instruction, µs (logarithmic)")
    axes.grid(axis="x", which="both", alpha=0.25)
    try:
        figure.savefig(path)
    except OSError as error:
        raise MachineError(f"the plot can't be written: {error}") from error


def _box(row: Row, one: Measured) -> dict[str, object]:
    ordered = sorted(one.launch)
    return {
        "label": _label(row),
        "med": row.launch.median,
        "q1": row.launch.lower_quartile,
        "q3": row.launch.upper_quartile,
        "whislo": quantile(ordered, 0.05),
        "whishi": row.launch.p95,
    }


def _label(row: Row) -> str:
    """The title and the ratio; what looks like a formula to matplotlib is none."""
    ratio, _, _ = times(row.against_floor).partition(" [")
    return f"{row.title}   {ratio}".replace("$", r"\$")


def _floor(table: list[Row]) -> float:
    return next(row.launch.median for row in table if row.name == FLOOR)


def _style(name: str) -> tuple[str, str]:
    if name in {NOTHING, FLOOR}:
        return _MEASURES
    return _OURS if name.partition("-")[0] in {"lean", "full", "dual"} else _OTHERS
