"""A real account, for who asks for it: each test says by which variable, and what it costs there.

The account, its region and who calls are found as every AWS tool finds them.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from shim.aws.boto import BotoApi, fetch_function
from shim.aws.connection import Connection
from shim.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

READ, DEPLOY, ALIAS = (f"SHIM_TEST_AWS_{what}" for what in ("FUNCTION", "DEPLOY", "ALIAS"))


def asked(variable: str, form: str, what: str) -> pytest.MarkDecorator:
    """Skip, unless the variable is there."""
    reason = f"{variable}={form} {what} a function of a real account"
    return pytest.mark.skipif(variable not in os.environ, reason=reason)


@asked(READ, "NAME", "reads")
def test_a_function_can_be_read(tmp_path: Path) -> None:
    """Costs nothing: calls of the control plane are free, and packages come from a link."""
    live = fetch_function(Connection().client(), os.environ[READ], folder=tmp_path)
    digest = hashlib.sha256(live.package.read_bytes()).digest()
    assert b64encode(digest).decode() == live.named.function.code_sha256


@asked(DEPLOY, "NAME", "changes a variable of, and brings back")
def test_a_function_can_be_deployed_and_brought_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Costs nothing: some ten calls of the control plane; the function isn't invoked.

    While it runs, the variable SHIM_TEST is in its environment; sandboxes start anew twice.
    """
    monkeypatch.setenv("SHIM_CACHE", str(tmp_path / "cache"))
    api, name, folder = BotoApi(Connection().client()), os.environ[DEPLOY], str(tmp_path / "it")
    before = api.get_function(name)
    words = ["deploy", "--function", name, "--env", "SHIM_TEST=1", "--into", folder, "--yes"]
    assert main(words) == 0
    assert dict(api.get_function(name).environment)["SHIM_TEST"] == "1"
    assert main(["rollback", folder, "--yes"]) == 0
    assert api.get_function(name).settings == before.settings


@asked(ALIAS, "NAME:ALIAS", "moves an alias of, and moves it back")
def test_an_alias_can_be_moved_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs one invocation, 0.0000002 US$ and its time, and one version's place of 75 GB.

    The new version is invoked with `{}`, and the alias then moves to it; that version stays.
    """
    monkeypatch.setenv("SHIM_CACHE", str(tmp_path / "cache"))
    name, _, alias = os.environ[ALIAS].partition(":")
    api, folder = BotoApi(Connection().client()), str(tmp_path / "it")
    before = api.get_alias(name, alias)
    words = ["deploy", "--function", name, "--alias", alias, "--env", "SHIM_TEST=1"]
    assert main([*words, "--into", folder, "--yes"]) == 0
    assert api.get_alias(name, alias).version != before.version
    assert main(["rollback", folder, "--yes"]) == 0
    assert api.get_alias(name, alias).version == before.version
