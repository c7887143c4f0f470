"""A deployment folder for each function that can go: what `shim deploy` carries out."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shim.aws.function import state_of
from shim.check.verdicts import Verdicts
from shim.deploy.folder import PLAN, make_folder
from shim.errors import InputError
from shim.package.names import file_stem
from shim.package.read import read_package
from shim.plan.bridge.planning import Bridged, find_bridged_plan, written
from shim.plan.document import as_document
from shim.plan.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from shim.aws.account import Listed
    from shim.aws.api import Function
    from shim.scan.wanted import Wanted


class FolderWriter:
    """Writes below one folder: `REGION/NAME`, what is there already is left as it is."""

    def __init__(self, into: Path, wanted: Wanted, *, day: date) -> None:
        self._into, self._wanted, self._day = into, wanted, day
        self.count = 0
        """Folders that are there now, of the functions that it was given."""

    def write(self, listed: Listed, package: Path, layers: Mapping[str, Path]) -> None:
        """For a function that is ready; its layers' zips by ARN."""
        function = listed.function
        if function is None or not function.revision:
            raise InputError(
                "a saved scan doesn't say all of a function, its environment above all"
            )
        path = self._into / file_stem(listed.region) / file_stem(listed.name)
        if not (path / PLAN).exists():
            self._make(path, listed, function, package, layers)
        self.count += 1

    def _make(
        self,
        path: Path,
        listed: Listed,
        function: Function,
        package: Path,
        layers: Mapping[str, Path],
    ) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        read = {arn: read_package(layers[arn]) for arn in function.layers}
        begin = state_of(function, read_package(package), tuple(read.values()))
        verdicts = Verdicts(day=self._day)
        with TemporaryDirectory(prefix="shim-bridge-") as bridges:
            found = find_bridged_plan(
                begin,
                self._wanted.state(begin),
                verdicts=verdicts,
                day=self._day,
                folder=Path(bridges),
            )
            assert isinstance(found, Bridged)  # noqa: S101 - it was judged to be ready
            with written(found, verdicts=verdicts) as bridged:
                document = as_document(
                    bridged.plan,
                    verdicts=verdicts,
                    day=self._day,
                    arns={layer: arn for arn, layer in read.items()},
                    bridges=bridged.bridges,
                    target=Target(name=listed.name, arn=listed.arn, revision=function.revision),
                )
                make_folder(path, document)
