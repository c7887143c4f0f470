"""The build hook: what is in `bin`, in a folder for its version, and the shim that goes with it.

shim does not name the version of its launchers: that stands in one place, and pip says so where one
of the two is installed anew without the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LAUNCHERS = {"full-x86_64", "full-arm64"}


class LaunchersHook(BuildHookInterface):  # type: ignore[type-arg] # hatchling's own docs do so
    """Names every file of the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - its kind
        """Take all of `bin`, where the launchers of both architectures have to be."""
        folder = Path(self.root) / "bin"
        paths = sorted(folder.iterdir()) if folder.exists() else []
        if missing := LAUNCHERS - {path.name for path in paths}:
            self.app.abort(f"error: put them into {folder}: {', '.join(sorted(missing))}")
        shim = self.metadata.version
        build_data["dependencies"].append(f"lambda-shim=={shim}")
        for path in paths:
            build_data["force_include"][str(path)] = f"shim_launchers/{shim}/{path.name}"
