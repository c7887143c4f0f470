#!/usr/bin/env python3
"""How long handlers take to get ready: from their start to their first request for an event.

    measure.py COMMAND...    such as: out/x86_64/bin/hello 'python3 -m awslambdaric hello.handle'

The commands take turns, ROUNDS times (30), after two starts each that don't count. A line for each:
the median, the middle half, and the median of the CPU time, which other work disturbs less.
"""

import os
import resource
import shlex
import socket
import statistics
import subprocess
import sys
import time

SECONDS = 60


def start(command: list[str]) -> tuple[float, float]:
    """Milliseconds, and those of CPU time, until `command` asks the runtime API for an event."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        address = f"127.0.0.1:{server.getsockname()[1]}"
        environment = {**os.environ, "AWS_LAMBDA_RUNTIME_API": address, "_HANDLER": "bin/hello"}
        spent, before = cpu_of_children(), time.perf_counter()
        process = subprocess.Popen(command, env=environment)
        try:
            connection, _ = server.accept()
            ready = time.perf_counter()
            line = connection.recv(4096).split(b"\r\n")[0]
        except TimeoutError:
            sys.exit(f"error: this does not get ready in {SECONDS} s: {shlex.join(command)}")
        finally:
            process.kill()
            process.wait()
    connection.close()
    if b"/invocation/next" not in line:
        sys.exit(f"error: this does not get ready: {shlex.join(command)}: {line!r}")
    return (ready - before) * 1000, (cpu_of_children() - spent) * 1000


def cpu_of_children() -> float:
    """Seconds that all children have used that are waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, and print a line for each command."""
    commands = [shlex.split(word) for word in sys.argv[1:]]
    if not commands:
        sys.exit(__doc__)
    samples: list[list[tuple[float, float]]] = [[] for _ in commands]
    for number in range(2 + int(os.environ.get("ROUNDS", "30"))):
        for command, taken in zip(commands, samples, strict=True):
            sample = start(command)
            if number >= 2:
                taken.append(sample)
    for command, taken in zip(commands, samples, strict=True):
        low, median, high = statistics.quantiles((wall for wall, _ in taken), n=4)
        cpu = statistics.median(cpu for _, cpu in taken)
        print(f"{median:6.1f} ms [{low:.1f}, {high:.1f}]  CPU {cpu:5.1f} ms  {shlex.join(command)}")


if __name__ == "__main__":
    main()
