"""Somebody in the usual account who may what a policy says, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

    from tests.aws.wire.server import Cloud

    Document = Mapping[str, Any]

_NAMES = {"UserName": "deployer", "PolicyName": "shim"}


class User:
    """A user of moto's IAM, whose key the environment has once they may something."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        environment = cloud.environment()
        self._patch = monkeypatch
        self._iam = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        ).client("iam", endpoint_url=cloud.url)
        self._iam.create_user(UserName=_NAMES["UserName"])
        self._key = self._iam.create_access_key(UserName=_NAMES["UserName"])["AccessKey"]

    def may(self, document: Document) -> None:
        """From now on, this and no more."""
        self._iam.put_user_policy(**_NAMES, PolicyDocument=json.dumps(document))
        self._patch.setenv("AWS_ACCESS_KEY_ID", self._key["AccessKeyId"])
        self._patch.setenv("AWS_SECRET_ACCESS_KEY", self._key["SecretAccessKey"])
        self._patch.delenv("AWS_SESSION_TOKEN", raising=False)


def parts(document: Document) -> Iterator[tuple[str, Document]]:
    """Each action of a policy, and the policy without it."""
    for statement in document["Statement"]:
        for action in statement["Action"]:
            yield action, {**document, "Statement": _without(action, document)}


def _without(action: str, document: Document) -> list[Document]:
    statements = [
        {**one, "Action": [other for other in one["Action"] if other != action]}
        for one in document["Statement"]
    ]
    return [one for one in statements if one["Action"]]
