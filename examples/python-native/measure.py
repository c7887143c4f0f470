#!/usr/bin/env python3
"""How long handlers take to get ready: from their start to their first request for an event.

    measure.py COMMAND...    such as: out/x86_64/bin/hello 'python3 -m awslambdaric hello.handle'

The commands take turns, ROUNDS times (30), after two starts each that don't count.
"""

import os
import shlex
import socket
import statistics
import subprocess
import sys
import time

SECONDS = 60


def ready_after(command: list[str]) -> float:
    """Milliseconds until this start of `command` asks the runtime API for an event."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        address = f"127.0.0.1:{server.getsockname()[1]}"
        environment = {**os.environ, "AWS_LAMBDA_RUNTIME_API": address, "_HANDLER": "hello"}
        before = time.perf_counter()
        process = subprocess.Popen(command, env=environment)
        try:
            connection, _ = server.accept()
            after = time.perf_counter()
            with connection:
                line = connection.recv(4096).split(b"\r\n")[0]
            if b"/invocation/next" not in line:
                sys.exit(f"error: this does not get ready: {shlex.join(command)}: {line!r}")
        except TimeoutError:
            sys.exit(f"error: this does not get ready in {SECONDS} s: {shlex.join(command)}")
        finally:
            process.kill()
            process.wait()
    return (after - before) * 1000


def main() -> None:
    """Measure, and print a line for each command."""
    commands = [shlex.split(word) for word in sys.argv[1:]]
    if not commands:
        sys.exit(__doc__)
    times: list[list[float]] = [[] for _ in commands]
    for number in range(2 + int(os.environ.get("ROUNDS", "30"))):
        for command, taken in zip(commands, times, strict=True):
            milliseconds = ready_after(command)
            if number >= 2:
                taken.append(milliseconds)
    for command, taken in zip(commands, times, strict=True):
        low, median, high = statistics.quantiles(taken, n=4)
        print(f"{median:7.1f} ms  [{low:.1f}, {high:.1f}]  {shlex.join(command)}")


if __name__ == "__main__":
    main()
