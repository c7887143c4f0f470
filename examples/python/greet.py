#!/usr/bin/env python3
"""A handler in Python: greets, and says which Python runs it."""

import platform
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))

from awslambdaric.__main__ import main


def handle(event: dict[str, Any], context: Any) -> dict[str, str]:
    """What awslambdaric calls with each event."""
    print("greeting for request", context.aws_request_id)
    return {
        "message": f"Hello, {event.get('name') or 'world'}!",
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


if __name__ == "__main__":
    main([__file__, "__main__.handle"])
