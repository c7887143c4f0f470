"""Functions under the real emulator: what they see, what they answer, what is left of them."""

from __future__ import annotations

import json
import os
import socket
import threading
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shim.arch import Arch
from shim.emulate import machine, standin
from shim.emulate.fork_server import ForkServer
from shim.emulate.host import Host, _reserved_ports
from shim.emulate.session import HOST, Answer, Session
from shim.emulate.start import Start
from shim.errors import InputError, MachineError
from tests.plan.builders import zipped
from tests.requirements import require, require_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST_ARCH = machine.required_host_arch()
OTHER_ARCH = next(arch for arch in Arch if arch != HOST_ARCH)


class Starter:
    """Starts sessions with the emulator, and keeps the function's log."""

    def __init__(self, emulator: Path) -> None:
        self.emulator = emulator
        self.log = b""

    @contextmanager
    def __call__(self, package: Path, handler: str = "x", **options: Any) -> Iterator[Session]:
        start = Start(package=package, handler=handler, **{"arch": HOST_ARCH, **options})
        with Session(start, place=Host(program=self.emulator), log=self._keep) as session:
            yield session

    def _keep(self, line: bytes) -> None:
        self.log += line


@pytest.fixture
def started(emulator: Path) -> Starter:
    return Starter(emulator)


def evaluate(session: Session, expression: str) -> Any:
    answer = session.invoke(json.dumps({"eval": expression}).encode())
    assert answer.error_type is None, answer
    return json.loads(answer.payload)


def failure(answer: Answer) -> tuple[str | None, Any]:
    return answer.error_type, json.loads(answer.payload)["errorMessage"]


def test_answers_come_back_and_the_log_is_the_functions_alone(
    started: Starter, package: Path
) -> None:
    with started(package) as session:
        assert session.notes == ()
        answers = [session.invoke(b'{"eval": "6 * 7"}') for _ in range(3)]
        assert started.log == b"started\n" + b"event {'eval': '6 * 7'}\n" * 3
    assert [answer.payload for answer in answers] == [b"42"] * 3
    assert [answer.error_type for answer in answers] == [None] * 3
    first, second, third = (answer.init_milliseconds for answer in answers)
    assert first
    assert first > 0
    assert second is third is None


def test_an_answer_that_looks_like_an_error_is_none(started: Starter, package: Path) -> None:
    with started(package) as session:
        assert evaluate(session, "{'errorType': 'E', 'errorMessage': ''}")["errorType"] == "E"


def test_an_error_of_the_function_is_told_from_an_answer(started: Starter, package: Path) -> None:
    with started(package) as session:
        answer = session.invoke(b'{"raise": "Function.Broken"}')
        assert failure(answer) == ("Function.Broken", "as asked for")
        assert evaluate(session, "1") == 1


def test_a_function_that_ends_in_an_invocation_is_started_again(
    started: Starter, package: Path
) -> None:
    with started(package) as session:
        kind, message = failure(session.invoke(b'{"eval": "os._exit(4)"}'))
        assert kind == "Runtime.ExitError"
        assert message.endswith("exit status 4")
        assert evaluate(session, "1") == 1
    assert started.log.count(b"started\n") == 2


def test_a_function_that_never_starts_answers_with_the_reason(
    started: Starter, package: Path
) -> None:
    with started(package, "exit3") as session:
        for _ in range(2):
            answer = session.invoke(b"{}")
            assert failure(answer) == (
                "Runtime.ExitError",
                "Runtime exited with error: exit status 3",
            )


def test_an_error_that_the_start_reports_arrives_word_for_word(
    started: Starter, package: Path
) -> None:
    with started(package, "refuse") as session:
        for _ in range(2):
            assert failure(session.invoke(b"{}")) == ("Runtime.HandlerNotFound", "no `refuse`")


def test_a_package_without_a_bootstrap_does_not_start(started: Starter, tmp_path: Path) -> None:
    with started(zipped(tmp_path / "p.zip", {"other": b""})) as session:
        kind, message = failure(session.invoke(b"{}"))
    assert kind == "Runtime.InvalidEntrypoint"
    assert "/var/task/bootstrap: no such file or directory" in message


def test_a_function_that_takes_too_long_is_ended(started: Starter, package: Path) -> None:
    with started(package, timeout=1) as session:
        kind, message = failure(session.invoke(b'{"eval": "time.sleep(60)"}'))
        assert kind == "Sandbox.Timedout"
        assert message == "Task timed out after 1.00 seconds"
        assert evaluate(session, "1") == 1


def test_the_environment_is_lambdas_and_what_was_asked_for(
    started: Starter, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_USER", "x")
    with started(package, "bin/orders", environment={"TABLE": "a=b c"}) as session:
        environment = evaluate(session, "dict(os.environ)")
    assert environment["_HANDLER"] == "bin/orders"
    assert environment["LAMBDA_TASK_ROOT"] == "/var/task"
    assert environment["PATH"] == "/usr/local/bin:/usr/bin/:/bin:/opt/bin"
    assert environment["TZ"] == ":UTC"
    assert environment["LANG"] == "en_US.UTF-8"
    assert environment["TABLE"] == "a=b c"
    assert environment["AWS_LAMBDA_RUNTIME_API"].startswith("127.0.0.1:")
    own = {"SECRET_OF_THE_USER", "HOME", "USER", "SHELL", "PYTHONPATH", "VIRTUAL_ENV"}
    assert not own & environment.keys()


def test_the_folders_are_lambdas(started: Starter, package: Path) -> None:
    (package / "file").touch(mode=0o600)
    own = Path.home() / ".shim-test"
    with started(package) as session:
        assert evaluate(session, "os.getcwd(), sorted(os.listdir('/var/task'))") == [
            "/var/task",
            ["bootstrap", "file"],
        ]
        assert evaluate(session, "os.listdir('/tmp') + os.listdir('/opt')") == []
        assert evaluate(
            session, f"os.path.exists({str(own.parent)!r}) and os.listdir('/root')"
        ) in (
            [],
            False,
        )
        for folder in ("/", "/var/task", "/opt", "/usr", "/etc", "/var/lib"):
            writing = f"subprocess.run(['touch', {folder!r} + '/x'], stderr=-1).stderr.decode()"
            assert "Read-only file system" in evaluate(session, writing), folder
        assert evaluate(session, "Path('/tmp/x').write_text('x')") == 1
        reading = "subprocess.run(['cat', '/var/task/file'], stderr=-1).stderr.decode()"
        assert "Permission denied" in evaluate(session, reading), "owned by root, as on Lambda"
        assert evaluate(session, "[os.getuid(), os.getgid(), os.getgroups()]")[:2] == [993, 990]


def test_tmp_is_the_functions_own(started: Starter, package: Path) -> None:
    with started(package) as session:
        assert evaluate(session, "Path('/tmp/shim-test-marker').write_text('x')") == 1
    assert not Path("/tmp/shim-test-marker").exists()


def test_layers_are_at_opt_and_later_ones_win(
    started: Starter, package: Path, tmp_path: Path
) -> None:
    first = zipped(tmp_path / "1.zip", {"bin/tool": b"#!/bin/sh\necho 1", "one": b""})
    second = zipped(tmp_path / "2.zip", {"bin/tool": b"#!/bin/sh\necho 2", "two": b""})
    with started(package, layers=(first, second)) as session:
        assert evaluate(session, "sorted(os.listdir('/opt'))") == ["bin", "one", "two"]
        assert evaluate(session, "subprocess.check_output(['tool']).decode()") == "2\n"


def test_a_bootstrap_in_a_layer_is_started_where_the_package_has_none(
    started: Starter, package: Path, tmp_path: Path
) -> None:
    layer = zipped(tmp_path / "l.zip", {"bootstrap": (package / "bootstrap").read_bytes()})
    with started(zipped(tmp_path / "p.zip", {"x": b""}), layers=(layer,)) as session:
        assert evaluate(session, "__file__") == "/opt/bootstrap"


EXTENSION = b"""#!/usr/bin/python3 -IS
import json, os
from http.client import HTTPConnection
def call(method, path, body=None, **headers):
    connection = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, "/2020-01-01/extension" + path, body, headers)
    response = connection.getresponse()
    return response.headers.get("Lambda-Extension-Identifier"), json.loads(response.read())
wanted = json.dumps({"events": ["SHUTDOWN"]})
own, _ = call("POST", "/register", wanted, **{"Lambda-Extension-Name": "watch"})
print("watching", flush=True)
_, event = call("GET", "/event/next", **{"Lambda-Extension-Identifier": own})
print("told of", event["eventType"], flush=True)
"""


def test_an_extension_starts_before_the_function_and_is_told_of_the_end(
    started: Starter, package: Path, tmp_path: Path
) -> None:
    layer = zipped(tmp_path / "l.zip", {"extensions/watch": EXTENSION})
    with started(package, layers=(layer,)) as session:
        assert evaluate(session, "1") == 1
    lines = started.log.splitlines()
    assert lines[:2] == [b"watching", b"started"]
    assert lines[-1] == b"told of SHUTDOWN"


def test_package_and_layers_share_one_limit(
    started: Starter, package: Path, tmp_path: Path
) -> None:
    layers = tuple(tmp_path / f"{number}.zip" for number in range(2))
    for layer in layers:
        with zipfile.ZipFile(layer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data", bytes(140_000_000))
    sentence = "140,000,000 bytes unzipped are more than the"
    with pytest.raises(InputError, match=sentence), started(package, layers=layers):
        pass


def test_the_package_of_a_hostile_stranger_is_refused(started: Starter, tmp_path: Path) -> None:
    source = zipped(tmp_path / "p.zip", {"../../evil": b""})
    with pytest.raises(InputError, match="leads out of the package"), started(source):
        pass


def test_a_process_that_the_function_left_behind_ends_with_it(
    started: Starter, package: Path
) -> None:
    with started(package) as session:
        command = "['setsid', 'sleep', '4321.125']"
        evaluate(session, f"subprocess.Popen({command}, close_fds=False) and None")
        assert running(b"4321.125")
    assert not running(b"4321.125")


def running(word: bytes) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word in path.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


def test_many_sessions_run_side_by_side(emulator: Path, package: Path) -> None:
    results: dict[int, object] = {}

    def work(number: int) -> None:
        with Starter(emulator)(package, f"h{number}") as session:
            results[number] = evaluate(session, "os.environ['_HANDLER']")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: f"h{number}" for number in range(4)}


def test_a_port_is_nobody_elses_while_the_emulator_is_on_its_way() -> None:
    with _reserved_ports() as ports, socket.socket() as other:
        for port in ports:
            with pytest.raises(OSError, match="Address already in use"):
                other.bind((HOST, port))
        with socket.socket() as emulator:
            emulator.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            emulator.bind((HOST, ports[0]))
            emulator.listen()
        with _reserved_ports() as others:
            assert not {*ports} & {*others}


def test_only_this_machine_can_reach_the_emulator(started: Starter, package: Path) -> None:
    with started(package) as session:
        listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        port = f":{session.port:04X}"
        assert [line[1] for line in listening if line[1].endswith(port) and line[3] == "0A"] == [
            f"0100007F{port}"
        ]


@pytest.mark.parametrize("program", ["/bin/true", __file__])
def test_what_is_no_emulator_is_told(program: str, package: Path) -> None:
    sentence = r"the emulator (doesn't listen|can't be started)"
    with pytest.raises(MachineError, match=sentence), Starter(Path(program))(package):
        pass


@pytest.mark.parametrize("arch", list(Arch))
def test_a_native_function_answers_on_its_architecture(
    arch: Arch, started: Starter, functions: dict[Arch, Path], tmp_path: Path
) -> None:
    require_runs(arch)
    package = zipped(tmp_path / "p.zip", {"bootstrap": functions[arch].read_bytes()})
    assert machine.default_arch(package, []) == arch
    with started(package, arch=arch) as session:
        answer = json.loads(session.invoke(b"{}").payload)
    assert answer == {"machine": arch.machine, "program": "/var/task/bootstrap"}


def test_no_function_is_faster_than_the_emulator(
    started: Starter, functions: dict[Arch, Path], tmp_path: Path
) -> None:
    package = zipped(tmp_path / "p.zip", {"bootstrap": functions[HOST_ARCH].read_bytes()})
    for _ in range(20):
        with started(package) as session:
            assert session.invoke(b"{}").error_type is None


@pytest.mark.parametrize("arch", list(Arch))
def test_a_program_for_the_other_architecture_starts_no_more_than_on_lambda(
    arch: Arch, started: Starter, functions: dict[Arch, Path], tmp_path: Path
) -> None:
    require_runs(arch)
    (other,) = set(Arch) - {arch}
    package = zipped(tmp_path / "p.zip", {"bootstrap": functions[other].read_bytes()})
    with started(package, arch=arch) as session:
        assert failure(session.invoke(b"{}")) == (
            "Runtime.InvalidEntrypoint",
            "fork/exec /var/task/bootstrap: exec format error",
        )


@pytest.mark.parametrize("arch", list(Arch))
def test_the_dual_bootstrap_finds_its_program(
    arch: Arch, started: Starter, dual_package: Path
) -> None:
    require_runs(arch)
    with started(dual_package, arch=arch) as session:
        answer = json.loads(session.invoke(b"{}").payload)
    assert answer == {"machine": arch.machine, "program": f"/var/task/.shim/{arch.machine}"}


def test_scripts_are_told_the_emulated_machine(started: Starter, package: Path) -> None:
    require_runs(OTHER_ARCH)
    with started(package, arch=OTHER_ARCH) as session:
        told = {
            words: evaluate(session, f"subprocess.getoutput('uname {words}')")
            for words in ("-m", "--machine", "", "-sm", "-a", "-x --y")
        }
    kernel = os.uname()
    assert told["-m"] == told["--machine"] == OTHER_ARCH.machine
    assert told[""] == "Linux"
    assert told["-sm"] == f"Linux {OTHER_ARCH.machine}"
    assert told["-a"].split()[:3] == ["Linux", kernel.nodename, kernel.release]
    assert told["-a"].endswith(f"{OTHER_ARCH.machine} GNU/Linux")
    assert "not understood" in told["-x --y"]


def test_the_emulated_machines_own_bash_is_sh_where_there_is_one(
    started: Starter, package: Path
) -> None:
    require_runs(OTHER_ARCH)
    require(standin._find_bash(OTHER_ARCH) is not None, f"no bash for {OTHER_ARCH}")
    script = "set -o pipefail; echo $HOSTTYPE $(uname -m)"
    with started(package, arch=OTHER_ARCH) as session:
        said = evaluate(session, f"subprocess.getoutput({script!r})")
        assert session.notes == ()
    assert said == f"{OTHER_ARCH.machine} {OTHER_ARCH.machine}"


def test_the_file_that_the_handler_names_is_run_itself_where_the_runtime_does_so(
    started: Starter, package: Path
) -> None:
    (package / "bin").mkdir()
    (package / "bootstrap").rename(package / "bin/orders")
    with started(package, "bin/orders", runs_handler=True) as session:
        assert evaluate(session, "__file__") == "/var/task/bin/orders"
    with started(package, "orders", runs_handler=True) as session:
        kind, message = failure(session.invoke(b"{}"))
    assert kind == "Runtime.InvalidEntrypoint"
    assert "/var/task/orders: no such file or directory" in message


def test_another_root_folder_is_shown_in_place_of_this_machines(
    started: Starter, functions: dict[Arch, Path], tmp_path: Path
) -> None:
    root = tmp_path / "root"
    for folder in ("usr", "etc", "var/lib"):
        (root / folder).mkdir(parents=True)
    native = zipped(tmp_path / "native.zip", {"bootstrap": functions[HOST_ARCH].read_bytes()})
    script = zipped(tmp_path / "script.zip", {"bootstrap": b"#!/bin/sh\nexec sleep 9"})
    with started(native, root=root) as session:
        assert session.notes == ()
        assert session.invoke(b"{}").error_type is None
    with started(script, root=root) as session:
        kind, message = failure(session.invoke(b"{}"))
    assert (kind, message.rpartition(": ")[2]) == (
        "Runtime.InvalidEntrypoint",
        "no such file or directory",
    ), "this machine has a /bin/sh, that root has none"


def test_sessions_of_one_fork_server_start_and_end_like_any_other(
    emulator: Path, package: Path
) -> None:
    with ForkServer() as fork_server:
        assert fork_server.folder.is_dir()
        place = Host(program=emulator, fork_server=fork_server)
        start = Start(package=package, handler="x", arch=HOST_ARCH)
        log: list[bytes] = []
        for number in range(3):
            word = f"4321.5{number}"
            one = Session(start, place=place, log=log.append)
            with one as session:
                evaluate(
                    session,
                    f"subprocess.Popen(['setsid', 'sleep', '{word}'], close_fds=False) and None",
                )
                assert running(word.encode())
            assert not running(word.encode())
        assert log.count(b"started\n") == 3
    assert not fork_server.folder.exists()


def test_what_a_fork_server_cannot_start_is_told(emulator: Path, tmp_path: Path) -> None:
    source = zipped(tmp_path / "p.zip", {"../../evil": b""})
    start = Start(package=source, handler="x", arch=HOST_ARCH)
    with ForkServer() as fork_server:
        place = Host(program=emulator, fork_server=fork_server)
        one = Session(start, place=place, log=lambda _: None)
        with pytest.raises(InputError, match="leads out of the package"), one:
            pass
