"""How much memory a process took."""

from __future__ import annotations

import re
from pathlib import Path


def peak_memory() -> int:
    """Bytes that this program had at most; `ru_maxrss` counts what its process was before too."""
    status = Path("/proc/self/status").read_text("ascii", errors="replace")
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    assert found
    return int(found[1]) << 10
