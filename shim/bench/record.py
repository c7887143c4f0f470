"""One run of the bench as a value, and as the JSON file that it is saved in and read from."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from shim.arch import Arch
from shim.bench.candidates import FLOOR, NOTHING, Missing
from shim.bench.machine import Machine
from shim.bench.runner import Sample
from shim.document import as_object, document, encode, json_name
from shim.errors import MachineError
from shim.fields import Field, naming, read_file, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FORMAT = 4
"""Of the file; a reader refuses every other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """How it was measured."""

    date: str
    """ISO 8601, UTC."""
    rounds: int
    """As asked for; the samples tell how many there were."""
    warmup: int
    seed: int
    cpu: int | None
    """The CPU that all ran on, where one was chosen."""
    memory: int | None
    """MB of the Lambda function whose CPU share was given; None: no limit."""
    page_cache: str | None
    """How it was dropped before each start; None: warm."""
    read_ahead_kb: int | None
    """Of the disk that the candidates were on; None: no disk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A candidate's samples, one for each round."""

    name: str
    title: str
    size: int
    """Bytes of what a package carries for it."""
    samples: tuple[Sample, ...]

    @property
    def launch(self) -> list[float]:
        """Launch times in microseconds, by round."""
        return [sample.launch_ns / 1000 for sample in self.samples]


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Everything that one run found."""

    conditions: Conditions
    machine: Machine
    measured: tuple[Measured, ...]
    missing: tuple[Missing, ...]

    @property
    def rounds(self) -> int:
        """How many rounds were completed."""
        return len(self.measured[0].samples)

    @property
    def is_complete(self) -> bool:
        """Whether nobody interrupted it."""
        return self.rounds == self.conditions.rounds


_READERS: Mapping[str, Callable[[Field], Any]] = {
    "str": Field.text,
    "int": Field.whole,
    "float": Field.number,
    "Arch": lambda field: field.one_of(Arch),
    "dict[str, str]": Field.texts,
}
"""By the type of a dataclass's field."""

_Value = TypeVar("_Value", Conditions, Machine, Missing)


def to_json(record: Record) -> dict[str, Any]:
    """The record as plain data: samples in columns, as one wants to plot them."""
    content = {
        "conditions": as_object(record.conditions),
        "machine": as_object(record.machine),
        "candidates": [
            {
                "name": one.name,
                "title": one.title,
                "size": one.size,
                "samples": _columns(one.samples),
            }
            for one in record.measured
        ],
        "notMeasured": [as_object(one) for one in record.missing],
    }
    return document(FORMAT, content)


def from_json(data: Field) -> Record:
    """The record that `to_json` made `data` of; `InputError` for anything else."""
    if data["format"].whole() != FORMAT:
        data["format"].refuse(f"not a record of `shim bench` in format {FORMAT}")
    record = Record(
        conditions=_read(Conditions, data["conditions"]),
        machine=_read(Machine, data["machine"]),
        measured=tuple(map(_measured, data["candidates"].items())),
        missing=tuple(_read(Missing, one) for one in data["notMeasured"].items()),
    )
    _require_sense(record, data["candidates"])
    return record


def save(record: Record, path: Path) -> None:
    """Write the record to `path`: all of it, or what was there stays."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(encode(to_json(record), indent=None) + "\n")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise MachineError(f"the record can't be written: {error}") from error


def load(path: Path) -> Record:
    """The record in the file `path`."""
    with naming(str(path), hint="a record is what `shim bench --output FILE` saves"):
        return from_json(read_json(read_file(path)))


def _read(kind: type[_Value], field: Field) -> _Value:
    """What `as_object` made `field` of."""
    values: dict[str, Any] = {}
    for one in fields(kind):
        name = json_name(one.name)
        plain, _, optional = str(one.type).partition(" | ")
        is_left_out = bool(optional) and not field.has(name)
        values[one.name] = None if is_left_out else _READERS[plain](field[name])
    return kind(**values)


def _measured(field: Field) -> Measured:
    return Measured(
        name=field["name"].text(),
        title=field["title"].text(),
        size=field["size"].whole(),
        samples=_rows(field["samples"]),
    )


def _require_sense(record: Record, candidates: Field) -> None:
    """Refuse samples on which a report would fail."""
    if not {NOTHING, FLOOR} <= {one.name for one in record.measured}:
        candidates.refuse("without the handler and the floor nothing can be compared")
    if {len(one.samples) for one in record.measured} != {record.rounds} or not record.rounds:
        candidates.refuse("every round has a sample of every candidate")
    if not all(launch > 0 for one in record.measured for launch in one.launch):
        candidates.refuse("every start takes some time")


def _columns(samples: tuple[Sample, ...]) -> dict[str, list[int]]:
    return {
        json_name(field.name): [getattr(sample, field.name) for sample in samples]
        for field in fields(Sample)
    }


def _rows(columns: Field) -> tuple[Sample, ...]:
    names = [field.name for field in fields(Sample)]
    values = [[one.whole() for one in columns[json_name(name)].items()] for name in names]
    if len(set(map(len, values))) != 1:
        columns.refuse("there has to be one value a round in each")
    return tuple(Sample(**dict(zip(names, row, strict=True))) for row in zip(*values, strict=True))
