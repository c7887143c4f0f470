"""The event that a command line gives."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path

from shim.errors import InputError
from shim.fields import check_json, naming
from shim.package.limits import read_limits

_JSON_BEGINS = ("{", "[", '"')


def read_event(name: str | None, *, what: str = "event") -> bytes | None:
    """The event's bytes, from the file that is named, or `name` itself; None where it is None.

    `what` is read so besides: it stands in what is said of it.
    """
    if name is None:
        return None
    limit = read_limits().event
    if name.lstrip()[:1] in _JSON_BEGINS and not os.path.lexists(name):
        event, name = name.encode(errors="surrogateescape"), "given"
    else:
        event = _read_event_file(name, limit, what)
    if len(event) > limit:
        raise InputError(
            f"Lambda refuses such an {what}, RequestEntityTooLargeException: the payload is too"
            f" large for the RequestResponse invocation type (limit {limit} bytes): {name}"
        )
    with naming(f"the {what} {name}", hint="Lambda takes nothing but JSON, in UTF-8"):
        check_json(event)
    return event


def _read_event_file(name: str, limit: int, what: str) -> bytes:
    """A byte more than the limit, where it has more."""
    try:
        with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise InputError(f"can't read the {what}, {error.strerror}: {name}") from error
