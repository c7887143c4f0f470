"""Standard output and standard error, for as long as the command lasts, read or not."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO, cast

from shim.errors import MachineError


def lasting(stream: TextIO | None) -> TextIO:
    """`stream`, whose reader may go away: the command comes to its own end and exit status.

    A name that the locale can't spell doesn't end it half-way either.
    """
    if stream is None:  # closed before the start: `>&-`
        from pathlib import Path  # which nothing else takes that `shim --version` imports

        return Path(os.devnull).open("w", encoding="utf-8")
    if sys.platform == "win32":  # a console is no file there; a pipe's end comes as another error
        cast("io.TextIOWrapper", stream).reconfigure(encoding="utf-8", errors="backslashreplace")
        return stream
    file = _Stream(os.dup(stream.fileno()), "wb")
    file.is_result = stream is sys.stdout
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.isatty() or not file.is_result,
    )


class _Stream(io.FileIO):
    """Takes everything, once nothing can be written any more."""

    is_result = False
    """Whether it is an error that this can't be written."""
    _is_gone = False

    def write(self, data: object) -> int:
        """See `io.RawIOBase`; `MachineError` where it is not the reader that ended it."""
        if not self._is_gone:
            try:
                return super().write(data)  # type: ignore[arg-type]
            except BrokenPipeError:
                self._is_gone = True
            except OSError as error:
                self._is_gone = True
                if self.is_result:
                    raise MachineError(f"can't write the result, {error.strerror}") from error
        return memoryview(data).nbytes  # type: ignore[arg-type]
