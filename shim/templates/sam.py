"""SAM's templates: its own translator makes CloudFormation of them, and each part keeps its place.

The translator drops lines; so every resource of SAM's is marked, and what comes of it has the mark.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from shim.errors import InputError, MachineError
from shim.templates.value import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shim.templates.source import Source

TRANSFORM = "AWS::Serverless-2016-10-31"
REGION = "us-east-1"
"""For the translator where none is given: it asks which kinds API Gateway has there."""

_OPEN = ("AWS::Region", "AWS::Partition")
_PREFIX = "AWS::Serverless::"
_MARK = "shim:source"
_PATHS = ("CodeUri", "ContentUri", "DefinitionUri", "SchemaUri")
"""What can be a path until `sam package` has put the file into S3."""

_OLD_NAMES = {
    "Body": "DefinitionBody",
    "Code": "CodeUri",
    "Content": "ContentUri",
    "DeadLetterConfig": "DeadLetterQueue",
    "DefinitionString": "Definition",
}
_REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
"""Where the translator is told that local images lie."""

_UNSAID = "shimunsaid"
"""What an alias is called, before the parameter that would say its name."""

_BUCKET = "shim-local"
"""Where the translator is told that local files lie."""


def is_sam(data: Mapping[str, Any]) -> bool:
    """Whether SAM transforms it: it says so, or it has resources that nothing else makes."""
    transform = data.get("Transform")
    if TRANSFORM in (transform if isinstance(transform, list) else [transform]):
        return True
    kinds = (one.get("Type") for one in _objects(data["Resources"]))
    return any(isinstance(kind, str) and kind.startswith(_PREFIX) for kind in kinds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Translated:
    """CloudFormation that SAM's translator has made, and where each part of it came from."""

    data: dict[str, Any]
    source: Source

    def place(self, path: tuple[str | int, ...]) -> Place:
        """In the source; without a line where no single resource there stands for it."""
        match path:
            case ["Resources", str(name), *rest]:
                pass
            case _:
                return self.source.place(path)
        resource = self.data["Resources"].get(name, {})
        metadata = resource.get("Metadata")
        origin = metadata.get(_MARK) if isinstance(metadata, dict) else None
        if origin is None:
            is_own = name in self.source.data["Resources"]
            place = self.source.place(path)
            return place if is_own else Place(file=place.file, path=place.path)
        return self.source.place(self._origin(origin, name, rest))

    def _origin(self, origin: str, name: str, rest: list[str | int]) -> tuple[str | int, ...]:
        """The property itself, the one of Globals, or the event that a resource was made for."""
        if name == origin and not rest:
            return ("Resources", origin)
        begin = ("Resources", origin, "Properties")
        whole = self.source.data["Resources"][origin]
        own = whole.get("Properties") if isinstance(whole, dict) else None
        properties = own if isinstance(own, dict) else {}
        if name == origin and len(rest) > 1:
            _, first, *others = rest
            named = first if first in properties else _OLD_NAMES.get(str(first), first)
            if named in properties:
                return (*begin, named, *others)
            shared = ("Globals", "Function", str(named))
            return shared if _has(self.source.data, shared) else begin
        events = properties.get("Events")
        made_for = [
            one
            for one in (events if isinstance(events, dict) else ())
            if name.removeprefix(origin).startswith(one)
        ]
        return (*begin, "Events", max(made_for, key=len)) if made_for else begin


def translate(source: Source, parameters: Mapping[str, Any], *, region: str | None) -> Translated:
    """What the translator makes of a template; `InputError` with the place for what it refuses."""
    translator = _import_translator()
    # What isn't given stays what it is: the translator would put its own region in its place.
    known = {name: _stand_in(name) for name in _OPEN}
    texts = {name: value for name, value in parameters.items() if isinstance(value, str)}
    try:
        data = translator(
            prepare(source.data, texts),
            {**known, **texts, **({"AWS::Region": region} if region else {})},
            region or REGION,
        )
    # It is written for templates that deploy, and fails in many ways on others.
    except Exception as error:
        raise InputError(_refusal(error, source)) from error
    copy = json.loads(json.dumps(data))
    _unpack(copy)
    return Translated(data=_opened(copy), source=source)


def prepare(data: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """A copy whose files are said to lie in S3, as `sam package` would leave it, and marked."""
    copy: dict[str, Any] = json.loads(json.dumps(data))
    for name, resource in copy["Resources"].items():
        if isinstance(resource, dict) and str(resource.get("Type")).startswith(_PREFIX):
            _prepare_resource(name, resource, copy)
    for section in (*_objects(copy.get("Globals")), *_properties_of(copy)):
        _name_alias(section, copy, given)
    for section in _objects(copy.get("Globals")):
        for name in _PATHS:
            if name in section:
                section[name] = _in_s3(section[name])
    return copy


def _stand_in(name: str) -> str:
    return f"shim-{name.lower().replace('::', '-')}-unknown"


def _opened(value: Any, *, is_sub: bool = False) -> Any:
    """With `${AWS::Region}` again where its stand-in has come to be."""
    if isinstance(value, dict):
        return {name: _opened(one, is_sub=name == "Fn::Sub") for name, one in value.items()}
    if isinstance(value, list):
        # Of a Sub's list the first is its text.
        return [_opened(one, is_sub=is_sub and not index) for index, one in enumerate(value)]
    if not isinstance(value, str) or not any(_stand_in(name) in value for name in _OPEN):
        return value
    text = value if is_sub else value.replace("${", "${!")
    for name in _OPEN:
        text = text.replace(_stand_in(name), f"${{{name}}}")
    return text if is_sub else {"Fn::Sub": text}


def _unpack(data: Mapping[str, Any]) -> None:
    """Local paths again, as CloudFormation's own templates have them before they are packaged."""
    for properties in _properties_of(data):
        for name in ("Code", "Content"):
            code = properties.get(name)
            if isinstance(code, dict) and code.get("S3Bucket") == _BUCKET:
                properties[name] = code.get("S3Key")
        for name in ("BodyS3Location", "DefinitionS3Location"):
            place = properties.get(name)
            if isinstance(place, dict) and place.get("Bucket") == _BUCKET:
                properties[name] = place.get("Key")
        alias = properties.get("Name")
        if isinstance(alias, str) and alias.startswith(_UNSAID):
            properties["Name"] = {"Ref": alias.removeprefix(_UNSAID)}


def _prepare_resource(name: str, resource: dict[str, Any], data: Mapping[str, Any]) -> None:
    properties = resource.setdefault("Properties", {})
    metadata = resource.setdefault("Metadata", {})
    if not isinstance(properties, dict) or not isinstance(metadata, dict):
        return
    metadata[_MARK] = name
    kind = resource["Type"]
    usual = next(_objects(data.get("Globals"), kind.rpartition(":")[2]), {})
    if kind == "AWS::Serverless::Function":
        _complete(properties, usual)
    if kind == "AWS::Serverless::Application" and not isinstance(properties.get("Location"), str):
        # The translator would look a published one up.
        properties["Location"] = "https://s3.amazonaws.com/bucket/template"
    for one in _PATHS:
        if one in properties:
            properties[one] = _in_s3(properties[one])
    if isinstance(properties.get("SchemaUri"), dict):
        properties["SchemaUri"] = f"s3://{_BUCKET}/schema"


def _properties_of(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in _objects(data["Resources"]):
        yield from _objects(resource, "Properties")


def _name_alias(section: dict[str, Any], data: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """The translator takes no alias whose name a parameter without a value would say."""
    for name in ("AutoPublishAlias", "AutoPublishCodeSha256"):
        match section.get(name):
            case {"Ref": str(parameter)} if parameter not in given:
                declared = next(_objects(data.get("Parameters"), parameter), {"Default": None})
                if "Default" not in declared:
                    section[name] = f"{_UNSAID}{parameter}"
            case _:
                pass
    if str(section.get("AutoPublishCodeSha256")).startswith(_UNSAID):
        del section["AutoPublishCodeSha256"]


def _complete(properties: dict[str, Any], usual: Mapping[str, Any]) -> None:
    """What `sam build` and `sam package` fill in: where the code is."""
    is_image = "Image" in (properties.get("PackageType"), usual.get("PackageType"))
    image = properties.get("ImageUri", usual.get("ImageUri", "image"))
    if is_image and isinstance(image, str) and ".dkr.ecr." not in image:
        properties["ImageUri"] = f"{_REGISTRY}/{image}"
    if not is_image and not {"CodeUri", "InlineCode", "ImageUri"} & {*properties, *usual}:
        properties["CodeUri"] = "."


def _in_s3(value: Any) -> Any:
    """A location that the translator takes, another one for each path."""
    if isinstance(value, dict) and "Bucket" in value:
        return value
    if isinstance(value, str) and value.startswith("s3://"):
        return value
    return {"Bucket": _BUCKET, "Key": value}


def _objects(value: Any, name: str | None = None) -> Iterator[dict[str, Any]]:
    """The objects in an object, or the one of that name."""
    if isinstance(value, dict):
        for key, one in value.items():
            if isinstance(one, dict) and name in {None, key}:
                yield one


def _has(data: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(data, dict) or name not in data:
            return False
        data = data[name]
    return True


def _refusal(error: Exception, source: Source) -> str:
    """The translator's own words, with the line of the resource that they are about."""
    first = next(iter(getattr(error, "causes", ())), error)
    words = getattr(first, "message", None) or f"{type(first).__name__}: {first}"
    # What it makes is called after what it makes it for.
    made = str(getattr(first, "_logical_id", ""))
    name = max((one for one in source.data["Resources"] if made.startswith(one)), default="")
    line = source.place(("Resources", name)).line if name else None
    return f"{f'line {line}: ' if line else ''}SAM's translator refuses it: {words}"


def _import_translator() -> Callable[[dict[str, Any], dict[str, Any], str], dict[str, Any]]:
    try:
        from samtranslator.parser.parser import Parser
        from samtranslator.translator.translator import Translator
    except ModuleNotFoundError as error:
        raise MachineError(
            "SAM's templates are read with aws-sam-translator, which is not installed",
            hint="pip install 'lambda-shim[templates]'",
        ) from error

    # It keeps metrics for AWS's own service, and warns that nobody asks for them.
    logging.getLogger("samtranslator").addHandler(logging.NullHandler())

    def translator(data: dict[str, Any], parameters: dict[str, Any], region: str) -> dict[str, Any]:
        # Of a session it asks the region, and would else look for one in the user's settings.
        session = SimpleNamespace(region_name=region)
        translated: dict[str, Any] = Translator(None, Parser(), boto_session=session).translate(
            data,
            parameters,
            passthrough_metadata=True,
            # Names of managed policies stay names: to look them up takes an account.
            get_managed_policy_map=dict,
        )
        return translated

    return translator
