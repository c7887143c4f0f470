"""From a template on the command line to the surveys of its functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.check.survey import Survey, Unchecked, survey
from shim.cli import options
from shim.cli.day import today
from shim.errors import InputError
from shim.package.packages import Packages
from shim.templates.between import Judge
from shim.templates.project import project_of
from shim.templates.read import Reader

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

_SAID = ("layers", "runtime", "root", "image", "arch", "handler", "env", "from_file")
"""Options of `shim check` that say what a template says itself."""


def survey_templates(arguments: argparse.Namespace) -> tuple[list[Survey], list[Unchecked]]:
    """Every function in its own settings, and those that can't be checked; raises `InputError`."""
    given = [name for name in _SAID if getattr(arguments, name)]
    if given:
        option = {"from_file": "from", "layers": "layer"}.get(given[0], given[0])
        raise InputError(f"a template says itself what --{option} would")
    surveys: list[Survey] = []
    unchecked: list[Unchecked] = []
    for path in arguments.packages:
        _survey_template(path, arguments, surveys, unchecked)
    return surveys, unchecked


def _survey_template(
    path: Path, arguments: argparse.Namespace, surveys: list[Survey], unchecked: list[Unchecked]
) -> None:
    reader = Reader(project=project_of(path), given=options.template_given(arguments))
    template = reader.read_one(path)
    day = today()
    judge = Judge(Packages(), {}, day=day)
    for function in template.functions.values():
        side = (template, function)
        state, lacks = judge.state(side, side)
        name = f"{function.id} ({function.place})"
        if function.is_image:
            unchecked.append(Unchecked(function=name, reason="it is a container image"))
        elif state is None or lacks is not None:
            unchecked.append(Unchecked(function=name, reason=lacks or ""))
        else:
            surveys.append(
                survey(
                    state,
                    architectures=[state.arch],
                    runtimes=[state.runtime],
                    handler=state.handler,
                    day=day,
                    function=name,
                    may_inflate=arguments.explain,
                )
            )
