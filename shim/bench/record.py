"""One run of the bench as a value, and as the JSON file that it is saved in and read from."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from shim.bench.candidates import FLOOR, NOTHING, Missing
from shim.bench.machine import Machine
from shim.bench.runner import Sample
from shim.errors import InputError, MachineError

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 3
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


def to_json(record: Record) -> dict[str, Any]:
    """The record as plain data: samples in columns, as one wants to plot them."""
    return {
        "format": FORMAT,
        "conditions": asdict(record.conditions),
        "machine": asdict(record.machine),
        "candidates": [
            {
                "name": one.name,
                "title": one.title,
                "size": one.size,
                "samples": _columns(one.samples),
            }
            for one in record.measured
        ],
        "not_measured": [asdict(one) for one in record.missing],
    }


def from_json(data: dict[str, Any]) -> Record:
    """The record that `to_json` made `data` of; `InputError` for anything else."""
    try:
        if data["format"] != FORMAT:
            raise InputError(f"a record of a format that this shim doesn't read: {data['format']}")
        record = Record(
            conditions=Conditions(**data["conditions"]),
            machine=Machine(**data["machine"]),
            measured=tuple(
                Measured(
                    name=one["name"],
                    title=one["title"],
                    size=int(one["size"]),
                    samples=_rows(one["samples"]),
                )
                for one in data["candidates"]
            ),
            missing=tuple(Missing(**one) for one in data["not_measured"]),
        )
        _require_sense(record)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"not a record of `shim bench`: {error!r}") from error
    return record


def save(record: Record, path: Path) -> None:
    """Write the record to `path`: all of it, or what was there stays."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(to_json(record)) + "\n")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise MachineError(f"the record can't be written: {error}") from error


def load(path: Path) -> Record:
    """The record in the file `path`."""
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"the record can't be read: {error}") from error
    except ValueError as error:
        raise InputError(f"not a record of `shim bench`, no JSON even: {path}") from error
    return from_json(data)


def _require_sense(record: Record) -> None:
    """Raise `ValueError` where a report would fail on the samples."""
    if not {NOTHING, FLOOR} <= {one.name for one in record.measured}:
        raise ValueError("without the handler and the floor nothing can be compared")
    if {len(one.samples) for one in record.measured} != {record.rounds} or not record.rounds:
        raise ValueError("every round has a sample of every candidate")
    if not all(launch > 0 for one in record.measured for launch in one.launch):
        raise ValueError("every start takes some time")


def _columns(samples: tuple[Sample, ...]) -> dict[str, list[int]]:
    return {
        field.name: [getattr(sample, field.name) for sample in samples] for field in fields(Sample)
    }


def _rows(columns: dict[str, list[int]]) -> tuple[Sample, ...]:
    names = [field.name for field in fields(Sample)]
    values = list(zip(*(columns[name] for name in names), strict=True))
    if not all(isinstance(value, int) for row in values for value in row):
        raise TypeError("every sample is a whole number")
    return tuple(Sample(**dict(zip(names, row, strict=True))) for row in values)
