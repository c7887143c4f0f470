"""Accounts of AWS on the loopback, which boto3 and the AWS CLI can be pointed to.

Lambda's paths are answered by control planes in memory, all others by moto. Every request and every
answer is held against botocore's model; what isn't one is kept in `wrong`, and answered with 500.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

from shim.aws.api import Conflict, LambdaError, NotFound, Refused, RevisionMismatch, Throttled
from shim.simulate.timeline import Timeline
from tests.aws.wire import services
from tests.aws.wire.access import asked_by_call
from tests.aws.wire.account import QUICK, Account
from tests.aws.wire.application import ACCOUNT, ZIPS, Application, Handler
from tests.aws.wire.model import (
    Answer,
    Malformed,
    Request,
    broken_limits,
    read_call,
    write_answer,
    write_error,
)
from tests.aws.wire.operations import NoProvisionedConcurrency, Operations, Unserved

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from shim.simulate.timing import Timing
    from tests.aws.wire.access import Principal
    from tests.aws.wire.model import Call

REGION = "eu-west-1"
_ERRORS: tuple[tuple[type[LambdaError], str], ...] = (
    (NoProvisionedConcurrency, "ProvisionedConcurrencyConfigNotFoundException"),
    (Conflict, "ResourceConflictException"),
    (Throttled, "TooManyRequestsException"),
    (RevisionMismatch, "PreconditionFailedException"),
    (NotFound, "ResourceNotFoundException"),
    (Refused, "InvalidParameterValueException"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class WireFault:
    """What is to go wrong with the next request for that operation."""

    operation: str
    error: str = ""
    """An error of the operation's; without one the connection ends and there is no answer."""
    is_carried_out: bool = False
    """The call takes effect, and only its answer is another, or none."""
    function: str = ""
    """Only for requests about this one; by the name that they give it."""

    def meets(self, call: Call) -> bool:
        """Whether it is that request."""
        named = call.parameters.get("FunctionName")
        return self.operation == call.name and self.function in {"", named}


@dataclass(kw_only=True)
class Cloud:
    """Accounts, a clock that they share, and what was asked of them.

    The clock goes `speed` times as fast as this machine's, and further on by `sleep`.
    """

    folder: Path
    url: str = ""
    speed: float = 1.0
    timing: Timing = QUICK
    day: date | None = None
    clock: Timeline = field(default_factory=Timeline)
    faults: list[WireFault] = field(default_factory=list)
    """The first that is for an operation is used up by its next request."""
    upload_limit: int = 70_167_211
    """Bytes of a request, about 50 MB of zip in base64: what AWS itself names when it refuses."""
    calls: list[str] = field(default_factory=list)
    """The operations that were asked for, in order, whatever was answered."""
    times: list[float] = field(default_factory=list)
    """When each was asked for, by this machine's clock."""
    wrong: list[str] = field(default_factory=list)
    """Requests and answers that are none by botocore's model."""

    def __post_init__(self) -> None:
        self._accounts: dict[tuple[str, str], Account] = {}
        self._lock = threading.RLock()
        self._begun = time.monotonic()
        self._slept = 0.0

    def account(self, number: str = ACCOUNT, region: str = REGION) -> Account:
        """That account in that region."""
        with self._lock:
            key = number, region
            if key not in self._accounts:
                self._accounts[key] = Account(
                    number=number,
                    region=region,
                    folder=self.folder,
                    clock=self.clock,
                    timing=self.timing,
                    day=self.day,
                )
            return self._accounts[key]

    def forget(self, number: str, region: str = REGION) -> None:
        """Let an account go, with all that is in it."""
        with self._lock:
            del self._accounts[number, region]

    def environment(self, number: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """The variables that lead boto3 and the AWS CLI to an account here, and nowhere else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": number,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_CONFIG_FILE": str(self.folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }

    def sleep(self, seconds: float) -> None:
        """Let time pass here, and nowhere else: an executor's clock, for tests."""
        with self._lock:
            self._slept += seconds
            self._catch_up()

    def handle(self, request: Request, account: Account, who: Principal | None) -> Answer | None:
        """What is answered; None where the connection is to end without an answer."""
        with self._lock:
            self._catch_up()
            try:
                call = read_call(request)
                if call is None:
                    raise Malformed(f"no path of Lambda's: {request.method} {request.target}")
                self.calls.append(call.name)
                self.times.append(time.monotonic())
                refusal = self._refusal(call, account, who, size=len(request.body))
                return refusal or self._carry_out(call, account, who)
            except (Malformed, Unserved) as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
                return Answer(status=500, headers={}, body=b"{}")

    def _refusal(
        self, call: Call, account: Account, who: Principal | None, *, size: int
    ) -> Answer | None:
        """Why a call isn't carried out, before the function is looked at."""
        for action, resource in asked_by_call(call, account) if who else ():
            if denial := who and who.denial(action, resource):
                return write_error(call, "AccessDeniedException", str(denial))
        if size > self.upload_limit:
            message = f"Request must be smaller than {self.upload_limit} bytes"
            return write_error(call, "RequestEntityTooLargeException", message)
        if problems := broken_limits(call):
            return write_error(call, "ValidationException", "; ".join(problems))
        if not account.budget.take(call.name):
            members = {"retryAfterSeconds": "1", "Reason": "CallerRateLimitExceeded"}
            return write_error(call, "TooManyRequestsException", "Rate exceeded", **members)
        return None

    def _carry_out(self, call: Call, account: Account, who: Principal | None) -> Answer | None:
        fault = next((one for one in self.faults if one.meets(call)), None)
        if fault is None:
            return self._answer(call, account, who)
        self.faults.remove(fault)
        if fault.is_carried_out:
            self._answer(call, account, who)
        return write_error(call, fault.error, "made to fail") if fault.error else None

    def _answer(self, call: Call, account: Account, who: Principal | None) -> Answer:
        operations = Operations(account=account, url=f"{self.url}{ZIPS}", who=who)
        try:
            return write_answer(call, operations.carry_out(call.name, call.parameters))
        except LambdaError as error:
            code = next(code for kind, code in _ERRORS if isinstance(error, kind))
            return write_error(call, code, error.message)

    def _catch_up(self) -> None:
        now = (time.monotonic() - self._begun) * self.speed + self._slept
        if now > self.clock.now:
            self.clock.sleep(now - self.clock.now)


@contextmanager
def serving(cloud: Cloud) -> Iterator[Cloud]:
    """The cloud, at an address of its own; when it ends, nothing that was asked was wrong."""
    services.forget()
    server = make_server("127.0.0.1", 0, Application(cloud), threaded=True, request_handler=Handler)
    cloud.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    if cloud.wrong:
        raise AssertionError("\n".join(cloud.wrong))
