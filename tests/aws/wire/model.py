"""Lambda's REST API by botocore's service model: what a request says, and how an answer is written.

Nothing passes that the model doesn't know. What a client library can't have meant, an unknown field
or a value of another type, is a `Malformed`; what breaks a limit of the model, a pattern or a set
of values, is what AWS itself answers with a `ValidationException`.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMMON_ERRORS = {
    "AccessDeniedException": 403,
    "RequestEntityTooLargeException": 413,
    "ValidationException": 400,
}
"""What every service of AWS may answer, and no operation's model lists: its HTTP status."""


class Malformed(Exception):
    """A request or an answer that is none by the model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request as it came; header names are in lower case."""

    method: str
    target: str
    """Path and query, as sent."""
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer to send."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request that the model knows."""

    operation: Any
    """botocore's `OperationModel`."""
    parameters: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Such as `GetFunction`."""
        return str(self.operation.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Route:
    """What leads to an operation."""

    operation: Any
    path: re.Pattern[str]
    query: frozenset[tuple[str, str]]


def read_call(request: Request) -> Call | None:
    """The call that a request makes; None where the path is none of Lambda's."""
    parts = urlsplit(request.target)
    query = parse_qsl(parts.query, keep_blank_values=True)
    for route in _routes():
        found = route.path.fullmatch(parts.path)
        if found and route.operation.http["method"] == request.method and route.query <= {*query}:
            texts = {name: unquote(text) for name, text in found.groupdict().items()}
            rest = [pair for pair in query if pair not in route.query]
            return Call(
                operation=route.operation,
                parameters=_parameters(route.operation, texts, rest, request),
            )
    return None


def broken_limits(call: Call) -> list[str]:
    """What in a call is not within the model's patterns, sizes and sets of values."""
    return list(_broken_limits(call.operation.input_shape, call.parameters, ""))


def write_answer(call: Call, values: Mapping[str, Any]) -> Answer:
    """The answer of an operation; raises `Malformed` where the model has no such one."""
    shape = call.operation.output_shape
    _check(call, shape, values)
    if problems := list(_broken_limits(shape, values, "")):
        raise Malformed(f"answer of {call.name}: {'; '.join(problems)}")
    headers, status, body = _placed(shape, values)
    payload = shape.serialization.get("payload")
    data = values.get(payload, b"") if payload else json.dumps(body).encode()
    usual = call.operation.http.get("responseCode", 200)
    return Answer(status=status or usual, headers=headers, body=data)


def write_error(call: Call, code: str, message: str, **members: str) -> Answer:
    """An error that the operation may answer; raises `Malformed` where it may not."""
    headers, body, status = (
        {"x-amzn-ErrorType": code},
        {"Message": message},
        COMMON_ERRORS.get(code),
    )
    if status is None:
        shape = next((one for one in call.operation.error_shapes if one.name == code), None)
        if shape is None:
            raise Malformed(f"no error that {call.name} answers: {code}")
        name = "Message" if "Message" in shape.members else "message"
        values = {"Type": "User", name: message, **members}
        _check(call, shape, values)
        more, _, body = _placed(shape, values)
        headers |= more
        status = shape.metadata["error"]["httpStatusCode"]
    return Answer(status=status, headers=headers, body=json.dumps(body).encode())


def _placed(
    shape: Any, values: Mapping[str, Any]
) -> tuple[dict[str, str], int | None, dict[str, Any]]:
    """Which of the values are headers, which is the status, and which make the body."""
    headers: dict[str, str] = {}
    body: dict[str, Any] = {}
    status = None
    for name, value in values.items():
        member = shape.members[name]
        match member.serialization.get("location"):
            case "header":
                headers[_wire_name(member, name)] = str(value)
            case "statusCode":
                status = value
            case _:
                body[_wire_name(member, name)] = _to_json(member, value)
    return headers, status, body


@cache
def _routes() -> tuple[_Route, ...]:
    """The more of a query an operation's address names, the earlier it is."""
    service = ServiceModel(Loader().load_service_model("lambda", "service-2"), "lambda")
    operations = map(service.operation_model, service.operation_names)
    routes = [_route(operation) for operation in operations]
    return tuple(sorted(routes, key=lambda route: -len(route.query)))


def _route(operation: Any) -> _Route:
    path, _, query = operation.http["requestUri"].partition("?")
    pattern = re.sub(r"{(\w+)\+?}", r"(?P<\1>[^/]+)", path)
    return _Route(
        operation=operation,
        path=re.compile(pattern.rstrip("/") + "/?"),
        query=frozenset(parse_qsl(query)),
    )


def _parameters(
    operation: Any, texts: Mapping[str, str], query: list[tuple[str, str]], request: Request
) -> dict[str, Any]:
    shape, found = operation.input_shape, {}
    left = dict(query)
    if len(left) != len(query):
        raise Malformed(f"request for {operation.name}: a word of the query twice: {query}")
    for name, member in shape.members.items() if shape else ():
        place = {"uri": texts, "querystring": left, "header": request.headers}.get(
            member.serialization.get("location", "")
        )
        wire_name = _wire_name(member, name)
        key = wire_name.lower() if place is request.headers else wire_name
        if place is not None and key in place:
            found[name] = _from_text(member, place[key])
            left.pop(key, None)
    if left:
        raise Malformed(f"request for {operation.name}: unknown in its query: {', '.join(left)}")
    found |= _body(operation, request.body)
    _check(Call(operation=operation, parameters=found), shape, found)
    return found


def _body(operation: Any, body: bytes) -> dict[str, Any]:
    shape = operation.input_shape
    if shape and (payload := shape.serialization.get("payload")):
        return {payload: body} if body else {}
    if not body:
        return {}
    try:
        return dict(_from_json(shape, json.loads(body)))
    except (ValueError, TypeError) as error:
        raise Malformed(f"request for {operation.name}: its body: {error}") from error


def _check(call: Call, shape: Any, values: Mapping[str, Any]) -> None:
    report = ParamValidator().validate(dict(values), shape) if shape else None
    if report and report.has_errors():
        raise Malformed(f"{call.name}, {shape.name}: {report.generate_report()}")


def _wire_name(shape: Any, name: str) -> str:
    return str(shape.serialization.get("name", name))


def _from_text(shape: Any, text: str) -> Any:
    match shape.type_name:
        case "integer" | "long":
            return int(text)
        case "boolean":
            return text == "true"
        case _:
            return text


def _from_json(shape: Any, value: Any) -> Any:
    """The value with blobs decoded; what doesn't fit is left for the check, which says so."""
    match shape.type_name, value:
        case "structure", dict():
            members = {_wire_name(member, name): name for name, member in shape.members.items()}
            return {
                members.get(key, key): _from_json(shape.members[members[key]], one)
                if key in members
                else one
                for key, one in value.items()
            }
        case "map", dict():
            return {key: _from_json(shape.value, one) for key, one in value.items()}
        case "list", list():
            return [_from_json(shape.member, one) for one in value]
        case "blob", str():
            return b64decode(value, validate=True)
        case _:
            return value


def _to_json(shape: Any, value: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {
                _wire_name(shape.members[name], name): _to_json(shape.members[name], one)
                for name, one in value.items()
            }
        case "map":
            return {key: _to_json(shape.value, one) for key, one in value.items()}
        case "list":
            return [_to_json(shape.member, one) for one in value]
        case "blob":
            return b64encode(value).decode()
        case "timestamp":
            return value.timestamp()
        case _:
            return value


def _broken_limits(shape: Any, value: Any, where: str) -> Iterator[str]:
    """botocore's own validator leaves these to the service."""
    for name, inner, one in _inside(shape, value):
        yield from _broken_limits(inner, one, f"{where}{name}".lstrip("."))
    if shape is None:
        return
    size = len(value) if hasattr(value, "__len__") else value
    if "max" in shape.metadata and size > shape.metadata["max"]:
        yield f"{where} is more than {shape.metadata['max']}: {size}"
    if shape.type_name != "string":
        return
    if shape.enum and value not in shape.enum:
        yield f"{where} is not one of {', '.join(shape.enum)}: {value}"
    if not _pattern(shape.metadata.get("pattern", ".*")).fullmatch(value):
        yield f"{where} doesn't match {shape.metadata['pattern']}: {value}"


def _inside(shape: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    """What a value is made of: the way to it, its shape, and itself."""
    match shape.type_name if shape else None:
        case "structure":
            for name, one in value.items():
                yield f".{name}", shape.members[name], one
        case "map":
            for key, one in value.items():
                yield ", a key", shape.key, key
                yield f"[{key}]", shape.value, one
        case "list":
            for index, one in enumerate(value):
                yield f"[{index}]", shape.member, one
        case _:
            pass


@cache
def _pattern(text: str) -> re.Pattern[str]:
    r"""The model has patterns as Java writes them; Python knows no `\p{L}`: all but a control."""
    return re.compile(re.sub(r"\\p{[LZN]}", r"\\w ", text), re.DOTALL)
