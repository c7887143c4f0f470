"""A plan as a shell script of `aws lambda …` calls, each sent when the last has taken hold."""

from __future__ import annotations

import json
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

    from shim.package.read import Package

_READ = 'aws lambda get-function-configuration --function-name "$function"'


@dataclass(frozen=True, kw_only=True, slots=True)
class _Script:
    """What the lines of a script have in common."""

    arns: Mapping[Package, str]
    published: Mapping[Package, str]
    """The variables with the ARNs of the layers that the script publishes."""

    def step(self, step: AliasStep) -> Iterator[str]:
        match step:
            case UpdateCode():
                yield from _revision()
                yield from _upload(step.package)
                yield from _call(
                    "update-function-code",
                    _content(step.package, "--zip-file", "--s3-bucket", "--s3-key"),
                    f"--architectures {step.arch}",
                    '--revision-id "$revision"',
                )
                yield from _wait()
            case UpdateConfiguration():
                yield from _revision()
                yield from _call(
                    "update-function-configuration",
                    *self._fields(step),
                    '--revision-id "$revision"',
                )
                yield from _wait()
            case PublishVersion():
                yield from _revision()
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

    def _fields(self, step: UpdateConfiguration) -> Iterator[str]:
        if step.runtime is not None:
            yield f"--runtime {quote(step.runtime.name)}"
        if step.handler is not None:
            yield f"--handler {quote(step.handler)}"
        if step.layers is not None:
            yield f"--layers {' '.join(map(self._arn, step.layers)) or quote('[]')}"
        if step.environment is not None:
            variables = {"Variables": dict(step.environment)}
            yield f"--environment {quote(json.dumps(variables))}"

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
    ]
    if any(map(_is_large, (*_packages(latest), *unpublished))):
        lines += [
            "# A zip of this size goes through S3: `BUCKET=my-bucket sh FILE`, in the same region.",
            "bucket=${BUCKET:?an S3 bucket in the region of the function}",
        ]
    if isinstance(plan, AliasPlan) and plan.after:
        lines += [
            "# The event that the new version is tried with: one that does no harm.",
            "event=${EVENT:-}",
            "[ -n \"$event\" ] || event='{}'",
        ]
    lines += _check_begin(latest)
    for layer, variable in published.items():
        lines += ["", *_publish(layer, variable)]
    for number, step in enumerate(plan.steps, start=1):
        warning = "; whether the function starts then is unknown" if number in unknown else ""
        lines += ["", f"# {number} of {len(plan.steps)}{warning}", *script.step(step)]
    lines += _way_back(plan)
    return "\n".join(lines) + "\n"


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


def _check_begin(plan: Plan) -> Iterator[str]:
    """The function has to have the package that the plan begins with."""
    found = code_sha256(plan.begin.package)
    if found is None or not plan.steps:
        return
    yield f"found=$({_READ} --query CodeSha256 --output text)"
    yield f'if [ "$found" != {quote(found)} ]; then'
    yield "    echo 'the function has another package than this plan begins with: plan again' >&2"
    yield "    exit 1"
    yield "fi"


def _revision() -> Iterator[str]:
    yield f"revision=$({_READ} --query RevisionId --output text)"


def _wait() -> Iterator[str]:
    yield 'aws lambda wait function-updated-v2 --function-name "$function"'


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


def _invoke() -> Iterator[str]:
    yield 'failed=$(aws lambda invoke --function-name "$function" --qualifier "$version" \\'
    yield '    --payload "$event" --cli-binary-format raw-in-base64-out \\'
    yield "    --query FunctionError --output text /dev/stderr)"
    yield 'if [ "$failed" != None ]; then'
    yield '    echo "version $version fails ($failed); no traffic has moved" >&2'
    yield "    exit 1"
    yield "fi"


def _move(step: MoveAlias) -> Iterator[str]:
    words = [
        'aws lambda update-alias --function-name "$function"',
        f"--name {quote(step.alias)}",
        *_routing(step),
        "--query RevisionId --output text >/dev/null",
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


def _way_back(plan: Plan | AliasPlan) -> Iterable[str]:
    """How to undo an alias's move, as a comment."""
    if not isinstance(plan, AliasPlan) or not plan.way_back:
        return
    yield ""
    yield "# The way back:"
    for step in plan.way_back:
        for text in _move(step):
            yield from (f"#   {line}" for line in text.splitlines())
