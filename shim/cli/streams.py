"""Standard output and standard error, for as long as the command lasts, read or not."""

from __future__ import annotations

import io
import os
import sys
from typing import IO, TextIO, cast

from shim.errors import MachineError


def lasting(stream: TextIO | None) -> TextIO:
    """`stream`, whose reader may go away: the command comes to its own end and exit status.

    A name that the locale can't spell doesn't end it half-way either.
    """
    if stream is None:  # closed before the start: `>&-`
        nowhere = _Stream(os.open(os.devnull, os.O_WRONLY), "wb")
        nowhere.is_gone = True
        return io.TextIOWrapper(io.BufferedWriter(nowhere), encoding="utf-8")
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


def write_data(data: IO[bytes]) -> None:
    """Write to standard output what is lost where nobody reads all of it: `MachineError` then."""
    import shutil  # which nothing else takes that `shim --version` imports

    output = sys.stdout.buffer
    try:
        shutil.copyfileobj(data, output)
        output.flush()
    except BrokenPipeError:
        is_gone = True
    else:
        file = getattr(output, "raw", None)
        is_gone = isinstance(file, _Stream) and file.is_gone
    if is_gone:
        raise MachineError("can't write the result, nobody reads it")


class _Stream(io.FileIO):
    """Takes everything, once nothing can be written any more."""

    is_result = False
    """Whether it is an error that this can't be written."""
    is_gone = False
    """Whether nothing reaches anybody any more."""

    def write(self, data: object) -> int:
        """See `io.RawIOBase`; `MachineError` where it is not the reader that ended it."""
        if not self.is_gone:
            try:
                return super().write(data)  # type: ignore[arg-type]
            except BrokenPipeError:
                self.is_gone = True
            except OSError as error:
                self.is_gone = True
                if self.is_result:
                    raise MachineError(f"can't write the result, {error.strerror}") from error
        return memoryview(data).nbytes  # type: ignore[arg-type]
