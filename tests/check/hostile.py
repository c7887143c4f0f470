"""Broken and malicious packages: `python -m tests.check.hostile COUNT` holds `check` against many.

Each one must end in findings or in one of shim's own errors, soon, and without much memory.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import struct
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from shim.arch import Arch
from shim.check.report import as_json, as_sarif
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from shim.check.survey import survey
from shim.errors import ShimError
from shim.package.read import read_package
from tests.check.builders import DUAL, SCRIPT, launcher, program

SLOW = 5.0
"""Seconds that no package may take."""

NAMES = (
    *("bootstrap", "orders", "bin/orders", "orders_arm64", ".shim/x86_64", "lib/libz.so.1"),
    *("/etc/passwd", "../outside", "a/../../b", "a\\b", "", ".", "..", "/", "a//b", "a/", "a\0b"),
    *("x" * 300, "y/" * 900, "ü", "\U0001f600", "BOOTSTRAP", "extensions/e", "\x1b[31m", "a\nb"),
)


@dataclass(kw_only=True)
class Result:
    """What became of one."""

    error: str | None
    seconds: float


def mutated(seed: int, elf: bytes) -> bytes:
    """A zip that may be broken anywhere."""
    rng = random.Random(seed)
    data = _zip(rng, elf)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5, 50])):
        data = _damage(rng, data)
    return data


def _zip(rng: random.Random, elf: bytes) -> bytes:
    file = io.BytesIO()
    method = rng.choice(
        [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA]
    )
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore", UserWarning)  # names that are there twice
        for _ in range(rng.choice([0, 1, 2, 5, 20])):
            info = zipfile.ZipInfo("entry")
            info.filename = info.orig_filename = rng.choice(NAMES)
            info.compress_type = method
            info.create_system = rng.choice([0, 3, 3, 3, 19])
            kind = rng.choice(
                [0o100000] * 6 + [0o120000, 0o120000, 0o040000, 0o010000, 0o060000, 0]
            )
            info.external_attr = (kind | rng.choice([0o755, 0o644, 0o777, 0])) << 16
            content = _content(rng, elf)
            if rng.random() < 0.1:
                info.extra = struct.pack("<HHQQ", 1, 16, len(content), 1 << 40)
            with archive.open(info, "w", force_zip64=rng.random() < 0.1) as target:
                target.write(content)
    return file.getvalue()


def _content(rng: random.Random, elf: bytes) -> bytes:
    choice = rng.random()
    if choice < 0.5:
        return damaged_elf(rng, rng.choice([elf, program(), program(Arch.ARM64), launcher()]))
    if choice < 0.6:
        return rng.choice([b"/etc/passwd", b"../../x", b"orders", b"/opt/x", b"", b"x" * 5000])
    if choice < 0.8:
        return rng.choice([SCRIPT, DUAL, b"#!" + rng.randbytes(300), b"#!/bin/sh\r\n", b"#!"])
    return rng.choice([b"", b"MZ", b"\0" * 70_000, rng.randbytes(500)])


def damaged_elf(rng: random.Random, elf: bytes) -> bytes:
    """An ELF file with some numbers changed, most of them where the headers are, or cut off."""
    data = bytearray(elf)
    for _ in range(rng.choice([0, 1, 2, 4, 16])):
        limit = rng.choice([64, 64, 64 + 10 * 56, len(data)])
        at = rng.randrange(min(limit, len(data)))
        width = rng.choice([1, 2, 4, 8])
        value = rng.choice([0, 1, 0x7F, 0xFF, 1 << 31, 1 << 63, (1 << 64) - 1, rng.getrandbits(64)])
        piece = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
        data[at : at + width] = piece
    return bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.2 else data)


def _damage(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    match rng.randrange(5):
        case 0 if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        case 1 if changed:
            del changed[rng.randrange(len(changed)) :]
        case 2:
            at = max(0, len(changed) - rng.randrange(1, 200))
            changed[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, rng.randbytes(4)])
        case 3:
            records = [
                at for at in range(len(data)) if data.startswith((b"PK\x01\x02", b"PK\x03\x04"), at)
            ]
            if records:
                at = rng.choice(records) + rng.randrange(4, 46)
                changed[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, rng.randbytes(4)])
        case _:
            changed = bytearray(rng.randbytes(rng.randrange(100))) + changed
    return bytes(changed)


def bomb(inflated: int) -> bytes:
    """A zip with one ELF entry whose dynamic section lies behind `inflated` bytes of zeros."""
    elf = bytearray(program(interpreter=b"/lib64/ld-linux-x86-64.so.2"))
    struct.pack_into("<IIQQQQQQ", elf, 64 + 56, 2, 4, inflated, inflated, 0, 160, 160, 8)
    compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    pieces, size, check = [compressor.compress(bytes(elf))], len(elf), zlib.crc32(bytes(elf))
    zeros = bytes(1 << 20)
    while size < inflated + 160:
        pieces.append(compressor.compress(zeros))
        check = zlib.crc32(zeros, check)
        size += len(zeros)
    data = b"".join([*pieces, compressor.flush()])
    name = b"bootstrap"
    sizes = (check, len(data), min(size, 0xFFFFFFFE), len(name), 0)
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 33, *sizes) + name
    record = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 0x314, 20, 0, 8, 0, 33, *sizes, 0, 0, 0, 0o100755 << 16, 0
    )
    end = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(record) + len(name), len(local) + len(data), 0
    )
    return local + data + record + name + end


def check(path: Path) -> Result:
    """All that `shim check` does, on one package."""
    began = time.monotonic()
    error = None
    try:
        state = State(
            package=read_package(path),
            arch=Arch.X86_64,
            runtime=next(iter(read_runtimes().values())),
            handler=None,
        )
        surveyed = survey(state, architectures=Arch, runtimes=read_runtimes().values())
        as_json([surveyed])
        as_sarif([surveyed])
    except ShimError as refused:
        error = refused.message
    return Result(error=error, seconds=time.monotonic() - began)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--elf", type=Path, default=Path("/bin/ls"), help="a real dynamic program")
    arguments = parser.parse_args()
    elf = arguments.elf.read_bytes()[: 1 << 17]
    slowest, refused = (0.0, -1), 0
    with tempfile.TemporaryDirectory(prefix="shim-hostile-") as folder:
        path = Path(folder) / "package.zip"
        for seed in range(arguments.first, arguments.first + arguments.count):
            path.write_bytes(mutated(seed, elf))
            try:
                result = check(path)
            except Exception as error:
                print(f"seed {seed}: {error!r}")
                raise
            refused += result.error is not None
            slowest = max(slowest, (result.seconds, seed))
            if result.seconds > SLOW:
                print(f"seed {seed}: {result.seconds:.1f} s")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{arguments.count} packages from seed {arguments.first}: {refused} refused, the others"
        f" checked; slowest {slowest[0]:.2f} s (seed {slowest[1]}), peak memory {memory:.0f} MB"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
