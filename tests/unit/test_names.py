"""Which names a handler can have, and which name a file gives it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.arch import Arch
from shim.emulate.machine import required_host_arch
from shim.errors import InputError
from shim.package.launchers import Flavour, launcher
from shim.package.names import (
    check_handler_name,
    check_path,
    handler_name,
    handler_problem,
    is_bootstrap,
)

X86, ARM = Arch.X86_64, Arch.ARM64


@pytest.mark.parametrize(
    ("path", "arch", "name"),
    [
        ("orders", X86, "orders"),
        ("bin/orders", ARM, "bin/orders"),
        ("orders_arm64", ARM, "orders"),
        ("orders-arm64", ARM, "orders"),
        ("orders_amd64", X86, "orders"),
        ("orders-x86_64", X86, "orders"),
        ("orders-x86-64", X86, "orders"),
        ("orders_x64", X86, "orders"),
        ("orders_aarch64", ARM, "orders"),
        ("orders_linux_amd64", X86, "orders"),
        ("orders-linux-arm64", ARM, "orders"),
        ("bin/orders_arm64", ARM, "bin/orders"),
        ("linux_amd64/orders", X86, "orders"),
        ("linux-arm64/bin/orders", ARM, "bin/orders"),
        ("x86_64/orders", X86, "orders"),
        ("aarch64/bin/orders", ARM, "bin/orders"),
        ("arm64/orders_arm64", ARM, "orders"),
        ("orders_linux_amd64_v1/orders", X86, "orders"),
        ("orders_linux_arm64_v8.0/orders", ARM, "orders"),
        ("my-orders_linux_arm64/orders", ARM, "orders"),
        ("x86_64-unknown-linux-gnu/release/orders", X86, "orders"),
        ("aarch64-unknown-linux-musl/debug/orders", ARM, "orders"),
        ("aarch64-linux-musl/orders", ARM, "orders"),
        # What is not folded: other folders, other words, and names that are nothing else.
        ("tools/arm64/helper", ARM, "tools/arm64/helper"),
        ("release/orders", X86, "release/orders"),
        ("aarch64-unknown-linux-gnu/release", ARM, "release"),
        ("ordersarm64", ARM, "ordersarm64"),
        ("arm64", ARM, "arm64"),
        ("_arm64", ARM, "_arm64"),
        ("linux_arm64", ARM, "linux"),
        ("orders_arm", ARM, "orders_arm"),
        ("orders_arm64.old", ARM, "orders_arm64.old"),
    ],
)
def test_what_build_tools_add_is_folded_away(path: str, arch: Arch, name: str) -> None:
    assert handler_name(PurePosixPath(path), arch) == name


@pytest.mark.parametrize(
    ("path", "arch"),
    [
        ("orders_arm64", X86),
        ("orders-linux-amd64", ARM),
        ("linux_arm64/orders", X86),
        ("x86_64-unknown-linux-gnu/release/orders", ARM),
    ],
)
def test_a_name_that_contradicts_the_header_is_refused(path: str, arch: Arch) -> None:
    with pytest.raises(InputError, match=f"is built for {arch}: `{re.escape(path)}`"):
        handler_name(PurePosixPath(path), arch)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "it is empty"),
        ("a" * 129, "it has 129 characters and Lambda takes 128"),
        ("my orders", "white space"),
        ("orders\n", "white space"),
        ("orders\u00a0", "white space"),
        ("/orders", "it is absolute"),
        ("../orders", "`..` part"),
        ("bin/../orders", "`..` part"),
        ("./orders", "an empty or a `.` part"),
        ("./bootstrap", "an empty or a `.` part"),
        ("bin//orders", "an empty or a `.` part"),
        ("orders/", "an empty or a `.` part"),
        ("bootstrap", "the launcher's own path"),
        ("bootstrap/orders", "the launcher's own path"),
        (".shim/orders", "shim's own folder"),
        (".shim", "shim's own folder"),
        ("orders\udcff", "not UTF-8"),
    ],
)
def test_a_name_that_cannot_work_is_refused(name: str, reason: str) -> None:
    with pytest.raises(InputError, match=re.escape(reason)) as caught:
        check_handler_name(name)
    assert caught.value.hint


@pytest.mark.parametrize(
    "name", ["a", "a" * 128, "bin/orders", "orders.v2", ".orders", "Bootstrap", "bestellungen-ü"]
)
def test_a_name_that_lambda_takes_is_taken(name: str) -> None:
    check_handler_name(name)


@given(st.text())
def test_every_name_that_is_taken_matches_what_lambda_demands(name: str) -> None:
    try:
        check_handler_name(name)
    except InputError:
        return
    assert re.fullmatch(r"[^\s]{1,128}", name)
    assert not {"..", ".", ""} & set(name.split("/"))
    assert name.encode()


@pytest.mark.parametrize("path", ["bootstrap", ".shim/x86_64", "\udcff.txt"])
def test_data_cannot_take_the_launchers_path(path: str) -> None:
    with pytest.raises(InputError):
        check_path(path)


@pytest.mark.parametrize("path", ["a file.txt", "lib/bootstrap", ".shimmer", "x" * 200])
def test_data_can_have_names_that_handlers_cannot(path: str) -> None:
    check_path(path)


NAMES = ["", "a", "/a", "/", "..", "a/../b", "a..b", "...", "./a", "a//b", "a/..", "bootstrap/..",
         "a" * 128, "a" * 129, "ü" * 128, "ü" * 129, "bootstrap", "./bootstrap", "bootstrap/",
         "a b", "bootstrap/a", "a/bootstrap", "Bootstrap"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_launcher_refuses_the_same_names(name: str, tmp_path: Path) -> None:
    program = tmp_path / "bootstrap"
    program.write_bytes(launcher(required_host_arch(), Flavour.LEAN))
    program.chmod(0o755)
    done = subprocess.run(
        [program],
        env={"_HANDLER": name, "LAMBDA_TASK_ROOT": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    error = json.loads(done.stderr)["errorType"].removeprefix("Runtime.")
    is_refused = error in {"HandlerUnset", "HandlerInvalid", "HandlerIsLauncher"}
    is_lambdas_alone = " " in name
    assert is_refused == (
        is_bootstrap(name) or (handler_problem(name) is not None and not is_lambdas_alone)
    )
    assert (error == "HandlerIsLauncher") == is_bootstrap(name)
