"""An account in one region through boto3, held to its rates; see `shim.aws.account.AccountApi`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shim.aws.account import parse_described, parse_listed
from shim.aws.api import LATEST, NotFound
from shim.aws.callers import parse_event_source, parse_policy, parse_url
from shim.aws.download import parse_link
from shim.aws.function import parse_alias
from shim.aws.outcome import calling
from shim.fields import Field, naming

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.aws.account import Caller, Described, Listed
    from shim.aws.api import Alias
    from shim.aws.download import Link
    from shim.aws.pace import Pace


class BotoAccount:
    """Of a `lambda` client, which may try again by itself: nothing that is called changes a thing.

    Threads share it.
    """

    def __init__(self, client: Any, pace: Pace) -> None:
        self._client, self._pace = client, pace

    def functions(self) -> Iterator[Listed]:
        """See `AccountApi`."""
        for one in self._pages("list_functions", "Functions"):
            yield parse_listed(one)

    def describe(self, function: str) -> Described:
        """See `AccountApi`."""
        answer = self._call("get_function", FunctionName=function)
        with naming("GetFunction"):
            return parse_described(answer)

    def layer(self, arn: str) -> Link:
        """See `AccountApi`."""
        content = self._call("get_layer_version_by_arn", Arn=arn)["Content"]
        with naming("GetLayerVersionByArn"):
            return parse_link(content, about=content)

    def event_sources(self) -> Iterator[tuple[str, Caller]]:
        """See `AccountApi`."""
        for one in self._pages("list_event_source_mappings", "EventSourceMappings"):
            if one.has("FunctionArn"):
                yield parse_event_source(one)

    def aliases(self, function: str) -> tuple[Alias, ...]:
        """See `AccountApi`."""
        pages = self._pages("list_aliases", "Aliases", FunctionName=function)
        with naming("ListAliases"):
            return tuple(map(parse_alias, pages))

    def urls(self, function: str) -> tuple[Caller, ...]:
        """See `AccountApi`."""
        pages = self._pages(
            "list_function_url_configs", "FunctionUrlConfigs", FunctionName=function
        )
        return tuple(map(parse_url, pages))

    def permissions(self, function: str, qualifier: str) -> tuple[Caller, ...]:
        """See `AccountApi`."""
        # `$LATEST` is asked for without a qualifier: by that name it has no policy of its own.
        which = {} if qualifier == LATEST else {"Qualifier": qualifier}
        try:
            answer = self._call("get_policy", FunctionName=function, **which)
        except NotFound:
            return ()
        with naming("GetPolicy"):
            return tuple(parse_policy(answer["Policy"].text(), qualifier))

    def _pages(self, call: str, name: str, **fields: Any) -> Iterator[Field]:
        """What all pages list, each asked for when the one before it has been gone through."""
        marker: dict[str, str] = {}
        while True:
            answer = self._call(call, **fields, **marker)
            with naming(call):
                yield from answer[name].items()
            if not answer.has("NextMarker"):
                return
            marker = {"Marker": answer["NextMarker"].text()}

    def _call(self, call: str, **fields: Any) -> Field:
        operation = "".join(part.capitalize() for part in call.split("_"))
        self._pace.wait(operation)
        with calling(operation):
            return Field(value=getattr(self._client, call)(**fields))
