"""Functions that are served by their names, and can be started anew while they are."""

from __future__ import annotations

from contextlib import ExitStack
from threading import Lock
from typing import TYPE_CHECKING, Self

from shim.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from shim.emulate.session import Answer, Session
    from shim.emulate.start import Start


class Served:
    """For a `with` statement, at whose end every process of the functions has ended."""

    def __init__(self, open_session: Callable[[Start], Session]) -> None:
        self._open_session = open_session
        self._slots: dict[str, _Slot] = {}
        self._sessions: tuple[Session, ...] = ()
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    def start(self, starts: Mapping[str, Start]) -> tuple[str, ...]:
        """Begin these in the place of those before, which go on until then; returns notes.

        Where one of them can't begin, all stays as it was.
        """
        with ExitStack() as stack:
            sessions = {
                name: stack.enter_context(self._open_session(start))
                for name, start in starts.items()
            }
            before, self._opened = self._opened, stack.pop_all()
        slots = {name: self._slots.get(name) or _Slot() for name in sessions}
        for name, slot in (self._slots | slots).items():
            slot.put(sessions.get(name))
        self._slots, self._sessions = slots, tuple(sessions.values())
        before.close()
        return tuple(dict.fromkeys(note for one in self._sessions for note in one.notes))

    def invoke(self, name: str, event: bytes) -> Answer:
        """Send the function of that name an event; `MachineError` where it has just gone."""
        slot = self._slots.get(name)
        if slot is None:
            raise MachineError(f"there is no such function any more: {name}")
        return slot.invoke(event)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until an emulator has ended; returns whether one has."""
        first, *others = self._sessions
        return first.wait(seconds) or any(one.wait(0) for one in others)


class _Slot:
    """What stands under one name, one start after the other; invoked by one thread at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._session: Session | None = None

    def put(self, session: Session | None) -> None:
        """From now on that one; who is being answered by another gets the answer first."""
        with self._lock:
            self._session = session

    def invoke(self, event: bytes) -> Answer:
        """See `Session`."""
        with self._lock:
            if self._session is None:
                raise MachineError("there is no such function any more")
            return self._session.invoke(event)
