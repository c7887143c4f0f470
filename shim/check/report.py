"""A survey as JSON (docs/reference/check.schema.json) and as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shim import __version__
from shim.check.findings import CODES, Finding, Severity
from shim.check.rules import unzipped_size
from shim.check.verdict import Answer, worst
from shim.document import as_object, document
from shim.package.limits import read_limits
from shim.text import utf8

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shim.check.state import State
    from shim.check.survey import Survey, Unchecked
    from shim.package.executables import GoProgram

JSON_FORMAT = 1
"""Counted up when a reader of the JSON must know of a change."""

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(surveys: Iterable[Survey], unchecked: Iterable[Unchecked] = ()) -> dict[str, Any]:
    """All of it as plain values; docs/reference/check.schema.json says what is where."""
    surveys, unchecked = tuple(surveys), tuple(unchecked)
    content = {
        "answer": worst([*(one.answer for one in surveys), *(Answer.UNKNOWN for _ in unchecked)]),
        "packages": [_package(survey) for survey in surveys],
        "unchecked": [as_object(one) for one in unchecked],
    }
    return document(JSON_FORMAT, content)


def as_sarif(surveys: Iterable[Survey]) -> dict[str, Any]:
    """The findings as one run."""
    results = [
        _result(finding, survey.verdicts[0].state.package.path)
        for survey in surveys
        for finding in survey.findings
    ]
    return sarif("shim check", CODES, results)


def sarif(
    name: str, codes: Mapping[str, tuple[Severity, str]], results: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """One run of a command with these codes (OASIS SARIF 2.1.0)."""
    rules = [
        {
            "id": code,
            "shortDescription": {"text": f"{summary[0].upper()}{summary[1:]}"},
            "help": {"text": f"docs/reference/findings.md#{code}"},
            "defaultConfiguration": {"level": level(severity)},
        }
        for code, (severity, summary) in codes.items()
    ]
    driver = {"name": name, "version": __version__, "rules": rules}
    return {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": list(results)}],
    }


def sarif_artifact(path: str) -> dict[str, str]:
    """The file in which a finding is."""
    from urllib.parse import quote  # SARIF alone needs it

    return {"uri": quote(utf8(path))}


def finding_as_json(finding: Finding) -> dict[str, str]:
    """A finding as plain values."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "location": finding.location,
        "message": finding.sentence,
        "hint": finding.hint,
        "help": finding.url,
    }


def _package(survey: Survey) -> dict[str, Any]:
    state = survey.verdicts[0].state
    size = unzipped_size(state.package, *state.layers)
    return {
        "function": survey.function or None,
        "package": state.package.path,
        "layers": [layer.path for layer in state.layers],
        "absentLayers": list(state.absent_layers),
        "zipped": state.package.zipped,
        "unzipped": size,
        "left": read_limits().unzipped - size,
        "answer": survey.answer,
        "handlersLeftOut": survey.left_out,
        "goPrograms": [
            _go_program(place, program) for place, program in survey.go_programs.items()
        ],
        "states": [
            {
                **_state(one.state),
                "answer": one.answer,
                "reasons": [finding.code for finding in one.reasons],
            }
            for one in survey.verdicts
        ],
        "findings": [
            {
                **finding_as_json(finding),
                "states": [_state(state) for state in states],
            }
            for finding, states in survey.findings.items()
        ],
    }


def _go_program(place: str, program: GoProgram) -> dict[str, Any]:
    build = program.build
    return {
        "location": place,
        "strippable": program.strippable,
        "toolchain": build and build.toolchain,
        "path": build and build.path,
        "modules": build and build.versions,
        "settings": build and build.settings,
    }


def _state(state: State) -> dict[str, Any]:
    return {
        "handler": state.handler or None,
        "architecture": state.arch.value,
        "runtime": state.runtime.name,
    }


def _result(finding: Finding, checked: str) -> dict[str, Any]:
    """A finding on the package `checked`; one on no file, on its handler say, stands there too."""
    package, separator, _ = finding.location.partition("!/")
    artifact = sarif_artifact(package if separator else checked)
    sarif: dict[str, Any] = {"physicalLocation": {"artifactLocation": artifact}}
    if separator:
        sarif["logicalLocations"] = [{"fullyQualifiedName": finding.location}]
    return {
        "ruleId": finding.code,
        "ruleIndex": list(CODES).index(finding.code),
        "level": level(finding.severity),
        "message": {"text": f"{finding.location}: {finding.sentence}\n{finding.hint}"},
        "locations": [sarif],
    }


def level(severity: Severity) -> str:
    """SARIF has no word for what is not known."""
    return "warning" if severity is Severity.UNKNOWN else severity.value
