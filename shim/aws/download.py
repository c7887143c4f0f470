"""Downloads a package from the presigned URL that AWS gives: bounded, and checked by its hash."""

from __future__ import annotations

import hashlib
import urllib.request
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlsplit

from shim.errors import InputError, MachineError
from shim.package.limits import read_limits
from shim.package.output import new_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shim.fields import Field

DOWNLOAD_SECONDS = 30.0
"""Without a byte, before a download is given up."""

_CHUNK = 1 << 20
_LOOPBACK = {"localhost", "127.0.0.1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """Where a zip can be downloaded from, for ten minutes; the URL is a secret."""

    url: str = field(repr=False)
    digest: str
    """Its SHA-256 in hexadecimal digits."""
    size: int

    def path(self, folder: Path) -> Path:
        """Where it lies in `folder` once it is there."""
        return folder / zip_name(self.digest)


class LinkRefused(MachineError):
    """The URL isn't taken: after ten minutes it has expired, and a new one is asked for."""


def zip_name(digest: str) -> str:
    """What a download is called, by its SHA-256 in hexadecimal digits."""
    return f"{digest}.zip"


def hexadecimal(sha256: Field) -> str:
    """A hash as Lambda shows it, `CodeSha256`, in hexadecimal digits."""
    try:
        digest = b64decode(sha256.text(), validate=True)
    except (Base64Error, ValueError):
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        sha256.refuse("not a hash in base64")
    return digest.hex()


def parse_link(link: Field, *, about: Field) -> Link:
    """What an answer's `Code` or `Content` links to; size and hash stand in `about`."""
    size = about["CodeSize"].whole()
    if not 0 < size <= read_limits().unzipped:
        about["CodeSize"].refuse(f"no package has {size:,} bytes")
    return Link(url=link["Location"].text(), digest=hexadecimal(about["CodeSha256"]), size=size)


def download(link: Link, *, folder: Path, progress: Callable[[int], None] = lambda _: None) -> Path:
    """The zip in `folder`, named by its hash; kept if it is there. `progress` gets bytes."""
    path = link.path(folder)
    if _sha256(path) == link.digest:
        return path
    parts = urlsplit(link.url)
    # Plain HTTP only to this machine: that is how local stand-ins for AWS give their URLs.
    if parts.scheme != "https" and (parts.scheme, parts.hostname in _LOOPBACK) != ("http", True):
        raise InputError(f"AWS gave a URL that is not https: `{parts.scheme}://{parts.hostname}`")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"can't make the folder, {error.strerror}: `{folder}`") from error
    # As private as its folder: packages of an account may have anything in them.
    with new_file(path, is_secret=True) as file:
        for piece in _pieces(link.url, link.size):
            file.write(piece)
            progress(len(piece))
        file.seek(0)
        if hashlib.file_digest(file, "sha256").hexdigest() != link.digest:
            raise MachineError(
                f"what was downloaded from {parts.hostname} is not what AWS's hash says",
                hint="try again",
            )
    return path


def _pieces(location: str, size: int) -> Iterator[bytes]:
    """The bytes behind the URL, at most `size` of them. The URL is a secret: no error has it."""
    host, left = urlsplit(location).hostname, size
    try:
        # S310: the scheme was looked at by who called.
        with urllib.request.urlopen(location, timeout=DOWNLOAD_SECONDS) as answer:  # noqa: S310
            while piece := answer.read(min(_CHUNK, left + 1)):
                left -= len(piece)
                if left < 0:
                    raise MachineError(f"{host} sends more than the {size:,} bytes of the package")
                yield piece
    except (OSError, HTTPException) as error:
        kind = MachineError
        if isinstance(error, HTTPError):
            error.close()
            kind = LinkRefused if error.code == HTTPStatus.FORBIDDEN else MachineError
        reason = getattr(error, "reason", None) or error
        raise kind(
            f"the package can't be downloaded from {host}: {reason}", hint="try again"
        ) from error


def _sha256(path: Path) -> str | None:
    """In hexadecimal digits; None where there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
