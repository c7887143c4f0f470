"""Which tool has made a function, as far as its tags say: that tool would put changes back.

CloudFormation tags all that it makes itself (`aws:` is AWS's own; nobody else can set it), SAM and
Serverless, which deploy through it, add a tag each. Terraform and Pulumi leave none of their own:
known are the tags that teams usually give all of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_STACK = "aws:cloudformation:stack-name"
_MARKS = (("lambda:createdBy", "SAM", "SAM"), ("STAGE", None, "Serverless"))
"""On functions of a stack: a tag, its value where that tells, and the tool."""

_MANAGERS = ("managedby", "createdby", "provisionedby", "deployedby", "provisioner")
"""Tags, in small letters without `-`, `_` and `:`, whose value is a tool's name."""

_TOOLS = {"terraform": "Terraform", "opentofu": "OpenTofu", "pulumi": "Pulumi"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """A tool, and what it calls that which the function belongs to."""

    tool: str
    name: str
    """The stack's; empty where the tags don't say it."""
    tag: str
    """Which says so."""

    def __str__(self) -> str:
        return f"{self.tool} {self.name}".rstrip()


def owner_of(tags: Mapping[str, str]) -> Owner | None:
    """The tool that a function's tags name; None where they name none: there may be one still."""
    if _STACK in tags:
        for tag, value, tool in _MARKS:
            if tag in tags and value in {None, tags[tag]}:
                return Owner(tool=tool, name=tags[_STACK], tag=tag)
        return Owner(tool="CloudFormation", name=tags[_STACK], tag=_STACK)
    for tag, value in tags.items():
        word = tag.lower()
        for separator in "-_: ":
            word = word.replace(separator, "")
        if word in _MANAGERS and value.lower() in _TOOLS:
            return Owner(tool=_TOOLS[value.lower()], name="", tag=tag)
        if word in _TOOLS or word.startswith("pulumi"):
            return Owner(tool=_TOOLS.get(word, "Pulumi"), name="", tag=tag)
    return None
