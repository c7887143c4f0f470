"""A bucket: what Lambda and Step Functions read in the account lies there, and so do results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shim.aws.api import NotFound
from shim.aws.outcome import calling
from shim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shim.aws.api import Zip

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
            checked = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": package.sha256}
            with package.path.open("rb") as file:
                answer = self._call("put_object", Key=key, Body=file, **checked)
            version = str(answer["VersionId"])
            progress(package.path.stat().st_size)
        return StoredObject(bucket=self.name, key=key, version=version)

    def _version(self, key: str, sha256: str) -> str | None:
        try:
            found = self._call("head_object", Key=key, ChecksumMode="ENABLED")
        except NotFound:
            return None
        return found["VersionId"] if found.get("ChecksumSHA256") == sha256 else None

    def _call(self, call: str, **fields: Any) -> Any:
        with calling("".join(part.capitalize() for part in call.split("_")), service="s3"):
            return getattr(self._client, call)(**self._of, **fields)
