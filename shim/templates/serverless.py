"""What `serverless package` leaves: a template, zips beside it, others where they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.fields import naming, read_json
from shim.templates.project import read_inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shim.templates.project import Project
    from shim.templates.value import Content

SERVERLESS = "cloudformation-template-update-stack.json"
_STATE = "serverless-state.json"


def read_uploads(project: Project, folder: Path) -> Callable[[str], Path | None]:
    """Finds the zip that will have a key in S3; where two may be meant, none."""
    named: set[str] = set()
    state = folder / _STATE
    if project.find(state):
        data = read_inside(project, state)
        with naming(project.name(state)):
            named.update(_artifacts(read_json(data)["service"].value))

    def find(key: str) -> Path | None:
        name = key.rpartition("/")[2]
        beside = project.find(folder / name)
        # An artifact that is given isn't copied: it stays where it is, seen from the service.
        given = [one for one in named if one.rpartition("/")[2] == name]
        return beside or (project.find(folder.parent / given[0]) if len(given) == 1 else None)

    return find


def _artifacts(content: Content) -> Iterator[str]:
    """Every `package.artifact`, of the service, a function or a layer."""
    waiting = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            artifact = one.get("artifact")
            if isinstance(artifact, str):
                yield artifact
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
