"""Real sandboxes for `shim simulate`: each a start of the real package under AWS's emulator."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from shim.check.findings import Severity
from shim.emulate.session import Session
from shim.emulate.start import Start
from shim.errors import MachineError
from shim.simulate.by_verdict import outcome_of
from shim.simulate.sandboxes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from shim.check.runtimes import Runtime
    from shim.check.state import State
    from shim.check.verdicts import Verdicts
    from shim.emulate.session import Answer, Place

_HOST_SPARES = ("glibc-", "libstdcxx-", "library-", "interpreter-", "script-interpreter-")
"""Findings on what a runtime lacks: a start can't show them where this machine stands in for it."""

EVENT = b"{}"
"""What functions are sent where nobody says what."""

_EMULATOR_TRIES = 3


@dataclass(kw_only=True, slots=True)
class RealSandbox:
    """One emulator with one function in it."""

    begin: Callable[[], Session]
    """Starts the session, which the exit stack then ends."""
    event: bytes
    closing: ExitStack
    unseen: Outcome | None
    """What fails in the runtime, or may, and would not here."""
    session: Session
    has_answered: bool = False

    def invoke(self) -> Outcome:
        """See `Sandbox`."""
        answer = self._answer()
        if answer.error_type:
            return Outcome(error_type=answer.error_type, message=answer.error_message)
        return self.unseen or Outcome(error_type=None)

    def close(self) -> None:
        """See `Sandbox`."""
        self.closing.close()

    def _answer(self) -> Answer:
        """The session's; where the emulator itself ended at the very start, a new one's.

        Seen twice in some thousand failing starts, on a busy machine and for a cause unknown; it is
        nothing that a caller of Lambda would get.
        """
        for _ in range(0 if self.has_answered else _EMULATOR_TRIES - 1):
            try:
                return self._invoke_session()
            except MachineError:
                self.closing.close()
                self.session = self.begin()
        return self._invoke_session()

    def _invoke_session(self) -> Answer:
        answer = self.session.invoke(self.event)
        self.has_answered = True
        return answer


class RealStarter:
    """A `Starter`, for a `with` statement, at whose end every process of its sandboxes has ended.

    `place` says where a runtime's sandboxes start, `roots` are the root folders that stand in for
    runtimes, by their names.
    """

    def __init__(
        self,
        place: Callable[[Runtime], Place],
        *,
        roots: Mapping[str, Path],
        verdicts: Verdicts,
        event: bytes = EVENT,
    ) -> None:
        self._place = place
        self._roots = roots
        self._verdicts = verdicts
        self._event = event
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def start(self, state: State) -> RealSandbox:
        """See `Starter`."""
        start = Start(
            package=Path(state.package.path),
            handler=state.handler,
            arch=state.arch,
            layers=tuple(Path(layer.path) for layer in state.layers),
            environment=dict(state.environment),
            runs_handler=state.runtime.runs_handler,
            root=self._roots.get(state.runtime.name),
        )
        closing = ExitStack()
        self._open.push(closing)

        def begin() -> Session:
            session = Session(start, place=self._place(state.runtime), log=lambda _: None)
            return closing.enter_context(session)

        return RealSandbox(
            begin=begin,
            event=self._event,
            closing=closing,
            unseen=self._unseen(state),
            session=begin(),
        )

    def _unseen(self, state: State) -> Outcome | None:
        """What only the verdict knows, where this machine stands in for the runtime."""
        if state.runtime.name in self._roots or self._place(state.runtime).system(state.arch):
            return None
        for one in self._verdicts.verdict(state).findings:
            decides = one.severity in {Severity.ERROR, Severity.UNKNOWN}
            if decides and one.code.startswith(_HOST_SPARES):
                return outcome_of(one, state)
        return None
