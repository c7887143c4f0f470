"""Broken and malicious packages and programs; the same seed gives the same one."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zipfile
import zlib
from functools import cache

from shim.arch import Arch
from tests.check.builders import DUAL, SCRIPT, launcher, program
from tests.check.oracle.scripts import shell_script

NAMES = (
    *("bootstrap", "orders", "bin/orders", "orders_arm64", ".shim/x86_64", "lib/libz.so.1"),
    *("/etc/passwd", "../outside", "a/../../b", "a\\b", "", ".", "..", "/", "a//b", "a/", "a\0b"),
    *("x" * 300, "y/" * 90, "ü", "\U0001f600", "BOOTSTRAP", "extensions/e", "\x1b[31m", "a\nb"),
)


def hostile(seed: int, elf: bytes) -> bytes:
    """A zip that may be broken anywhere, or a bomb, or one of 65,535 entries; or a bare program."""
    rng = random.Random(f"hostile {seed}")
    kind = rng.random()
    if kind < 0.0002:
        return _damage(rng, many(65_535)) if rng.random() < 0.5 else many(65_535)
    if kind < 0.003:
        data = bomb(rng.choice([1 << 20, 1 << 26, 1 << 28]))
        return _damage(rng, data) if rng.random() < 0.5 else data
    if kind < 0.15:
        return damaged_elf(rng, rng.choice([elf, program(), program(Arch.ARM64), launcher()]))
    return mutated(seed, elf)


def mutated(seed: int, elf: bytes) -> bytes:
    """A zip that may be broken anywhere."""
    rng = random.Random(seed)
    data = _zip(rng, elf)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5, 50])):
        data = _damage(rng, data)
    return data


def _zip(rng: random.Random, elf: bytes) -> bytes:
    file = io.BytesIO()
    method = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED])
    if rng.random() < 0.03:
        method = zipfile.ZIP_LZMA
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method, compresslevel=1) as archive:
        warnings.simplefilter("ignore", UserWarning)  # names that are there twice
        for _ in range(rng.choice([0, 1, 2, 5, 20])):
            info = zipfile.ZipInfo("entry")
            name = "y/" * 900 + "z" if rng.random() < 0.0003 else rng.choice(NAMES)
            info.filename = info.orig_filename = name
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
        if rng.random() < 0.5:
            return _script(rng)
        return rng.choice([SCRIPT, DUAL, b"#!" + rng.randbytes(300), b"#!/bin/sh\r\n", b"#!"])
    return rng.choice([b"", b"MZ", b"\0" * 70_000, rng.randbytes(500)])


def _script(rng: random.Random) -> bytes:
    """A shell script that is nested, long or broken anywhere."""
    line, text = shell_script(rng)
    pieces = [
        "if a; then ",
        "fi;",
        "$(",
        ")",
        "`",
        "${",
        "}",
        '"',
        "'",
        "<<EOF\n",
        "case x in ",
        "{ ",
    ]
    many = rng.choice(pieces) * rng.choice([0, 0, 1, 10, 1000, 20_000])
    data = f"{line}\n{text}{many}{text * rng.choice([0, 1, 50])}".encode()
    return _damage(rng, data) if rng.random() < 0.3 else data


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
    match rng.randrange(6):
        case 0 if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        case 1 if changed:
            del changed[rng.randrange(len(changed)) :]
        case 2:
            at = max(0, len(changed) - rng.randrange(1, 200))
            changed[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, rng.randbytes(4)])
        case 3 if len(data) > 22:
            changed = changed[:-22] + _wide_end(rng, data) + changed[-22:]
        case 4:
            changed = bytearray(rng.randbytes(rng.randrange(100))) + changed
        case _:
            _damage_record(rng, changed)
    return bytes(changed)


def _damage_record(rng: random.Random, data: bytearray) -> None:
    """Change what a zip says of an entry, in its directory or before the entry's own bytes."""
    records = _records(data, b"PK\x01\x02")
    if not records:
        return
    match rng.randrange(3):
        case 0:
            at = rng.choice(records + _records(data, b"PK\x03\x04")) + rng.randrange(4, 46)
            data[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, rng.randbytes(4)])
        case 1:
            data[rng.choice(records) + 8] |= 1  # encrypted
        case _:
            one, other = rng.choice(records) + 42, rng.choice(records) + 42
            data[one : one + 4] = data[other : other + 4]  # two entries at one offset


def _records(data: bytes | bytearray, signature: bytes) -> list[int]:
    """Where whole records begin."""
    offsets, at = [], data.find(signature)
    while 0 <= at <= len(data) - 46:
        offsets.append(at)
        at = data.find(signature, at + 4)
    return offsets


def _wide_end(rng: random.Random, data: bytes) -> bytes:
    """A zip64 directory's end and what points to it, some of it right."""
    end = len(data) - 22
    size, start = struct.unpack_from("<2L", data, end + 12)
    numbers = [rng.choice([one, one, 0, rng.getrandbits(64)]) for one in (1, 1, size, start)]
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *numbers)
    offset = rng.choice([end, end, end, rng.getrandbits(64)])
    return record + struct.pack("<4sLQL", b"PK\x06\x07", 0, offset, 1)


@cache
def many(count: int) -> bytes:
    """A zip of `count` entries, most in some hundred folders."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(count):
            archive.writestr(f"d{number % 100}/f{number}", program() if number % 3 else b"#!/x\n")
    return file.getvalue()


@cache
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
