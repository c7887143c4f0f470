"""Hands deployments to the state machine, and says what became of each.

The execution's name follows from what is handed over: a run that is started again finds the one
that goes on already. Where that has ended, another one looks at every function anew: what is done
stays done, and what failed is tried again.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from shim.aws.api import NotNow
from shim.aws.pace import OTHERS, read_rates
from shim.aws.step_functions import Status
from shim.deploy.engine.document import Placed, engine_document
from shim.deploy.executor import UPDATE_SECONDS, read_zip
from shim.document import encode
from shim.errors import InputError
from shim.fields import naming, read_json
from shim.plan.step import UpdateCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from shim.aws.bucket import Bucket, StoredObject
    from shim.aws.step_functions import Execution, StateMachines
    from shim.deploy.engine.order import Order
    from shim.package.read import Package

WAIT = 12
"""Seconds after each call: so long an update takes at most, mostly (docs/reference/simulate.md)."""

_LOOK_SECONDS = 3.0

_READERS = 16
"""Results that are read at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Plans in a bucket, ready to be carried out."""

    bucket: Bucket
    folder: str
    """Their keys' prefix, with a slash at its end."""
    names: Sequence[str]
    """The functions'."""

    @property
    def digest(self) -> str:
        """Of all that the plans say."""
        return self.folder.split("/")[-2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A batch that is being carried out, or has been."""

    batch: Batch
    execution: str
    """Its ARN."""
    results: str
    """The prefix of what is written there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A call that was accepted."""

    call: str
    gave: str
    """The revision, or the version, in its answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What became of one function."""

    name: str
    problem: str = ""
    """Empty where it is what was wanted."""
    made: tuple[Made, ...] = ()
    """The calls that were made for it in this run, and accepted."""


def place(
    orders: Sequence[Order],
    bucket: Bucket,
    *,
    prefix: str,
) -> Batch:
    """Put the zips and plans into the bucket; what is there already stays."""
    names = [order.deployment.target.name for order in orders]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two deployments are for one function: {twice[0]}")
    zips = _store_zips(orders, bucket, prefix)
    documents = [
        engine_document(
            order.deployment, Placed(zips=zips, layers=order.layers), transition=order.transition
        )
        for order in orders
    ]
    lines = ",\n".join(encode(document, indent=None) for document in documents)
    data = f"[{lines}]\n".encode()
    folder = f"{prefix}{hashlib.sha256(data).hexdigest()[:20]}/"
    bucket.put(_plans(folder), data)
    return Batch(bucket=bucket, folder=folder, names=names)


def start(
    batch: Batch,
    machines: StateMachines,
    machine: str,
    *,
    tolerated: int | None = None,
    wait: int = WAIT,
    concurrency: int | None = None,
    patience: float = UPDATE_SECONDS,
) -> Run:
    """Begin, or find what has begun; after more failures than `tolerated` all stop."""
    for attempt in count(1):
        name, results = f"shim-{batch.digest}-{attempt}", f"{batch.folder}results-{attempt}/"
        content = {
            "bucket": batch.bucket.name,
            "plans": _plans(batch.folder),
            "results": results,
            "wait": wait,
            "polls": int(patience // max(wait, 1)),
            # As each waits after its call, so many functions keep to the account's rate.
            "concurrency": concurrency or int(read_rates()[OTHERS] * wait),
            "tolerated": len(batch.names) if tolerated is None else tolerated,
        }
        if execution := machines.start(machine, name, encode(content, indent=None)):
            return Run(batch=batch, execution=execution, results=results)
    raise AssertionError  # `count` has no end


def watch(
    execution: str, machines: StateMachines, *, sleep: Callable[[float], None]
) -> Iterator[Execution]:
    """How far an execution is, again and again, until it has ended."""
    while True:
        # What goes on there doesn't end with an answer that is lost here.
        with suppress(NotNow):
            now = machines.look(execution)
            yield now
            if now.status is not Status.RUNNING:
                return
        sleep(_LOOK_SECONDS)


def read_results(run: Run) -> Iterator[Result]:
    """What became of each function, in the batch's order."""
    with ThreadPoolExecutor(_READERS) as pool:
        yield from pool.map(lambda name: _read_result(run, name), run.batch.names)


def _plans(folder: str) -> str:
    return f"{folder}plans.json"


def _store_zips(
    orders: Iterable[Order], bucket: Bucket, prefix: str
) -> Mapping[Package, StoredObject]:
    packages = dict.fromkeys(
        step.package
        for order in orders
        for step in order.plan.steps
        if isinstance(step, UpdateCode)
    )
    zips = {package: read_zip(package) for package in packages}
    return {
        package: bucket.store(f"{prefix}zips/{b64decode(zipped.sha256).hex()}.zip", zipped)
        for package, zipped in zips.items()
    }


def _read_result(run: Run, name: str) -> Result:
    source = f"{run.results}{name}.json"
    data = run.batch.bucket.read(source)
    if data is None:
        problem = "it was not carried out to its end: the execution's history says how far"
        return Result(name=name, problem=problem)
    with naming(source):
        field = read_json(data)
        if isinstance(field.value, str):
            # A task's body is JSON: of a text it may be the text, in quotes.
            field = read_json(field.value)
        error = f"{field['error'].text()}: {field['cause'].text()}" if field.has("error") else ""
        made = tuple(
            Made(call=one["call"].text(), gave=one["gave"].text()) for one in field["made"].items()
        )
        return Result(name=name, problem=error, made=made)
