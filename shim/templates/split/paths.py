"""Paths in templates: the same files, named from another folder."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.templates.git import Commit
from shim.templates.split.shared import inner, is_sam_function, objects, own, usual
from shim.templates.value import leaves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.templates.project import Project

_PATHS = (
    "BodyS3Location",
    "Code",
    "CodeUri",
    "Content",
    "ContentUri",
    "DefinitionS3Location",
    "DefinitionUri",
    "Location",
    "SchemaUri",
    "TemplateURL",
)
"""Properties that can be a local path (AWS CLI, `aws cloudformation package`)."""

_SAM_CODE = {"CodeUri", "InlineCode", "ImageUri"}
_ASSET = "aws:asset:path"
_COPIES = "files"
"""Below the split's folder: what lies in a commit, and else nowhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Paths:
    """Names a side's files from the split's folder."""

    project: Project
    folder: Path
    """Of the side's template."""
    target: Path
    copies: dict[str, Path] = field(default_factory=dict)
    """What lies in a commit, by where it has to lie in the split's folder."""

    def renamed(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of a template that lies in the split's folder."""
        copy: dict[str, Any] = json.loads(json.dumps(data))
        parts: list[tuple[Any, str, tuple[str, ...]]]
        parts = [(copy.get("Globals"), "Function", _PATHS)]
        for name, one in copy["Resources"].items():
            if _is_here(copy, name):
                inner(one, "Properties")["CodeUri"] = "."
            parts += [(one, "Properties", _PATHS), (one, "Metadata", (_ASSET,))]
        for whole, part, names in parts:
            named = objects(objects(whole).get(part))
            texts = {name: named[name] for name in names if isinstance(named.get(name), str)}
            named |= {name: self._renamed(path) for name, path in texts.items()}
        return copy

    def _renamed(self, path: str) -> str:
        found = self.project.find(self.folder / path)
        if found is None:
            return path
        if not isinstance(self.project, Commit):
            return Path(os.path.relpath(found.resolve(), self.target.resolve())).as_posix()
        inside = Path(_COPIES) / found.resolve().relative_to(self.project.root)
        self.copies[inside.as_posix()] = found
        return inside.as_posix()

    def copy(self, data: Any, folder: Path) -> None:
        """Put what the template names of a commit's files into `folder`."""
        for one in {*leaves(data)} & self.copies.keys():
            found, copied = self.copies[one], folder / one
            copied.parent.mkdir(parents=True, exist_ok=True)
            if found.is_dir():
                shutil.copytree(found, copied, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copy2(found, copied)


def _is_here(data: Mapping[str, Any], name: str) -> bool:
    """Whether it is a function of SAM's that says no place: its code is the template's folder."""
    said = {*own(data, name), *usual(data)}
    return is_sam_function(data["Resources"][name]) and not _SAM_CODE & said
