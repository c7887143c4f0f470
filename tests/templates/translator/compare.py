"""One template three ways: SAM's source, what SAM's translator makes of it, and by hand."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.templates.builders import reader
from tests.templates.facts import differences

if TYPE_CHECKING:
    from pathlib import Path

    from tests.templates.translator.generate import Made

REGION = "eu-west-1"
_PACKAGED = "packaged"


def compare(made: Made, folder: Path) -> list[str]:
    """What the other two readings of it differ in from that of SAM's source."""
    given = {"parameters": made.given, "region": REGION}
    ways = {"sam": made.sam, "translated": translated(made.sam, made.given), "plain": made.plain}
    found = {}
    for name, document in ways.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(document))
        found[name] = reader(folder, **given).read_one(path)
    return [
        f"{name} {each}"
        for name in ("translated", "plain")
        for each in differences(found["sam"], found[name])
    ]


def translated(template: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """What CloudFormation's transform makes of what `sam package` has made of a template."""
    packaged = copy.deepcopy(template)
    globals_ = packaged.get("Globals", {}).get("Function", {})
    resources = [one.get("Properties", {}) for one in packaged["Resources"].values()]
    for properties in (globals_, *resources):
        for name in ("CodeUri", "ContentUri"):
            if isinstance(uri := properties.get(name), str) and not uri.startswith("s3:"):
                properties[name] = {"Bucket": _PACKAGED, "Key": uri}
    session = SimpleNamespace(region_name=REGION)
    data: dict[str, Any] = Translator({}, Parser(), boto_session=session).translate(
        packaged, {**parameters, "AWS::Region": REGION}
    )
    # A path again, as by hand.
    for resource in data["Resources"].values():
        for name in ("Code", "Content"):
            code = resource.get("Properties", {}).get(name)
            if isinstance(code, dict) and code.get("S3Bucket") == _PACKAGED:
                resource["Properties"][name] = code["S3Key"]
    return data
