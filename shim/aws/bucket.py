"""A bucket: what Lambda and Step Functions read in the account lies there, and so do results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shim.aws.api import Denied, NotFound, Unanswered
from shim.aws.outcome import calling
from shim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shim.aws.api import Zip

_ONE_PART = 5 << 30
"""S3 takes so many bytes at once (S3 user guide, "Uploading objects")."""

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """One version of an object."""

    bucket: str
    key: str
    version: str


class Bucket:
    """Of an `s3` client; every call names the account that has to own it."""

    def __init__(self, client: Any, name: str, *, owner: str) -> None:
        self._client = client
        self._of = {"Bucket": name, "ExpectedBucketOwner": owner}
        self.name = name

    def check(self) -> None:
        """Raise `InputError` where it is no place for packages and values of the environment.

        Encrypted is every bucket: S3 has done that by itself since 2023.
        """
        if self._call("get_bucket_versioning").get("Status") != "Enabled":
            raise InputError(
                f"the bucket keeps no versions, which the calls name: `{self.name}`",
                hint=f"aws s3api put-bucket-versioning --bucket {self.name}"
                " --versioning-configuration Status=Enabled",
            )
        try:
            answer = self._call("get_public_access_block")
        except NotFound:
            answer = {}
        blocks = answer.get("PublicAccessBlockConfiguration", {})
        if not all(blocks.get(name) for name in _BLOCKS):
            blocked = ",".join(f"{name}=true" for name in _BLOCKS)
            raise InputError(
                f"the bucket doesn't block public access: `{self.name}`",
                hint=f"aws s3api put-public-access-block --bucket {self.name}"
                f" --public-access-block-configuration {blocked}",
            )

    def put(self, key: str, data: bytes) -> None:
        """Write an object; S3 holds it against its checksum."""
        self._call("put_object", Key=key, Body=data, ChecksumAlgorithm="SHA256")

    def read(self, key: str) -> bytes | None:
        """What an object holds; None where there is none."""
        try:
            with calling("GetObject", service="s3"):
                data: bytes = self._client.get_object(**self._of, Key=key)["Body"].read()
        except NotFound:
            return None
        return data

    def store(
        self, key: str, package: Zip, *, progress: Callable[[int], None] = lambda _: None
    ) -> StoredObject:
        """The zip as an object, uploaded unless one with these very bytes is there."""
        version = self._version(key, package.sha256)
        if version is None:
            self._upload(key, package, progress)
            version = self._version(key, package.sha256)
        if version is None:
            raise Unanswered(f"the upload to `{self.name}` doesn't show: `{package.path}`")
        return StoredObject(bucket=self.name, key=key, version=version)

    def _upload(self, key: str, package: Zip, progress: Callable[[int], None]) -> None:
        """By boto3's transfer manager; in one part, or S3 would not hold it against the hash."""
        from boto3.s3.transfer import TransferConfig

        try:
            with calling("PutObject", service="s3"), package.path.open("rb") as file:
                self._client.upload_fileobj(
                    file,
                    self.name,
                    key,
                    ExtraArgs={
                        "ExpectedBucketOwner": self._of["ExpectedBucketOwner"],
                        "ChecksumAlgorithm": "SHA256",
                        "ChecksumSHA256": package.sha256,
                    },
                    Callback=progress,
                    Config=TransferConfig(multipart_threshold=_ONE_PART),
                )
        except OSError as error:
            raise InputError(f"can't read it, {error.strerror}: `{package.path}`") from error

    def _version(self, key: str, sha256: str) -> str | None:
        try:
            found = self._call("head_object", Key=key, ChecksumMode="ENABLED")
        except NotFound:
            return None
        except Denied as error:
            # An answer to HEAD has no body that could say it.
            needed = "s3:GetObject and s3:ListBucket"
            raise Denied(
                error.message, action=error.action, hint=f"it takes the permissions {needed}"
            ) from error
        return found["VersionId"] if found.get("ChecksumSHA256") == sha256 else None

    def _call(self, call: str, **fields: Any) -> Any:
        with calling("".join(part.capitalize() for part in call.split("_")), service="s3"):
            return getattr(self._client, call)(**self._of, **fields)
