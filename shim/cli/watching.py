"""Notices that files have changed, on every file system: by looking, and not by being told."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Watch:
    """Looks at files, and at all that is in folders; begins with how they are now."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._taken = self._seen = self._look()

    def has_changed(self) -> bool:
        """Whether they differ from when this was last true, and no longer from the last look.

        So a build that is still writing is waited for.
        """
        before, self._seen = self._seen, self._look()
        is_new = self._seen == before != self._taken
        if is_new:
            self._taken = self._seen
        return is_new

    def _look(self) -> dict[Path, tuple[int, int, int]]:
        found = {}
        for path in self._files():
            with suppress(OSError):  # gone since
                status = path.stat()
                found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
        return found

    def _files(self) -> Iterator[Path]:
        yield from self._paths
        for path in self._paths:
            for folder, _, names in os.walk(path):
                yield from (Path(folder, name) for name in names)
