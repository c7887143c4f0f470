"""Which calls a scan sends, how long that takes at the account's rates, and who may send them."""

from __future__ import annotations

import re
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any

from shim.aws.pace import OTHERS, read_rates
from shim.aws.permissions import Resource, policy
from shim.scan.summary import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shim.aws.permissions import Place

SHARE = 0.8
"""Of the account's rates: the rest is left to whoever deploys meanwhile."""

_TAGS = "ListTags"
"""Not called: but `GetFunction` shows tags to those alone who might."""

_CALLERS = ("ListAliases", "GetPolicy", "ListFunctionUrlConfigs")
"""What it takes to know who invokes a function; `GetPolicy` once more for each alias."""

_SOURCES = "ListEventSourceMappings"
"""The same, for all functions at once."""

_BRACKETS = re.compile(r"\[[^]]+\]")
"""What a name's pattern may have, and IAM's may not."""

_PATIENCE = 120
"""Seconds from which on minutes are said."""


def seconds(functions: int, *, asks_callers: bool) -> float:
    """How long the calls for so many functions take at the rates that the scan holds itself to.

    Downloads, aliases' own policies and the list itself come on top.
    """
    calls = {"GetFunction": functions}
    if asks_callers:
        calls |= dict.fromkeys(_CALLERS, functions)
    return _seconds(calls)


def _seconds(calls: Mapping[str, int]) -> float:
    """Each rate is used beside the others: the slowest one counts."""
    rates = read_rates()
    spent = dict.fromkeys(rates, 0.0)
    for call, count in calls.items():
        rate = call if call in rates else OTHERS
        spent[rate] += count / (rates[rate] * SHARE)
    return max(spent.values())


def in_words(functions: int, region: str, *, asks_callers: bool) -> str:
    """What is about to be done, for people who have to wait for it."""
    time = seconds(functions, asks_callers=asks_callers)
    is_long = time >= _PATIENCE
    takes = counted(ceil(time / 60), "minute") if is_long else counted(ceil(time), "second")
    without = "" if asks_callers else ", without asking who invokes them"
    what = counted(functions, "function")
    return f"{what} in {region}: about {takes} at the account's rates{without}"


def scan_policy(
    names: Sequence[str], places: Sequence[Place], *, asks_callers: bool
) -> dict[str, Any]:
    """The least that a scan of functions with these names needs there, as an IAM policy."""
    calls = ["ListFunctions", "GetFunction", _TAGS, "GetLayerVersionByArn"]
    if asks_callers:
        calls += [_SOURCES, *_CALLERS]
    patterns = [_BRACKETS.sub("?", name) for name in names or ("*",)]
    layers = [replace(one, account="*").arn(Resource.LAYER_VERSION, "*") for one in places]
    resources = {
        Resource.FUNCTION: [
            arn for one in places for name in patterns for arn in one.function(name)
        ],
        Resource.LAYER_VERSION: layers,
    }
    return policy(calls, resources)
