"""What a function is started with: its package, layers and environment, as Lambda sets them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shim.arch import Arch

DEFAULT_TIMEOUT = 60
"""Seconds for an invocation; Lambda's own default, 3, is short where a processor is emulated."""

DECIDED_HERE = frozenset(
    {
        "_HANDLER",
        "AWS_LAMBDA_FUNCTION_HANDLER",
        "AWS_LAMBDA_FUNCTION_TIMEOUT",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
"""Variables that the options or the emulator set: a value from the user would break the start."""

FUNCTION_USER, FUNCTION_GROUP = 993, 990
"""The numbers of the user `sbx_user1051`, as whom Lambda runs a function."""

TMP_SIZE = "512m"
"""What a function may put into /tmp (AWS Lambda quotas: ephemeral storage, default)."""

_RUNTIME_DIR = "/var/runtime"


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """One start of a function; `timeout`, in seconds, is for an invocation with what it starts."""

    package: Path
    handler: str
    arch: Arch
    layers: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: int = DEFAULT_TIMEOUT
    runs_handler: bool = False
    """As `go1.x` does it: the file that the handler names is run itself, and no `bootstrap`."""
    root: Path | None = None
    """A root folder for the same architecture, shown to the function instead of this machine's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where the package and the layers are for the function, and what to say about it."""

    task_root: str = "/var/task"
    layer_root: str = "/opt"
    arguments: tuple[str, ...] = ()
    """What tells the emulator where `bootstrap` is, if it isn't where Lambda has it."""
    notes: tuple[str, ...] = ()


def function_environment(start: Start, layout: Layout) -> dict[str, str]:
    """The emulator's own environment, which it hands on to the function (docs/why/lambda.md).

    The emulator adds the runtime's address and, where they aren't set, credentials that are empty.
    """
    task, layers = layout.task_root, layout.layer_root
    libraries = (
        *("/var/lang/lib", "/lib64", "/usr/lib64", _RUNTIME_DIR, f"{_RUNTIME_DIR}/lib"),
        *(task, f"{task}/lib", f"{layers}/lib"),
    )
    return {
        "PATH": f"/usr/local/bin:/usr/bin/:/bin:{layers}/bin",
        "LD_LIBRARY_PATH": ":".join(libraries),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        **start.environment,
        "LAMBDA_TASK_ROOT": task,
        "LAMBDA_RUNTIME_DIR": _RUNTIME_DIR,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(start.timeout),
        "_HANDLER": start.handler,
    }
