"""No JSON, whatever it says, ends a command in anything but an answer or one sentence."""

from __future__ import annotations

import copy
import json
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shim.arch import Arch
from shim.bench import record as bench_record
from shim.cli.main import main
from shim.errors import ExitCode, InputError
from shim.fields import DOCUMENT_LIMIT, naming, read_file, read_json
from shim.package.entry import Entry
from shim.package.function import write_zip
from shim.package.launchers import Flavour, launcher
from tests.bench import fakes
from tests.check.builders import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FUNCTION = {
    "Configuration": {
        "FunctionName": "orders",
        "Runtime": "provided.al2023",
        "Handler": "orders",
        "Architectures": ["x86_64"],
        "Environment": {"Variables": {"STAGE": "prod"}},
        "Layers": [],
        "Version": "$LATEST",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
    },
    "Code": {"Location": "https://example.com"},
}
STRANGE: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            0,
            -1,
            1 << 70,
            10**900,
            1e308,
            "",
            "\ud800",
            "a\0b",
            "\x1b[2J",
            "x" * 5000,
            [],
        ]
    ),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=3),
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current folder, with a package and one file of each kind."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        files = {"bootstrap": launcher(Arch.X86_64, Flavour.LEAN), "orders": SCRIPT, "bin": SCRIPT}
        entries = [Entry.file(name, content, mode=0o755) for name, content in files.items()]
        write_zip(folder / "package.zip", entries)
        (folder / "function.json").write_text(json.dumps(FUNCTION))
        words = ["--from-package", "package.zip", "--handler", "bin", "--output", "plan.json"]
        assert main(["plan", "--from", "function.json", *words]) == ExitCode.OK
        (folder / "functions.json").write_text(
            json.dumps({"Functions": [FUNCTION["Configuration"]]})
        )
        with (folder / "scan.json").open("w") as file, redirect_stdout(file):
            assert main(["scan", "--from", "functions.json", "--json"]) == ExitCode.NO
        bench_record.save(
            fakes.record({"nothing": [1.0, 2.0], "assembly": [2.0, 3.0]}, rounds=2),
            folder / "bench.json",
        )
        yield folder


NOW = ["--from-package", "package.zip"]
COMMANDS = {
    "check": ("function.json", ["check", "package.zip", "--from", "hostile.json"]),
    "plan": ("function.json", ["plan", "--from", "hostile.json", *NOW]),
    "plan to": ("function.json", ["plan", "--from", "function.json", *NOW, "--to", "hostile.json"]),
    "run": ("function.json", ["run", "package.zip", "--from", "hostile.json", "--rie", "none"]),
    "run event": (
        "function.json",
        ["run", "package.zip", "--handler", "x", "--event", "hostile.json", "--rie", "none"],
    ),
    "simulate": (
        "plan.json",
        ["simulate", "--plan", "hostile.json", "--by-verdict", "--invocations", "5"],
    ),
    "scan": ("functions.json", ["scan", "--from", "hostile.json"]),
    "scan again": ("scan.json", ["scan", "--from", "hostile.json"]),
    "bench": ("bench.json", ["bench", "--record", "hostile.json"]),
}


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document, the whole of it first."""
    yield at
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from paths(value[key], (*at, key))


def put(document: Any, at: tuple[Any, ...], value: Any) -> Any:
    """The document with something else at a path of it."""
    if not at:
        return value
    changed = copy.deepcopy(document)
    inner = changed
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return changed


def check_end(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Run the command: an exit status that the help lists, and an error that is a sentence."""
    status = main(words)
    said = capsys.readouterr().err
    assert status in {ExitCode.OK, ExitCode.NO, ExitCode.USAGE, ExitCode.FAILED, 130}
    if status == ExitCode.USAGE:
        assert said.startswith(("error: ", "note: ", "simulating: "))
    assert all(line.isprintable() for line in said.splitlines())


LIMITS = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("name", COMMANDS)
@LIMITS
@given(data=st.data())
def test_strange_values_anywhere_end_in_a_sentence(
    name: str, data: st.DataObject, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, words = COMMANDS[name]
    document = json.loads((here / file).read_text())
    at = data.draw(st.sampled_from(list(paths(document))))
    (here / "hostile.json").write_text(json.dumps(put(document, at, data.draw(STRANGE))))
    check_end(words, capsys)


@pytest.mark.parametrize("name", COMMANDS)
@LIMITS
@given(data=st.data())
def test_bytes_that_were_changed_end_in_a_sentence(
    name: str, data: st.DataObject, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, words = COMMANDS[name]
    text = (here / file).read_bytes()
    at = data.draw(st.integers(0, len(text)))
    (here / "hostile.json").write_bytes(
        text[:at] + data.draw(st.binary(max_size=6)) + text[at + data.draw(st.integers(0, 6)) :]
    )
    check_end(words, capsys)


DOCUMENTS = {
    "empty": (b"", "not JSON: "),
    "not text": (b"\x80", "not JSON: "),
    "half a UTF-16 character": (b"\xff\xfe{", "not JSON: "),
    "twice the same name": (b'{"Runtime": 1, "Runtime": 1}', "a name twice: 'Runtime'"),
    "NaN": (b'{"a": NaN}', "a number can't be NaN"),
    "infinite": (b'{"a": 1e999}', "a number is too large"),
    "many digits": (b'{"a": %s}' % (b"9" * 5000), "a number is too large"),
    "deep lists": (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    "a little too deep": (b"[" * 65 + b"]" * 65, "nested too deeply"),
    "deep objects": (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested too deeply"),
    "half a surrogate pair": (b'{"Runtime": "\\ud800"}', "it is not UTF-8: `Runtime`"),
    "a NUL": (b'{"Runtime": "a\\u0000"}', "it has a NUL character in it: `Runtime`"),
    "a name with a NUL": (
        b'{"Runtime": "go1.x", "Environment": {"Variables": {"a\\u0000": "b"}}}',
        (
            "a name in it can't be used, it has a NUL character in it: 'a\\x00': "
            "`Environment.Variables`"
        ),
    ),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_can_not_be(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, sentence = DOCUMENTS[name]
    (here / "hostile.json").write_bytes(content)
    for command in ("check", "plan", "run", "plan to"):
        assert main(COMMANDS[command][1]) == ExitCode.USAGE
        said = capsys.readouterr().err
        assert said.startswith("error: hostile.json: ")
        assert sentence in said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_what_windows_writes_is_read(encoding: str, here: Path) -> None:
    text = json.dumps(FUNCTION | {"Description": "ä"}, ensure_ascii=False)
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (here / "windows.json").write_bytes((mark + text).encode(encoding))
    assert main(["check", "package.zip", "--from", "windows.json"]) == ExitCode.OK


def test_a_document_has_a_size_that_is_no_joke(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(DOCUMENT_LIMIT + 1)
    with pytest.raises(InputError, match=r"large\.json: not such a document"), naming(str(path)):
        read_file(path)


def test_a_whole_number_has_64_bits() -> None:
    assert read_json(str((1 << 63) - 1)).whole() == (1 << 63) - 1
    with pytest.raises(InputError, match="too large"):
        read_json(str(1 << 63)).whole()
