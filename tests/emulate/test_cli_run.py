"""`shim run` as it is typed: answers, exit statuses, and nothing left behind however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.emulate import machine
from tests.cli.test_json import check_convention
from tests.command import Command
from tests.requirements import require, require_runs
from tests.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Somebody who is no root, and somebody who may make no namespaces, as in most containers.
UNPRIVILEGED = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
NO_RIGHTS = (
    *("unshare", "--user", "--map-root-user", "sh", "-c"),
    'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all "$@"',
    "sh",
)
NAMESPACES = pytest.mark.parametrize("prefix", [(), UNPRIVILEGED], ids=["as it is", "unprivileged"])
MODES = pytest.mark.parametrize(
    "prefix", [(), UNPRIVILEGED, NO_RIGHTS], ids=["as it is", "unprivileged", "no namespaces"]
)


class RunCommand(Command):
    """`shim run`, which gives the mark to the function too."""

    __slots__ = ()

    def words(self, *words: str | Path) -> list[str]:
        here = ("--in", "machine")  # whatever engine is there
        return [*Command.words(self, *words), *here, "--env", f"MARK={self.mark}"]


@pytest.fixture
def command(cache: Path, tmp_path: Path) -> Iterator[RunCommand]:
    command = RunCommand(name="run", cache=cache, folder=tmp_path / "tmp")
    with command.opened():
        yield command


def require_prefix(prefix: Sequence[str]) -> None:
    done = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"user namespaces can't be had for a test: {done.stderr}")


def served_url(process: subprocess.Popen[str]) -> str:
    assert process.stderr
    while line := process.stderr.readline():
        if found := re.fullmatch(r"try: curl --data '{}' (http://127\.0\.0\.1:\d+/\S+)\n", line):
            return found[1]
    raise AssertionError("it ended without serving")


def post(url: str, expression: str) -> bytes:
    data = json.dumps({"eval": expression}).encode()
    with urllib.request.urlopen(url, data, 20) as response:  # noqa: S310 - our own URL
        body: bytes = response.read()
    return body


def test_the_answer_is_on_standard_output_and_the_log_on_standard_error(
    command: Command, package: Path
) -> None:
    done = command.run(package, "--handler", "x", event='{"eval": "[1, 2]"}')
    assert (done.returncode, done.stdout) == (0, "[1, 2]\n")
    assert done.stderr == "started\nevent {'eval': '[1, 2]'}\n"


def test_the_event_can_be_a_file_and_sent_many_times(
    command: Command, package: Path, tmp_path: Path
) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"eval": "os.getpid()"}')
    done = command.run(package, "--handler", "x", "--event", event, "--repeat", "5")
    assert done.returncode == 0
    answers = done.stdout.splitlines()
    assert len(answers) == 5
    assert len(set(answers)) == 1, "one start, five answers"


def test_the_event_can_stand_on_the_command_line(command: Command, package: Path) -> None:
    done = command.run(package, "--handler", "x", "--event", ' {"eval": "1 + 1"}')
    assert (done.returncode, done.stdout) == (0, "2\n")


def test_the_only_handler_need_not_be_named(command: Command, package: Path) -> None:
    (package / "data.txt").write_text("no program")
    (package / "orders").write_bytes(b"#!/bin/sh\n")
    done = command.run(package, event='{"eval": "os.environ[\'_HANDLER\']"}')
    assert (done.returncode, done.stdout) == (0, '"orders"\n')
    (package / "greet").write_bytes(b"#!/bin/sh\n")
    done = command.run(package, event="{}")
    assert done.returncode == 2
    assert "which handler? there are `greet`, `orders`\nhint: name one" in done.stderr


def test_a_bootstrap_that_is_the_function_has_the_usual_name(
    command: Command, package: Path
) -> None:
    done = command.run(package, event='{"eval": "os.environ[\'_HANDLER\']"}')
    assert (done.returncode, done.stdout) == (0, '"bootstrap"\n')


def test_an_error_is_an_answer_too_but_the_exit_status_is_1(
    command: Command, package: Path
) -> None:
    done = command.run(package, "--handler", "x", event='{"raise": "Function.Broken"}')
    assert done.returncode == 1
    assert json.loads(done.stdout)["errorType"] == "Function.Broken"
    assert "error: the function failed: Function.Broken: as asked for\n" in done.stderr


def test_a_function_that_does_not_start_is_exit_status_1(command: Command, package: Path) -> None:
    done = command.run(package, "--handler", "exit3", event="{}")
    assert done.returncode == 1
    assert json.loads(done.stdout)["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in done.stderr
    arch = machine.required_host_arch()
    hint = f"hint: this may say why: shim check {package} --handler exit3 --arch {arch}\n"
    assert hint in done.stderr


def test_json_holds_answers_errors_and_times(command: Command, package: Path) -> None:
    done = command.run(package, "--handler", "x", "--repeat", "2", "--json", event='{"eval": "7"}')
    result = check_convention(done.stdout)
    assert result["answers"] == [7, 7]
    assert result["errors"] == [None, None]
    assert result["architecture"] == machine.required_host_arch()
    assert result["notes"] == []
    assert result["initMilliseconds"][0] > 0
    assert result["initMilliseconds"][1] is None
    assert len(result["milliseconds"]) == 2
    failed = command.run(package, "--handler", "exit3", "--json", event="{}")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["errors"][0]["errorType"] == "Runtime.ExitError"
    assert json.loads(failed.stdout)["answers"] == [None]


def test_the_emulators_own_log_is_shown_on_demand_only(command: Command, package: Path) -> None:
    done = command.run(package, "--handler", "x", "--verbose", event='{"eval": "1"}')
    assert "(rapid)" in done.stderr


@pytest.mark.parametrize(
    ("status", "sentence", "words", "event"),
    [
        (2, "no such file: nowhere.zip", ["nowhere.zip", "--handler", "x"], "{}"),
        (2, "no such file: nowhere.zip", [".", "--handler", "x", "--layer", "nowhere.zip"], "{}"),
        (2, "it is not a zip, or it is cut off", [__file__, "--handler", "x"], "{}"),
        (2, "no such function name: `a b`", ["a b=.", "--handler", "x"], "{}"),
        (2, "no such function name: ``", ["=.", "--handler", "x"], "{}"),
        (2, "no such function name: `\\udcff`", ["\udcff=.", "--handler", "x"], "{}"),
        (
            2,
            "no such Handler, it has white space in it: `a b`",
            [".", "--handler", "a b"],
            "{}",
        ),
        (2, "takes no such Handler", [".", "--handler", "x" * 129], "{}"),
        (2, "error: the event -: not JSON: ", [".", "--handler", "x"], "{"),
        (2, "error: the event -: not JSON: ", [".", "--handler", "x"], "NaN"),
        (2, "nested too deeply", [".", "--handler", "x"], "[" * 100_000),
        (2, "RequestEntityTooLargeException", [".", "--handler", "x"], f'"{"a" * 6_291_455}"'),
        (2, "error: the event given: not JSON: ", [".", "--handler", "x", "--event", "{"], None),
        (2, "can't read it", [".", "--from", "nowhere"], "{}"),
        (2, "can't read the event", [".", "--handler", "x", "--event", "nowhere"], None),
        (2, "--port is the endpoint's", [".", "--handler", "x", "--port", "7000"], "{}"),
        (2, "--repeat needs an --event", [".", "--handler", "x", "--repeat", "2"], None),
        (2, "not NAME=VALUE", [".", "--handler", "x", "--env", "NAME"], "{}"),
        (2, "not NAME=VALUE", [".", "--handler", "x", "--env", "1=2"], "{}"),
        (2, "is set by shim itself", [".", "--handler", "x", "--env", "LAMBDA_TASK_ROOT=y"], "{}"),
        (2, "not a whole number", [".", "--handler", "x", "--repeat", "0"], "{}"),
        (2, "not a whole number from 1", [".", "--handler", "x", "--port", "70000"], "{}"),
        (2, "not x86_64 or arm64", [".", "--handler", "x", "--arch", "riscv64"], "{}"),
        (2, "no such emulator", [".", "--handler", "x", "--rie", "nowhere"], "{}"),
        (3, "doesn't listen", [".", "--handler", "x", "--rie", "/bin/true"], "{}"),
    ],
)
def test_bad_input_is_one_sentence_and_its_exit_status(
    status: int, sentence: str, words: list[str], event: str | None, command: Command
) -> None:
    (command.folder.parent / "bootstrap").touch()
    done = command.run(*words, event=event)
    assert (done.returncode, done.stdout) == (status, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not command.processes()
    assert not list(command.folder.iterdir())


@MODES
def test_without_an_event_it_serves_until_ctrl_c(
    prefix: Sequence[str], command: Command, package: Path
) -> None:
    require_prefix(prefix)
    process = command.start(package, "--handler", "x", prefix=prefix)
    url = served_url(process)
    assert [post(url, "6 * 7"), post(url, "6 * 8")] == [b"42", b"48"]
    process.send_signal(signal.SIGINT)
    out, log = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert log == "started\nevent {'eval': '6 * 7'}\nevent {'eval': '6 * 8'}\n"
    assert not command.processes()
    assert not list(command.folder.iterdir())


def test_serving_tells_of_errors_and_goes_on(command: Command, package: Path) -> None:
    process = command.start(package, "--handler", "x", "--json")
    assert process.stdout
    (function,) = check_convention(process.stdout.readline())["functions"]
    url = function["url"]
    assert json.loads(post(url, "os._exit(5)"))["errorType"] == "Runtime.ExitError"
    assert post(url, "1") == b"1"
    assert process.stderr
    while "error: the function failed: Runtime.ExitError" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM


@MODES
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_it_no_process_and_no_file_is_left(
    number: signal.Signals, prefix: Sequence[str], command: Command, package: Path
) -> None:
    require_prefix(prefix)
    process = command.start(package, "--handler", "x", prefix=prefix)
    url = served_url(process)
    # A process in a group of its own, whose parent has gone, that ignores what can be ignored.
    stray = "trap '' TERM INT HUP; while :; do sleep 1; done"
    post(url, f"subprocess.Popen(['setsid', 'sh', '-c', {stray!r}]) and None")
    wait_until(lambda: len(command.processes()) >= 5, seconds=60)
    process.send_signal(number)
    process.communicate(timeout=60)
    wait_until(lambda: not command.processes(), seconds=60)
    wait_until(lambda: not list(command.folder.iterdir()), seconds=60)


@NAMESPACES
def test_when_its_supervisor_is_killed_the_function_ends_too(
    prefix: Sequence[str], command: Command, package: Path
) -> None:
    require_prefix(prefix)
    process = command.start(package, "--handler", "x", prefix=prefix)
    served_url(process)
    supervisor = next(
        number
        for number in command.processes()
        if b"supervisor.main" in Path(f"/proc/{number}/cmdline").read_bytes()
    )
    os.kill(supervisor, signal.SIGKILL)
    out, log = process.communicate(timeout=60)
    assert (process.returncode, out) == (3, "")
    assert "the emulator ended by itself" in log
    wait_until(lambda: not command.processes(), seconds=60)


@MODES
def test_every_kind_of_user_gets_the_answer_and_is_told_what_differs(
    prefix: Sequence[str], command: Command, package: Path
) -> None:
    require_prefix(prefix)
    event = json.dumps({"eval": "[os.environ['LAMBDA_TASK_ROOT'], os.getcwd(), __file__]"})
    done = command.run(package, "--handler", "x", prefix=prefix, event=event)
    assert done.returncode == 0, done.stderr
    root, folder, bootstrap = json.loads(done.stdout)
    assert folder == root
    assert bootstrap == f"{root}/bootstrap"
    if prefix == NO_RIGHTS:
        assert root.startswith(str(command.folder))
        assert done.stderr.startswith("note: no mount namespaces here (No space left on device): ")
        assert f"the package is at {root} (LAMBDA_TASK_ROOT)" in done.stderr
    else:
        assert root == "/var/task"
        assert "note:" not in done.stderr


@NAMESPACES
def test_a_strict_umask_does_not_keep_the_function_out(
    prefix: Sequence[str], command: Command, package: Path
) -> None:
    (package / "deep").mkdir(mode=0o755)
    strict = ("sh", "-c", 'umask 077; exec "$@"', "sh", *prefix)
    require_prefix(strict)
    event = json.dumps({"eval": "os.listdir('/var/task/deep')"})
    done = command.run(package, "--handler", "x", prefix=strict, event=event)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


@NAMESPACES
def test_the_hosts_mounts_do_not_change(
    prefix: Sequence[str], command: Command, package: Path
) -> None:
    # A host of our own, since others may mount on this one; shared, as most are.
    host = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
    script = (
        'mount --make-rshared / && cat /proc/self/mountinfo && "$@" && cat /proc/self/mountinfo'
    )
    whole = (*host, script, "sh", *prefix)
    require_prefix(whole)
    done = command.run(package, "--handler", "x", prefix=whole, event='{"eval": "os.getuid()"}')
    before, answer, after = done.stdout.partition("993\n")
    assert answer, done.stderr
    assert before == after


def test_links_in_the_hosts_root_lead_nothing_onto_the_host(
    command: Command, package: Path, tmp_path: Path
) -> None:
    require(os.geteuid() == 0, "only root can change the root folder of a test")
    layer, outside = tmp_path / "layer", tmp_path / "outside"
    layer.mkdir()
    outside.mkdir()
    (layer / "tool").touch()
    # As on Fedora's ostree systems, where /opt is a link into /var.
    root = tmp_path / "root"
    script = (
        'mount -t tmpfs none "$1" && mkdir "$1/var" && ln -s "$2" "$1/opt" && ln -s "$2" "$1/home" '
        '&& ln -s "$2" "$1/var/task" && ln -s usr/bin "$1/bin" && ln -s usr/lib "$1/lib" && '
        "for path in /*; do name=${path#/}; "
        "case $name in bin|home|lib|opt|var) continue ;; esac; "
        'if [ -L "/$name" ]; then cp -P "/$name" "$1/"; '
        'elif [ -d "/$name" ]; then mkdir "$1/$name"; mount --rbind "/$name" "$1/$name"; fi; '
        'done && cd "$1" && mkdir old && pivot_root . old && shift 2 && exec "$@"'
    )
    root.mkdir()
    whole = ("unshare", "--mount", "sh", "-c", script, "sh", str(root), str(outside))
    require_prefix(whole)
    event = json.dumps({"eval": "[os.listdir('/opt'), os.path.islink('/opt'), __file__]"})
    done = command.run(package, "--handler", "x", "--layer", layer, prefix=whole, event=event)
    assert (done.returncode, done.stdout) == (0, '[["tool"], false, "/var/task/bootstrap"]\n'), (
        done.stderr
    )
    assert not list(outside.iterdir())


def test_a_full_disk_is_told_and_nothing_is_left(command: Command, package: Path) -> None:
    require_prefix(NO_RIGHTS)
    (package / "data").write_bytes(bytes(200_000))
    small = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
    script = (
        'mount -t tmpfs -o size=64k none "$TMPDIR" && '
        'echo 0 > /proc/sys/user/max_user_namespaces && setpriv --bounding-set=-all "$@"; '
        'status=$?; ls -A "$TMPDIR"; exit $status'
    )
    done = command.run(package, "--handler", "x", prefix=(*small, script, "sh"), event="{}")
    assert (done.returncode, done.stdout) == (3, "")
    assert f"error: could not unpack (No space left on device): {package}\n" in done.stderr


@NAMESPACES
def test_a_file_that_lambdas_user_could_not_read_is_not_readable_here_either(
    prefix: Sequence[str], command: Command, package: Path
) -> None:
    require_prefix(prefix)
    (package / "private").touch(mode=0o700)
    event = json.dumps({"eval": "os.access('private', os.R_OK)"})
    done = command.run(package, "--handler", "x", prefix=prefix, event=event)
    assert done.stdout == "false\n", done.stderr


SH = b"""#!/bin/sh
set -euo pipefail
exec /usr/bin/python3 -IS "$LAMBDA_TASK_ROOT/function.py"
"""


@NAMESPACES
def test_sh_is_bash_as_on_lambda(prefix: Sequence[str], command: Command, package: Path) -> None:
    require_prefix(prefix)
    require(Path("/bin/bash").exists(), "no bash for a test")
    (package / "bootstrap").rename(package / "function.py")
    (package / "bootstrap").write_bytes(SH)
    (package / "bootstrap").chmod(0o755)
    script = "echo ${BASH_VERSION:-none} $0; shopt -qo posix && echo posix"
    event = json.dumps({"eval": f"subprocess.getoutput({script!r})"})
    done = command.run(package, "--handler", "x", prefix=prefix, event=event)
    assert done.returncode == 0, done.stderr
    version, name, mode = json.loads(done.stdout).split()
    assert (version != "none", name, mode) == (True, "/bin/sh", "posix")
    assert "note:" not in done.stderr


def test_without_bash_a_note_asks_for_it(command: Command, package: Path) -> None:
    require(os.geteuid() == 0, "only root can hide a test's bash")
    require(Path("/bin/sh").resolve().name != "bash", "bash is this machine's sh")
    hidden = (
        'for one in bash bash-static; do [ ! -e "/usr/bin/$one" ] || '
        'mount --bind /dev/null "/usr/bin/$one"; done; exec "$@"'
    )
    prefix = ("unshare", "--mount", "sh", "-c", hidden, "sh")
    require_prefix(prefix)
    done = command.run(package, "--handler", "x", prefix=prefix, event='{"eval": "1"}')
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
    assert done.stderr.startswith("note: bash is not installed, which on Lambda is `sh`\n")


def test_a_functions_file_says_what_to_start(
    command: Command, package: Path, tmp_path: Path
) -> None:
    configuration = {
        "Runtime": "go1.x",
        "Handler": "bin/orders",
        "Environment": {"Variables": {"TABLE": "a", "STAGE": "b"}},
        "Layers": [{"Arn": "arn:aws:lambda:eu-west-1:1:layer:audit:3"}],
    }
    (package / "bin").mkdir()
    (package / "bootstrap").rename(package / "bin" / "orders")
    # As `aws lambda get-function > function.json` leaves it on Windows.
    file = tmp_path / "function.json"
    file.write_text(json.dumps({"Configuration": configuration}), encoding="utf-16")
    event = '{"eval": "[__file__, os.environ[\\"TABLE\\"], os.environ[\\"STAGE\\"]]"}'
    done = command.run(package, "--from", file, "--env", "STAGE=c", event=event)
    assert json.loads(done.stdout) == ["/var/task/bin/orders", "a", "c"], done.stderr
    assert "note: the function's layers are others than the 0 given here: arn:aws:" in done.stderr
    configuration["Environment"] = {"Variables": {"_HANDLER": "x"}}
    file.write_text(json.dumps(configuration))
    done = command.run(package, "--from", file, event="{}")
    assert done.returncode == 2
    assert "set by shim itself: _HANDLER" in done.stderr


@NAMESPACES
def test_where_sh_is_bash_the_dual_bootstrap_still_finds_the_emulated_machine(
    prefix: Sequence[str], command: Command, dual_package: Path
) -> None:
    other = next(arch for arch in Arch if arch != machine.host_arch())
    require_runs(other)
    require(os.geteuid() == 0, "only root can make bash the shell of a test")
    bash_as_sh = (
        "mount -t tmpfs none /mnt && ln -s bash /mnt/sh && "
        'mount -t overlay -o lowerdir=/mnt:/usr/bin none /usr/bin && exec "$@"'
    )
    whole = ("unshare", "--mount", "sh", "-c", bash_as_sh, "sh", *prefix)
    words = (dual_package, "--handler", "x", "--arch", other)
    done = command.run(*words, prefix=whole, event="{}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["machine"] == other.machine
    native = command.run(*words[:-1], str(machine.host_arch()), prefix=whole, event="{}")
    assert json.loads(native.stdout)["machine"] == os.uname().machine


def test_a_large_package_shows_that_it_is_unpacked(command: Command, package: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        archive = Path(name, "large.zip")
        (package / "data").write_bytes(os.urandom(25_000_000))
        subprocess.run(
            [sys.executable, "-m", "zipfile", "-c", archive, "bootstrap", "data"],
            cwd=package,
            check=True,
        )
        done = command.run(archive, "--handler", "x", event='{"eval": "1"}')
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert done.stderr.startswith("unpacking\n")
