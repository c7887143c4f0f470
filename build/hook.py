"""The build hook: every wheel that is built gets lean launchers compiled from its own sources."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lean import BuildError, build_lean


class LauncherBuildHook(BuildHookInterface):  # type: ignore[type-arg] # hatchling's own docs do so
    """Compiles the lean launchers into the wheel, or into the tree of an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; `version` is `editable` or `standard`."""
        in_tree = Path(self.root) / "shim" / "launcher" / "bin"
        self._scratch = tempfile.TemporaryDirectory(prefix="shim-wheel-")
        try:
            paths = build_lean(in_tree if version == "editable" else Path(self._scratch.name))
        except BuildError as error:
            self.app.abort(f"error: {error}")
            raise
        for path in () if version == "editable" else paths:
            build_data["force_include"][str(path)] = f"shim/launcher/bin/{path.name}"

    def finalize(self, *_: object) -> None:
        """Drop what the wheel has taken in."""
        self._scratch.cleanup()
