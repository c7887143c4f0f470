"""AWS Lambda through boto3, whose clients `shim.aws.connection` makes."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Semaphore
from typing import TYPE_CHECKING, Any

from shim.aws.api import (
    LATEST,
    TIMEOUT,
    Alias,
    Function,
    Invoked,
    LambdaError,
    NotFound,
    Provisioned,
    ProvisionedStatus,
    Throttled,
    Unanswered,
)
from shim.aws.connection import READ_SECONDS
from shim.aws.download import download, parse_link
from shim.aws.function import NamedFunction, parse_alias, parse_function
from shim.aws.outcome import calling, hiding
from shim.errors import InputError
from shim.fields import Field, naming, read_json
from shim.package.limits import format_size, read_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from shim.arch import Arch
    from shim.aws.api import Configuration, Zip
    from shim.aws.bucket import Bucket
    from shim.aws.connection import Connection
    from shim.aws.pace import Pace

    Content = Mapping[str, Any]
    """What a call names a zip by: its bytes, or where it lies in S3."""

    Uploading = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
    """Shows what is uploaded, of so many bytes; takes how many more are there than before."""

_UPLOADS = 4
"""So many zips are sent at a time."""

_LAYER_VERSIONS = 20
"""Of a layer, the newest, in which one with the same bytes is looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """A function as it is in the account, with its zips on disk."""

    named: NamedFunction
    package: Path
    layers: Mapping[str, Path]
    """By ARN."""


def fetch_function(
    client: Any,
    name: str,
    *,
    folder: Path,
    qualifier: str = LATEST,
    known: Mapping[str, Path] | None = None,
) -> Live:
    """Read a function, and put its zips into `folder`; layers in `known` are there already."""
    with calling(f"reading the function `{name}`"):
        answer = client.get_function(FunctionName=name, Qualifier=qualifier)
    document = Field(value=answer)
    with naming("GetFunction"):
        named = parse_function(document)
        link = parse_link(document["Code"], about=document["Configuration"])
        package = download(link, folder=folder)
    known = known or {}
    layers = {
        arn: known[arn] if arn in known else _fetch_layer(client, arn, folder)
        for arn in named.function.layers
    }
    return Live(named=named, package=package, layers=layers)


def fetch_layer(client: Any, arn: str, *, folder: Path) -> Path:
    """Put a layer's zip into `folder`."""
    return _fetch_layer(client, arn, folder)


def _fetch_layer(client: Any, arn: str, folder: Path) -> Path:
    try:
        with calling(f"reading the layer `{arn}`"):
            answer = client.get_layer_version_by_arn(Arn=arn)
    except LambdaError as error:
        error.hint = f"give its zip: `--layer {arn}=ZIP`"
        raise
    with naming("GetLayerVersionByArn"):
        content = Field(value=answer)["Content"]
        return download(parse_link(content, about=content), folder=folder)


@contextmanager
def _unseen(what: str, size: int) -> Iterator[Callable[[int], None]]:
    """Where nobody looks how an upload goes."""
    del what, size
    yield lambda _: None


def open_api(
    connection: Connection, *, bucket: Bucket | None = None, uploading: Uploading = _unseen
) -> BotoApi:
    """Lambda's API in an account and region; what is too large for it goes over `bucket`."""
    return BotoApi(
        connection.client(),
        patient=lambda seconds: connection.client(read_seconds=seconds),
        pace=connection.pace,
        bucket=bucket,
        uploading=uploading,
    )


class BotoApi:
    """See `shim.aws.api.LambdaApi`; `patient` gives a client that waits so long for an answer.

    A call waits for its turn in `pace` before anything of it is made: a signature gets old, and a
    zip would lie in memory.
    """

    def __init__(
        self,
        client: Any,
        *,
        patient: Callable[[float], Any] | None = None,
        pace: Pace | None = None,
        bucket: Bucket | None = None,
        uploading: Uploading = _unseen,
    ) -> None:
        self._client = client
        self._patient = patient or (lambda _: client)
        self._pace = pace
        self._uploads = Semaphore(_UPLOADS)
        self._bucket, self._uploading = bucket, uploading

    def get_function(self, function: str, qualifier: str = LATEST) -> Function:
        """See `LambdaApi`."""
        return self._function("get_function", FunctionName=function, Qualifier=qualifier)

    def update_code(self, function: str, package: Zip, *, arch: Arch, revision: str) -> Function:
        """See `LambdaApi`."""
        answer = self._upload(
            "update_function_code",
            package,
            lambda content: content,
            FunctionName=function,
            Architectures=[arch.value],
            RevisionId=revision,
        )
        return parse_function(answer).function

    def try_code(self, function: str, package: Zip, *, arch: Arch, revision: str) -> None:
        """See `LambdaApi`."""
        self._upload(
            "update_function_code",
            package,
            lambda content: content,
            FunctionName=function,
            Architectures=[arch.value],
            RevisionId=revision,
            DryRun=True,
        )

    def update_configuration(
        self, function: str, change: Configuration, *, revision: str
    ) -> Function:
        """See `LambdaApi`."""
        fields: dict[str, Any] = {
            "Runtime": change.runtime,
            "Handler": change.handler,
            "Layers": None if change.layers is None else list(change.layers),
            "Environment": None
            if change.environment is None
            else {"Variables": dict(change.environment)},
        }
        with hiding(value for _, value in change.environment or ()):
            return self._function(
                "update_function_configuration",
                FunctionName=function,
                RevisionId=revision,
                **{name: value for name, value in fields.items() if value is not None},
            )

    def find_layer(self, name: str, layer: Zip) -> str | None:
        """See `LambdaApi`."""
        versions = self._layer_versions(name)
        return next((arn for arn, sha256 in versions if sha256 == layer.sha256), None)

    def publish_layer(self, name: str, layer: Zip, *, architectures: Collection[Arch]) -> str:
        """See `LambdaApi`."""
        answer = self._upload(
            "publish_layer_version",
            layer,
            lambda content: {"Content": content},
            LayerName=name,
            CompatibleArchitectures=sorted(architectures),
        )
        return answer["LayerVersionArn"].text()

    def publish_version(self, function: str, *, code_sha256: str, revision: str) -> Function:
        """See `LambdaApi`."""
        return self._function(
            "publish_version", FunctionName=function, CodeSha256=code_sha256, RevisionId=revision
        )

    def invoke(
        self, function: str, event: bytes, *, qualifier: str = LATEST, timeout: float = TIMEOUT
    ) -> Invoked:
        """See `LambdaApi`."""
        client = self._patient(timeout + READ_SECONDS)
        with calling("Invoke"):
            answer = client.invoke(FunctionName=function, Payload=event, Qualifier=qualifier)
            payload: bytes = answer["Payload"].read()
        if "FunctionError" not in answer:
            return Invoked(error_type=None, payload=payload)
        try:
            kind = read_json(payload)["errorType"].text()
        except InputError:
            kind = ""
        return Invoked(error_type=kind or answer["FunctionError"], payload=payload)

    def get_alias(self, function: str, alias: str) -> Alias:
        """See `LambdaApi`."""
        return parse_alias(self._call("get_alias", FunctionName=function, Name=alias))

    def update_alias(self, function: str, alias: Alias) -> Alias:
        """See `LambdaApi`."""
        is_split = alias.other_version is not None and alias.other_weight > 0
        weights = {alias.other_version: alias.other_weight} if is_split else {}
        return parse_alias(
            self._call(
                "update_alias",
                FunctionName=function,
                Name=alias.name,
                FunctionVersion=alias.version,
                RoutingConfig={"AdditionalVersionWeights": weights},
                RevisionId=alias.revision,
            )
        )

    def get_provisioned(self, function: str, alias: str) -> Provisioned | None:
        """See `LambdaApi`."""
        try:
            answer = self._call(
                "get_provisioned_concurrency_config", FunctionName=function, Qualifier=alias
            )
        except NotFound:
            return None
        return Provisioned(
            status=answer["Status"].one_of(ProvisionedStatus),
            reason=answer["StatusReason"].text() if answer.has("StatusReason") else "",
        )

    def _layer_versions(self, name: str) -> Iterator[tuple[str, str]]:
        """ARN and hash of the layer's newest versions."""
        try:
            answer = self._call("list_layer_versions", LayerName=name, MaxItems=_LAYER_VERSIONS)
        except NotFound:
            return
        for version in answer["LayerVersions"].items():
            arn = version["LayerVersionArn"].text()
            content = self._call("get_layer_version_by_arn", Arn=arn)["Content"]
            yield arn, content["CodeSha256"].text()

    def _function(self, call: str, **fields: Any) -> Function:
        return parse_function(self._call(call, **fields)).function

    def _upload(
        self, call: str, package: Zip, named: Callable[[Content], Content], **fields: Any
    ) -> Field:
        """A call with a zip in it, which takes five times its size of memory while it is sent."""
        self._wait(call)
        if (size := _size_of(package)) > read_limits().direct_upload:
            return self._send(call, **fields, **named(self._stored(package, size)))
        with self._uploads:
            return self._send(call, **fields, **named({"ZipFile": _read(package)}))

    def _stored(self, package: Zip, size: int) -> Content:
        if self._bucket is None:
            raise InputError(
                f"it has {format_size(size)}, a direct upload at most"
                f" {format_size(read_limits().direct_upload)}: `{package.path}`",
                hint="let it go over S3: `--s3-bucket BUCKET`",
            )
        key = f"shim/{b64decode(package.sha256).hex()}.zip"
        with self._uploading(f"uploading {package.path.name} to S3", size) as progress:
            stored = self._bucket.store(key, package, progress=progress)
        return {
            "S3Bucket": stored.bucket,
            "S3Key": stored.key,
            "S3ObjectVersion": stored.version,
        }

    def _call(self, call: str, **fields: Any) -> Field:
        self._wait(call)
        return self._send(call, **fields)

    def _wait(self, call: str) -> None:
        if self._pace:
            self._pace.wait(_operation(call))

    def _send(self, call: str, **fields: Any) -> Field:
        operation = _operation(call)
        try:
            with calling(operation):
                answer = getattr(self._client, call)(**fields)
        except Throttled:
            if self._pace:
                self._pace.give_way(operation)
            raise
        if answer.keys() <= {"ResponseMetadata"}:
            # What botocore makes of a body that breaks off, or is no JSON.
            raise Unanswered(f"{operation}: an answer without content")
        return Field(value=answer)


def _operation(call: str) -> str:
    return "".join(part.capitalize() for part in call.split("_"))


def _read(package: Zip) -> bytes:
    """The zip's bytes, which have to be those that it was planned with."""
    with _reading(package):
        data = package.path.read_bytes()
    if b64encode(hashlib.sha256(data).digest()).decode() != package.sha256:
        raise InputError(
            f"it is no longer what the plan was made for: `{package.path}`", hint="plan again"
        )
    return data


def _size_of(package: Zip) -> int:
    with _reading(package):
        return package.path.stat().st_size


@contextmanager
def _reading(package: Zip) -> Iterator[None]:
    """Say of a zip that can't be read which it is."""
    try:
        yield
    except OSError as error:
        raise InputError(f"can't read it, {error.strerror}: `{package.path}`") from error
