"""What the tests of boto3's side share: made-up credentials, and a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shim.aws.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def account() -> Iterator[Connection]:
    """An account that nobody has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_PROFILE", raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        yield Connection(region="eu-west-1")


@pytest.fixture(scope="module")
def client(account: Connection) -> Any:
    """Its Lambda."""
    return account.client()
