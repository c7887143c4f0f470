"""A handler in Python that is compiled: greets, and says where it runs."""

# Nothing here speaks TLS, and the standard library does without it: OpenSSL stays out.
# nuitka-project: --nofollow-import-to=ssl,_ssl,_hashlib

import platform
from typing import Any

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
