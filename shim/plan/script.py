"""A plan as a shell script of `aws lambda …` calls, each sent when the last has taken hold."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, assert_never

from shim.arch import Arch
from shim.package.limits import read_limits
from shim.package.names import layer_name
from shim.package.packages import code_sha256
from shim.plan.alias import AliasPlan, AliasStep, InvokeVersion, MoveAlias, PublishVersion
from shim.plan.plan import Plan
from shim.plan.step import UpdateCode, UpdateConfiguration

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from shim.check.state import State
    from shim.package.read import Package

_FUNCTIONS = Path(__file__).with_name("script.sh")
"""What every script begins with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Script:
    """What the lines of a script have in common."""

    arns: Mapping[Package, str]
    published: Mapping[Package, str]
    """The variables with the ARNs of the layers that the script publishes."""

    def step(self, step: AliasStep, then: State | None) -> Iterator[str]:
        """The call; `then` is what the function has to be after it, where it changes it."""
        match step:
            case UpdateCode():
                yield from _upload(step.package)
                yield from _call(
                    "update-function-code",
                    _content(step.package, "--zip-file", "--s3-bucket", "--s3-key"),
                    f"--architectures {step.arch}",
                    '--revision-id "$revision"',
                )
            case UpdateConfiguration():
                if step.environment is not None:
                    variables = json.dumps({"Variables": dict(step.environment)})
                    yield f'printf %s {quote(variables)} >"$work/environment"'
                yield from _call(
                    "update-function-configuration",
                    *self._fields(step),
                    '--revision-id "$revision"',
                )
            case PublishVersion():
                known = f"--code-sha256 {quote(step.code_sha256)}" if step.code_sha256 else ""
                yield from _call(
                    "publish-version",
                    *filter(None, [known]),
                    '--revision-id "$revision"',
                    into="version",
                    query="Version",
                )
                yield (
                    'aws lambda wait published-version-active --function-name "$function"'
                    ' --qualifier "$version"'
                )
            case InvokeVersion():
                yield from _invoke()
            case MoveAlias():
                yield from _move(step)
            case _:
                assert_never(step)
        if then is not None:
            yield from self.wanted(then)
            yield "took_hold"

    def wanted(self, state: State) -> Iterator[str]:
        """What `compare` holds the function against."""
        yield f"wanted_code={quote(code_sha256(state.package) or '')}"
        yield f"wanted_architecture={state.arch}"
        yield f"wanted_runtime={quote(state.runtime.name)}"
        yield f"wanted_handler={quote(state.handler)}"
        yield f"wanted_layers={self._layers(state)}"
        names = sorted(dict(state.environment))
        found = f"Environment.Variables.{_compact(names)}" if names else "`[]`"
        yield f"values={quote(found)}"
        values = [dict(state.environment)[name] for name in names]
        yield f"wanted_environment={quote(_compact([names, values]))}"

    def _layers(self, state: State) -> str:
        """As `to_string` has them; empty where not all are known."""
        known = {layer: f"${variable}" for layer, variable in self.published.items()}
        known |= {layer: _escaped(arn) for layer, arn in self.arns.items()}
        if not known.keys() >= set(state.layers):
            return ""
        arns = [*(known[layer] for layer in state.layers), *map(_escaped, state.absent_layers)]
        return '"[' + ",".join(f'\\"{arn}\\"' for arn in arns) + ']"'

    def _fields(self, step: UpdateConfiguration) -> Iterator[str]:
        if step.runtime is not None:
            yield f"--runtime {quote(step.runtime.name)}"
        if step.handler is not None:
            yield f"--handler {quote(step.handler)}"
        if step.layers is not None:
            yield f"--layers {' '.join(map(self._arn, step.layers)) or quote('[]')}"
        if step.environment is not None:
            yield '--environment "file://$work/environment"'

    def _arn(self, layer: Package) -> str:
        return quote(self.arns[layer]) if layer in self.arns else f'"${self.published[layer]}"'


def aws_script(
    plan: Plan | AliasPlan,
    *,
    name: str,
    arns: Mapping[Package, str],
    unknown: Collection[int] = (),
) -> str:
    """The script for the function `name`; layers that have no ARN are published by it.

    It says of which calls it is `unknown` whether the function starts after them, from 1.
    """
    latest = plan if isinstance(plan, Plan) else plan.latest
    unpublished = _unpublished(latest, arns)
    published = {layer: f"layer_{number}" for number, layer in zip(count(1), unpublished)}
    script = _Script(arns=arns, published=published)
    lines = [
        "#!/bin/sh",
        "# What stands in single quotes is meant as it stands.",
        "# shellcheck disable=SC2016",
        "set -eu",
        f"function={quote(name)}",
        *_asked_for(plan, (*_packages(latest), *unpublished)),
        "",
        _FUNCTIONS.read_text("utf-8"),
        "# What the function was when the plan was made.",
        *script.wanted(latest.begin),
        "settle",
        "compare",
    ]
    if isinstance(plan, AliasPlan):
        lines += _compare_alias(plan)
    for layer, variable in published.items():
        lines += ["", *_publish(layer, variable)]
    states = iter(latest.states[1:])
    for number, step in enumerate(plan.steps, start=1):
        warning = "; whether the function starts then is unknown" if number in unknown else ""
        lines += ["", f"# {number} of {len(plan.steps)}{warning}"]
        lines += script.step(step, next(states, None))
    lines += _way_back(plan, name=name)
    return "\n".join(lines) + "\n"


def _asked_for(plan: Plan | AliasPlan, uploaded: Iterable[Package]) -> Iterator[str]:
    """What whoever runs the script can say, or has to."""
    if any(map(_is_large, uploaded)):
        yield "# Such a zip goes through S3: `BUCKET=my-bucket sh FILE`, in the same region."
        yield "bucket=${BUCKET:?an S3 bucket in the region of the function}"
    if isinstance(plan, AliasPlan) and plan.after:
        yield "# The event that the new version is tried with: one that does no harm."
        yield "event=${EVENT:-}"
        yield "[ -n \"$event\" ] || event='{}'"


def _unpublished(plan: Plan, arns: Mapping[Package, str]) -> tuple[Package, ...]:
    layers = (
        layer
        for step in plan.steps
        if isinstance(step, UpdateConfiguration)
        for layer in step.layers or ()
    )
    return tuple(layer for layer in dict.fromkeys(layers) if layer not in arns)


def _packages(plan: Plan) -> Iterator[Package]:
    yield from (step.package for step in plan.steps if isinstance(step, UpdateCode))


def _is_large(package: Package) -> bool:
    return package.zipped is not None and package.zipped > read_limits().direct_upload


def _call(command: str, *options: str, into: str = "", query: str = "RevisionId") -> Iterator[str]:
    """A call on the function; its answer goes into a variable, or nowhere."""
    words = [f'aws lambda {command} --function-name "$function"', *options]
    tail = f"--query {query} --output text"
    text = " \\\n    ".join([*words, tail])
    yield f"{into}=$({text})" if into else f"{text} >/dev/null"


def _upload(package: Package) -> Iterator[str]:
    if _is_large(package):
        yield f'aws s3 cp {quote(package.path)} "s3://$bucket/{_key(package)}"'


def _content(package: Package, direct: str, bucket: str, key: str) -> str:
    if _is_large(package):
        return f'{bucket} "$bucket" {key} {_key(package)}'
    return f"{direct} {quote(f'fileb://{package.path}')}"


def _key(package: Package) -> str:
    """What it is called in S3: a name that no shell and no URL has to quote."""
    name = "".join(one if one.isalnum() and one.isascii() else "-" for one in _stem(package))
    return f"shim/{name}.zip"


def _stem(package: Package) -> str:
    return Path(package.path).stem


def _publish(layer: Package, variable: str) -> Iterator[str]:
    yield "# A layer of this plan, for both architectures."
    yield from _upload(layer)
    content = f"--zip-file {quote(f'fileb://{layer.path}')}"
    if _is_large(layer):
        content = f'--content "S3Bucket=$bucket,S3Key={_key(layer)}"'
    words = [
        f"{variable}=$(aws lambda publish-layer-version",
        f"--layer-name {quote(layer_name(layer.path))}",
        content,
        f"--compatible-architectures {' '.join(Arch)}",
        "--query LayerVersionArn --output text)",
    ]
    yield " \\\n    ".join(words)


def _compare_alias(plan: AliasPlan) -> Iterator[str]:
    """The alias is where the plan has it, and its revision guards the first move."""
    move = next((step for step in plan.after if isinstance(step, MoveAlias)), None)
    if move is None:
        return
    yield 'aws lambda get-alias --function-name "$function" --output text \\'
    yield f'    --name {quote(move.alias)} --query "['
    yield "        RevisionId, FunctionVersion,"
    yield '        to_string(RoutingConfig.AdditionalVersionWeights || \\`{}\\`)]" >"$work/alias"'
    yield 'IFS=$tab read -r alias_revision alias_version weights <"$work/alias"'
    yield f"same 'alias {move.alias}' \"$alias_version $weights\" {quote(move.old_version + ' {}')}"


def _invoke() -> Iterator[str]:
    yield 'printf %s "$event" >"$work/event"'
    yield 'failed=$(aws lambda invoke --function-name "$function" --qualifier "$version" \\'
    yield '    --payload "fileb://$work/event" --cli-read-timeout 960 \\'
    yield '    --query FunctionError --output text "$work/answer")'
    yield 'cat "$work/answer" >&2'
    yield 'if [ "$failed" != None ]; then'
    yield '    stop "version $version fails ($failed); no traffic has moved"'
    yield "fi"


def _move(step: MoveAlias) -> Iterator[str]:
    words = [
        'alias_revision=$(aws lambda update-alias --function-name "$function"',
        f"--name {quote(step.alias)}",
        *_routing(step),
        '--revision-id "$alias_revision"',
        "--query RevisionId --output text)",
    ]
    yield " \\\n    ".join(words)
    if 0 < step.share < 1:
        yield "# Time to look at its errors; the way back is at the end of this script."
        yield 'sleep "${PAUSE:-300}"'


def _routing(step: MoveAlias) -> Sequence[str]:
    if step.share in {0.0, 1.0}:
        version = '"$version"' if step.share else quote(step.old_version)
        return (f"--function-version {version}", "--routing-config 'AdditionalVersionWeights={}'")
    weights = f'"AdditionalVersionWeights={{$version={step.share:g}}}"'
    return (f"--function-version {quote(step.old_version)}", f"--routing-config {weights}")


def _way_back(plan: Plan | AliasPlan, *, name: str) -> Iterable[str]:
    """How to undo an alias's move, as a comment."""
    if not isinstance(plan, AliasPlan) or not plan.way_back:
        return
    yield ""
    yield "# The way back:"
    for step in plan.way_back:
        words = [f"aws lambda update-alias --function-name {quote(name)}"]
        words += [f"--name {quote(step.alias)}", *_routing(step)]
        yield f"#   {' '.join(words)}"


def _escaped(text: str) -> str:
    """For a place between double quotes."""
    return re.sub(r"([$`\"\\])", r"\\\1", text)


def _compact(value: object) -> str:
    """As `to_string` of the AWS CLI writes it."""
    return json.dumps(value, separators=(",", ":"))
