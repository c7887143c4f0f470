"""What an account has in a region, in our own words: functions of every kind, and who invokes them.

boto3 makes the calls (`shim.aws.boto_account`); all of them only read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from shim.arch import Arch
from shim.aws.api import LATEST
from shim.aws.download import parse_link
from shim.aws.function import parse_function
from shim.check.runtimes import lambda_runtimes
from shim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.aws.api import Alias, Function
    from shim.aws.download import Link
    from shim.fields import Field

_REGION, _ACCOUNT, _QUALIFIER = 3, 4, 7
"""Where each stands in `arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A function as the API lists it, whatever it runs on."""

    name: str
    arn: str = ""
    """Without a qualifier; empty where nothing says it."""
    runtime: str
    """Empty for a container image."""
    architecture: str
    code_sha256: str
    code_size: int
    function: Function | None = None
    """None where shim can't say anything of it: `problem` says why."""
    problem: str = ""

    @property
    def region(self) -> str:
        """Empty where nothing says it."""
        return _part(self.arn, _REGION)

    @property
    def account(self) -> str:
        """Its number; empty where nothing says it."""
        return _part(self.arn, _ACCOUNT)

    @property
    def address(self) -> str:
        """What calls name it by."""
        return self.arn or self.name

    @property
    def is_os_only(self) -> bool:
        """Whether it runs on a runtime that shim is about."""
        return any(self.runtime == runtime.name for runtime in lambda_runtimes())


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """What `GetFunction` says."""

    listed: Listed
    tags: tuple[tuple[str, str], ...] = ()
    link: Link | None = None
    """None where the answer has none."""
    problem: str = ""
    """Why its tags aren't known, or its package isn't."""


class CallerKind(StrEnum):
    """What invokes a function."""

    EVENT_SOURCE = "event source"
    URL = "URL"
    PERMISSION = "permission"


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who invokes a function, or may: and which version or alias of it."""

    kind: CallerKind
    who: str
    """An event source, a principal and what narrows it, or how a URL's callers are known."""
    qualifier: str = LATEST
    """An alias's name, or a version's number."""


class AccountApi(Protocol):
    """An account in one region; each call waits for its turn, and raises `LambdaError`.

    `function` is a name or an ARN without a qualifier.
    """

    def functions(self) -> Iterator[Listed]:
        """All of them, page by page."""

    def describe(self, function: str) -> Described:
        """One of them, with its tags, and a fresh link to its package."""

    def layer(self, arn: str) -> Link:
        """A fresh link to a layer's version."""

    def event_sources(self) -> Iterator[tuple[str, Caller]]:
        """Every mapping, with the ARN of its function, without a qualifier."""

    def aliases(self, function: str) -> tuple[Alias, ...]:
        """All of them."""

    def urls(self, function: str) -> tuple[Caller, ...]:
        """Its URLs, and its aliases'."""

    def permissions(self, function: str, qualifier: str) -> tuple[Caller, ...]:
        """Who may invoke that version by the function's own policy; of roles' nothing is known."""


def split_arn(arn: str) -> tuple[str, str]:
    """A function's ARN without its qualifier, and that: `$LATEST` where there is none."""
    parts = arn.split(":")
    return ":".join(parts[:_QUALIFIER]), ":".join(parts[_QUALIFIER:]) or LATEST


def parse_listed(field: Field) -> Listed:
    """One function of `ListFunctions`, or a `Configuration`; `InputError` names the JSON path."""
    is_image = field.has("PackageType") and field["PackageType"].text() == "Image"
    architectures = list(field["Architectures"].items()) if field.has("Architectures") else []
    function, problem = _function(field)
    return Listed(
        name=field["FunctionName"].text(),
        arn=split_arn(field["FunctionArn"].text())[0] if field.has("FunctionArn") else "",
        runtime=field["Runtime"].text() if field.has("Runtime") and not is_image else "",
        architecture=architectures[0].text() if architectures else Arch.X86_64.value,
        code_sha256=field["CodeSha256"].text() if field.has("CodeSha256") else "",
        code_size=field["CodeSize"].whole() if field.has("CodeSize") else 0,
        function=function,
        problem=problem,
    )


def parse_described(answer: Field) -> Described:
    """What `GetFunction` answers, and `aws lambda get-function` prints."""
    listed = parse_listed(answer["Configuration"])
    tags = tuple(sorted(answer["Tags"].texts().items())) if answer.has("Tags") else ()
    link, problem = None, ""
    try:
        link = parse_link(answer["Code"], about=answer["Configuration"])
    except InputError as error:
        problem = error.message
    if answer.has("TagsError"):
        # `GetFunction` answers all the same (Lambda API reference, `TagsError`).
        problem = "its tags are not known: not permitted: lambda:ListTags"
    return Described(listed=listed, tags=tags, link=link, problem=problem)


def _part(arn: str, index: int) -> str:
    parts = arn.split(":")
    return parts[index] if index < len(parts) else ""


def _function(field: Field) -> tuple[Function | None, str]:
    try:
        return parse_function(field).function, ""
    except InputError as error:
        return None, error.message
