"""From a command line to deployment folders: found, or made of a plan or of a change."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.check.verdicts import Verdicts
from shim.cli.change import read_change
from shim.cli.change_options import check_change_arguments, given_options
from shim.cli.packing import packing
from shim.cli.sources import Saved, open_source
from shim.deploy.folder import PLAN, DeploymentFolder, find_folders, make_folder
from shim.document import as_object
from shim.errors import ExitCode, InputError, ShimError
from shim.fields import naming, read_file, read_json
from shim.package.names import file_stem
from shim.package.packages import code_sha256
from shim.plan.bridge.planning import Unbridged, written
from shim.plan.document import as_document
from shim.plan.saved import read_plan
from shim.plan.search import NoPlan
from shim.plan.target import Target, named_target, target_of

if TYPE_CHECKING:
    import argparse
    from datetime import date

    from shim.check.state import State
    from shim.cli.change import Change
    from shim.cli.sources import Paths, Source

SUFFIX = ".deployment"
"""What the name of a folder ends with that a command makes."""


class NoWay(ShimError):
    """There is no plan for what was asked for."""

    exit_code = ExitCode.NO


def deployment_folders(arguments: argparse.Namespace, *, day: date) -> tuple[DeploymentFolder, ...]:
    """Those that are named; or one of a plan or a change, made where it isn't there yet."""
    what: list[Path] = arguments.what
    if not what:
        return (_of_change(arguments, day),)
    beside = set(given_options(arguments))
    is_plan = any(path.is_file() for path in what)
    if is_plan:
        beside.discard("--function")
    if beside:
        raise InputError(f"what is named has all that {min(beside)} would say")
    if not is_plan:
        return find_folders(what)
    if len(what) > 1:
        raise InputError("one plan at a time, or any number of deployment folders")
    return (_of_plan(what[0], arguments),)


def _of_plan(path: Path, arguments: argparse.Namespace) -> DeploymentFolder:
    folder: Path = arguments.into or path.with_suffix(SUFFIX)
    with naming(str(path)):
        text = read_file(path)
        document: dict[str, Any] = read_json(text).value
        if (folder / PLAN).exists():
            return _same(folder, document)
        saved = read_plan(text, folder=path.parent)
        target = saved.target
        if arguments.function:
            target = named_target(arguments.function)
        if target is None:
            raise InputError(
                "it doesn't say which function it is for", hint="say it: `--function NAME`"
            )
        if saved.target and saved.target.name != target.name:
            raise InputError(f"it is for another function: `{saved.target.name}`")
    packages = [{**one, "path": path.parent / one["path"]} for one in document["packages"]]
    function = as_object(saved.target or target)
    return make_folder(folder, {**document, "packages": packages, "function": function})


def _same(path: Path, document: dict[str, Any]) -> DeploymentFolder:
    """The folder, if it was made of this very plan."""
    folder = DeploymentFolder(path)
    made = read_json(read_file(path / PLAN)).value
    if _without_paths(made) != _without_paths(document):
        raise _other(path)
    return folder


def _without_paths(document: dict[str, Any]) -> Any:
    packages = [{**one, "path": None} for one in document["packages"]]
    return {**document, "packages": packages, "function": None}


def _of_change(arguments: argparse.Namespace, day: date) -> DeploymentFolder:
    check_change_arguments(arguments)
    target = target_of(open_source(arguments, {}).function().named)
    if target is None:
        raise InputError("the file doesn't say which function it is: `FunctionName`")
    path: Path = arguments.into or Path(f"{file_stem(target.name)}{SUFFIX}")
    if (path / PLAN).exists():
        folder = DeploymentFolder(path)
        _check_same(folder, target, arguments)
        return folder
    return _planned(read_change(arguments), path, arguments, day)


def _check_same(folder: DeploymentFolder, target: Target, arguments: argparse.Namespace) -> None:
    """Where the folder's deployment stands half-way, the account no longer says what it began with.

    So what was asked for is put together with what the folder's plan begins with.
    """
    deployment = folder.read()

    def source(arguments: argparse.Namespace, paths: Paths) -> Source:
        return Saved(deployment, open_source(arguments, paths))

    change = read_change(arguments, source=source)
    is_same = _facts(change.wanted) == _facts(deployment.latest.wanted)
    if deployment.target.address != target.address or not is_same:
        raise _other(folder.path)


def _facts(state: State) -> tuple[object, ...]:
    """What tells two states apart whose packages lie in different places."""
    return (
        *(code_sha256(state.package), *map(code_sha256, state.layers), state.absent_layers),
        *(state.arch, state.runtime.name, state.handler, state.environment),
    )


def _other(path: Path) -> InputError:
    return InputError(
        f"this deployment folder is there already, for another change: `{path}`",
        hint="go on with that one by its name, or name another folder: `--into FOLDER`",
    )


def _planned(
    change: Change, path: Path, arguments: argparse.Namespace, day: date
) -> DeploymentFolder:
    verdicts = Verdicts(day=day)
    about: Any = {"verdicts": verdicts, "day": day, "arns": change.arns, "target": change.target}
    if change.alias is not None:
        found = change.alias_plan(change.alias, verdicts, day=day, shares=arguments.shares)
        if isinstance(found, NoPlan):
            raise _no_way(found)
        return make_folder(path, as_document(found, **about))
    with tempfile.TemporaryDirectory(prefix="shim-bridge-") as folder:
        answer = change.bridged_plan(verdicts, day=day, folder=Path(folder))
        if isinstance(answer, Unbridged):
            raise _no_way(answer.answer, *answer.reasons)
        size = sum(package.size for package in answer.bridges)
        with (
            packing(size) as progress,
            written(answer, verdicts=verdicts, progress=progress) as bridged,
        ):
            document = as_document(bridged.plan, bridges=bridged.bridges, **about)
            return make_folder(path, document)


def _no_way(answer: NoPlan, *reasons: str) -> NoWay:
    return NoWay(
        "; ".join([f"no plan: {answer.reason}", *reasons]),
        hint="`shim plan` with the same options shows what is in the way",
    )
