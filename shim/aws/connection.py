"""boto3's clients: region, profile, role and endpoint are found as every AWS tool finds them."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from shim.aws.permissions import Place
from shim.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.aws.pace import Pace

THREADS = 32
"""That may use one client at once."""

CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
"""Without a connection, or without a byte, before a call counts as not answered."""


class Connection:
    """Makes the clients of one account and region; `tries` is how often boto3 itself sends a call.

    Only who reads lets it: of a change that was not answered, somebody has to look what became.
    `pace` is for who makes calls of Lambda's API; so many `threads` may call at a time.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        profile: str | None = None,
        endpoint_url: str | None = None,
        tries: int = 1,
        pace: Pace | None = None,
        threads: int = THREADS,
    ) -> None:
        """Raises `MachineError` where boto3 or its settings are missing."""
        try:
            import boto3
        except ImportError as error:
            raise MachineError(
                "--function needs boto3, which is not installed",
                hint="pip install 'lambda-shim[aws]'; or, without it, give files: `--from FILE`",
            ) from error
        self.pace = pace
        self._tries, self._threads = tries, threads
        self._endpoint_url = endpoint_url
        # Clients may be used by many threads, but sessions make them for one at a time.
        self._lock = Lock()
        with _settings():
            self._session = boto3.Session(region_name=region, profile_name=profile)

    @property
    def place(self) -> Place:
        """Where its calls go, as far as that is known without one."""
        region = self._session.region_name
        if region is None:
            return Place()
        with _settings():
            return Place(partition=self._session.get_partition_for_region(region), region=region)

    def client(self, service: str = "lambda", *, read_seconds: float = READ_SECONDS) -> Any:
        """A client; `MachineError` where settings are missing."""
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=read_seconds,
            retries={"total_max_attempts": self._tries},
            # Without it, what lies between may forget a connection that is silent for minutes.
            tcp_keepalive=True,
            # As many as threads may share the client: botocore warns of each one above 10.
            max_pool_connections=self._threads,
            user_agent_extra="shim",
        )
        with _settings(), self._lock:
            return self._session.client(service, endpoint_url=self._endpoint_url, config=config)


@contextmanager
def _settings() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no URL
        raise MachineError(
            f"boto3 can't call AWS: {error}",
            hint="`aws configure`, or `--region`, `--profile`, `--endpoint-url`",
        ) from error
