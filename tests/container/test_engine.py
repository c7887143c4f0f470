"""The tests' container engine: shared by all that need it, and ended by the last of them.

They run where the engine's folders are hidden: one that others use on this machine is left alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.requirements import require

ROOT = Path(__file__).parents[2]
HIDE = """
mount -t tmpfs none /run
mkdir /run/lock
for folder in /var/lib/docker /etc/docker; do
    mkdir -p $folder
    mount -t tmpfs none $folder
done
echo '{"bridge": "none", "iptables": false, "ip6tables": false}' >/etc/docker/daemon.json
# No `exec`: this shell is the first process here, and has to wait for those that lost their parent.
"$@"
exit $?
"""
USE = """
import sys
from pathlib import Path
from tests.container.engine import container_engine

with container_engine(Path(sys.argv[1])) as client:
    print("in", flush=True)
    sys.stdin.read()
    assert client.ping()
"""
DRIVE = """
import os, signal, subprocess, sys
from pathlib import Path
from tests.container.engine import PID_FILE, listener

FOLDER, USE = sys.argv[1:]

class User(subprocess.Popen):
    def __init__(self):
        command = [sys.executable, "-c", USE, FOLDER]
        super().__init__(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def await_engine(self):
        assert self.stdout.readline() == b"in\\n", Path(FOLDER, "dockerd.log").read_text()

    def leave(self):
        self.communicate()
        assert self.returncode == 0

def opened():
    user = User()
    user.await_engine()
    return user


"""
CASES = {
    "the last to leave ends it": """
owner, other = opened(), opened()
engine = listener()
owner.leave()
assert listener() == engine
other.leave()
assert listener() is None
""",
    "an owner who is killed is followed by whoever is there": """
owner, other = opened(), opened()
engine = listener()
owner.kill()
third = opened()
other.leave()
assert listener() == engine
third.leave()
assert listener() is None
""",
    "an owner who is killed while it starts leaves it to the next": """
owner = User()
while not PID_FILE.exists():
    assert owner.poll() is None
owner.kill()
other = opened()
other.leave()
assert listener() is None
""",
    "an engine that was killed is started again": """
owner = opened()
os.kill(listener(), signal.SIGKILL)
owner.kill()
while listener() is not None:
    pass
assert PID_FILE.exists()
PID_FILE.write_text(str(os.getpid()))
other = opened()
other.leave()
assert listener() is None
""",
    "somebody else's engine is left alone": """
engine = subprocess.Popen(["dockerd"], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
while listener() is None:
    assert engine.poll() is None
user = opened()
assert listener() == engine.pid
user.leave()
assert listener() == engine.pid
engine.terminate()
engine.wait()
""",
}


@pytest.mark.parametrize("case", CASES)
def test_the_engine_is_ended_by_who_needs_it_last(case: str, tmp_path: Path) -> None:
    require(os.geteuid() == 0, "only root can start a container engine")
    require(shutil.which("dockerd") is not None, "no container engine: install docker.io")
    code = DRIVE + CASES[case]
    # A network of its own: an engine without a bridge removes the one that another has.
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    command += ["sh", "-euc", HIDE, "sh", sys.executable, "-c", code, str(tmp_path), USE]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    environment.pop("DOCKER_HOST", None)
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
