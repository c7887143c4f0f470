"""Scripts as people write them: what they start is followed, or it is said where that ends."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

import shim.launcher
from shim.arch import Arch
from shim.check.findings import Severity
from shim.check.verdict import Answer, verdict
from tests.check.builders import codes, entry, launcher, link, package, program, state

STARTS, FAILS, UNKNOWN = Answer
ARM = Arch.ARM64
LOADER = b"/lib64/ld-linux-x86-64.so.2"
ENTRIES = (
    entry("app", program()),
    entry("bin/app", program()),
    entry("other", program(ARM)),
    entry("locked", program(), 0o644),
    entry("orders", program()),
    entry("orders_arm64", program(ARM)),
    entry("bin/orders", program()),
    entry("dynamic", program(interpreter=LOADER)),
    entry("text", b"exec ./app\n"),
    entry("start.sh", b"#!/bin/bash\nexec ./app\n", 0o644),
    entry("broken.sh", b"#!/bin/bash\nexec ./missing\n"),
    entry("own.sh", b"handle() { ./app; }\n", 0o644),
    entry("bin/deep", program()),
    entry("launcher", launcher()),
    link("linked", "bin/app"),
)
LAYER = package(
    entry("app", program()),
    entry("other", program(ARM)),
    entry("bin/tool", program()),
    path="layer.zip",
)


def answer(script: str, arch: Arch = Arch.X86_64, handler: str = "orders") -> Answer:
    text = script if script.startswith("#!") else f"#!/bin/sh\n{script}\n"
    checked = state(
        entry("bootstrap", text.encode()), *ENTRIES, handler=handler, arch=arch, layers=(LAYER,)
    )
    return verdict(checked).answer


def pair(script: str) -> tuple[Answer, Answer]:
    """What is said on x86_64 and on arm64."""
    return answer(script), answer(script, ARM)


@pytest.mark.parametrize(
    "words",
    [
        *("./app", "exec ./app", 'exec "./app"', "exec -- ./app", "/var/task/app"),
        *('"$LAMBDA_TASK_ROOT/app"', "exec ${LAMBDA_TASK_ROOT}/app --flag", "exec $PWD/app"),
        *('exec "$(dirname "$0")/app"', "exec `dirname $0`/app", "exec ${0%/*}/app", "./linked"),
        *('cd "$LAMBDA_TASK_ROOT"; ./app', "cd bin && exec ./app", "cd $(dirname $0)\n./app"),
        *("set -euo pipefail\nexec ./app", "#!/bin/sh -e\n./app", "#!/usr/bin/env bash\n./app"),
        *("A=app; exec ./$A", 'DIR="$(cd "$(dirname "$0")" && pwd)"\nexec "$DIR/app"', "/opt/app"),
        *("exec /opt/app", "export PATH=$LAMBDA_TASK_ROOT:$PATH; app", "PATH=/opt exec app"),
        *("exec > /tmp/log 2>&1\nexec ./app", "./app >&2", "exec env A=b ./app"),
        *("if true; then ./app; else ./other; fi", "! false && exec ./app"),
        *("[ -x ./app ] && exec ./app", "[ -f nothing ] || exec ./app", "test -d bin; ./bin/app"),
        *("while true; do ./app; done", "exec sh start.sh"),
        *("exec tool", "exec ./launcher", "exec ${APP:-./app}"),
        *('case "$(uname -s)" in Linux) exec ./app;; *) exec ./other;; esac',),
        *("echo starting; mkdir -p /tmp/x; exec ./app", "set -u; exec ./app \"${1:-x}\""),
        *("exec /lib64/ld-linux-x86-64.so.2 --library-path /opt/lib ./app x",),
        *("exec /usr/bin/env ./app", "exec \\\n  ./app \\\n  --flag"),
        *("case $- in *B*) exec ./app;; esac", "case app in x*) exec ./other;; *pp) ./app;; esac"),
        *("case app in a|app) exec ./app;; esac", "case $(uname -m) in *) ./app;; esac"),
        *('case x in "") ./other;; *) ./app;; esac', '[ -n "" ] || exec ./app'),
        *("false || true && ./app", "set -e; false && true; ./app", "true && " * 30 + "./app"),
    ],
)  # fmt: skip
def test_what_a_script_plainly_runs_is_followed(words: str) -> None:
    expected = (UNKNOWN, UNKNOWN) if "APP" in words else (STARTS, FAILS)
    assert pair(words) == expected
    other = words.replace("app", "other")
    assert pair(other) == ((UNKNOWN, UNKNOWN) if "APP" in words else pair(other))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("./other", "program-wrong-architecture"),
        ("exec ./other", "program-wrong-architecture"),
        ("exec /opt/other", "program-wrong-architecture"),
        ("exec ./locked", "program-not-executable"),
        ("exec ./missing", "program-missing"),
        ("exec app", "program-missing"),
        ("exec ./app/more", "program-missing"),
        ("exec /opt/missing", "program-missing"),
        ("exec python3 -m app", "program-missing"),
        ("node index.js", "program-missing"),
        ("/usr/local/bin/node index.js", "program-missing"),
        ("./broken.sh", "program-missing"),
        ("cd nowhere && exec ./app", "script-ends"),
        ("set -e\ncd nowhere\nexec ./app", "script-ends"),
        ("[ -x ./missing ] && exec ./missing", "script-ends"),
        ("[ -x ./missing ] || { echo none; exit 1; }", "script-ends"),
        ("exec ./bootstrap", "script-loops"),
        ("exec $0", "script-loops"),
        ("exec ./missing || exec ./app", "program-missing"),
        ("set -e\n./missing\nexec ./app", "program-missing"),
        (". ./missing.sh\nexec ./app", "program-missing"),
        ("while true; do curl x; ./missing; done", "program-missing"),
        ("RESULT=$(./missing)\necho $RESULT", "program-missing"),
        ("exec /lib64/ld-linux-x86-64.so.2 ./other", "program-wrong-architecture"),
        ("exec /lib64/ld-linux-x86-64.so.2 ./missing", "program-missing"),
        ("#!/bin/sh\n\n", "script-ends"),
        ("exec sh ./app", "no-program"),
        ("sh missing.sh", "program-missing"),
        ("echo hi", "script-ends"),
        ("_HANDLER=app\n[ -f app ]\necho nothing", "script-ends"),
        ('[ -n "" ] && exec ./app', "script-ends"),
        ("set -e; true && false; exec ./app", "script-ends"),
        ("set -e; X=$(./locked); exec ./app", "program-not-executable"),
        ("set -e; X=$(false); exec ./app", "script-ends"),
        ("set -e; X=`false`; exec ./app", "script-ends"),
        ("set -e; true | false; exec ./app", "script-ends"),
        ("set -euo pipefail; false | true; exec ./app", "script-ends"),
    ],
)
def test_what_cannot_be_started_is_an_error(words: str, code: str) -> None:
    text = words if words.startswith("#!") else f"#!/bin/sh\n{words}\n"
    checked = state(entry("bootstrap", text.encode()), *ENTRIES, layers=(LAYER,))
    found = {one.code: one.severity for one in verdict(checked).findings}
    assert found.get(code) is Severity.ERROR


HANDLERS = (
    *('exec "./$_HANDLER"', "exec ./${_HANDLER}", 'exec "${PWD}/${_HANDLER}"', "./$_HANDLER"),
    *('exec "$LAMBDA_TASK_ROOT/$_HANDLER"', "exec $LAMBDA_TASK_ROOT/${_HANDLER} x"),
    *('./"$_HANDLER"',),
    *('cd "$LAMBDA_TASK_ROOT"\nexec ./$_HANDLER "$@"', 'exec -- "${LAMBDA_TASK_ROOT}/${_HANDLER}"'),
    *("EXEC=$LAMBDA_TASK_ROOT/$_HANDLER\n$EXEC", 'exec "$(pwd)/$_HANDLER"'),
    *("set -eu\nprogram=$_HANDLER\nexec \"$LAMBDA_TASK_ROOT/$program\"",),
    *('exec "./$(echo $_HANDLER)"', "exec ./$(echo $_HANDLER | cut -d. -f1)"),
    *('exec "./${_HANDLER%.*}"', 'exec "./${_HANDLER%%.*}"'),
)  # fmt: skip


@pytest.mark.parametrize("words", HANDLERS)
def test_the_handler_is_found_in_all_its_spellings(words: str) -> None:
    assert answer(words) is STARTS
    script = entry("bootstrap", f"#!/bin/sh\n{words}\n".encode())
    for handler, code in [
        ("greet", "handler-missing"),
        ("other", "handler-wrong-architecture"),
        ("locked", "handler-not-executable"),
        ("bin", "handler-directory"),
    ]:
        checked = state(script, *ENTRIES, handler=handler)
        assert code in codes(checked)
        assert verdict(checked).answer is FAILS


def test_a_handler_without_a_slash_is_not_looked_for_in_the_package() -> None:
    assert answer("exec $_HANDLER") is FAILS
    assert answer("exec $_HANDLER", handler="bin/orders") is STARTS


SUFFIXED = (
    'if test "$(uname -m)" == "aarch64"; then\nexec ./${_HANDLER}_arm64; else exec ./$_HANDLER; fi',
    '[ "$(uname -m)" = aarch64 ] && s=_arm64\nexec "./$_HANDLER$s"',
    's=; case `uname -m` in arm64|aarch64) s=_arm64;; x86_64) ;; esac\nexec "./$_HANDLER$s"',
    "[[ $HOSTTYPE == aarch64 ]] && exec ./${_HANDLER}_arm64\nexec ./$_HANDLER",
    'if [ "$HOSTTYPE" != x86_64 ]; then _HANDLER=${_HANDLER}_arm64; fi; exec ./$_HANDLER',
)


@pytest.mark.parametrize("words", SUFFIXED)
def test_a_variant_by_the_machine_is_followed_on_both(words: str) -> None:
    expected = (UNKNOWN, STARTS) if " && s=" in words else (STARTS, STARTS)
    assert pair(words) == expected
    assert pair(words.replace("_arm64", "_other")) == (expected[0], FAILS)


@pytest.mark.parametrize(
    "words",
    [
        *("eval ./app", "exec $APP", "exec ./*.bin", "(cd bin; ./app)", "exec /tmp/app", "./text"),
        *("exec $(cat name)", "exec nohup ./app", "exec sh -c ./app", "exec env -i ./app"),
        *('if [ -z "$STAGE" ]; then exec ./other; fi; exec ./app', "source $CONFIG; ./app"),
        *("curl -o /tmp/x u | tee /var/log; if grep x y; then ./other; else ./app; fi",),
        *("./app; exec ./other", "if", "exec ./app\r", "exec {./app,b}"),
        *("while read x; do exec ./$x; done", "for x in app; do ./$x; done", "f() { ./app; }; f"),
        *("a=(./app); \"${a[@]}\"", "./app & wait", ". ./own.sh; handle", "trap : EXIT; ./app"),
        *("set -e; X=$(curl x; ./app)", "if grep x y; then ./missing; else ./app; fi"),
        *("curl x", "case a in *p?) ./app;; esac; ./other", "exec sh /usr/bin/env ./app"),
        *("case a in \"a*\") ./app;; esac; ./other", "while true; do sleep 1; done"),
        *("curl x; exit $?", "A=b . ./own.sh; ./app", "! true | true || exec ./app"),
        *(': "${DB:?is not set}"; exec ./app', "set -u; B=${A%%*b*c}; exec ./app"),
        *("X=$((1 / N)); exec ./app", "echo ${}; exec ./app", 'exec env "" ./app'),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_unknown(words: str) -> None:
    assert answer(words) is UNKNOWN


def test_what_is_unknown_says_the_line_and_why() -> None:
    checked = state(entry("bootstrap", b"#!/bin/sh\n\nA=1\nexec $PROGRAM\n"), *ENTRIES)
    (found,) = verdict(checked).findings
    assert found.code == "script-not-followed"
    assert "line 4: it depends on the variable `PROGRAM`" in found.sentence


def test_a_program_that_is_missed_while_another_starts_is_a_warning() -> None:
    checked = state(entry("bootstrap", b"#!/bin/sh\n./missing\nexec ./app\n"), *ENTRIES)
    (found,) = verdict(checked).findings
    assert (found.code, found.severity) == ("program-missing", Severity.WARNING)


def test_a_library_path_that_the_script_sets_counts() -> None:
    text = b"#!/bin/sh\nexport LD_LIBRARY_PATH=$FOLDER\nexec ./dynamic\n"
    assert verdict(state(entry("bootstrap", text), *ENTRIES)).answer is STARTS


@pytest.mark.parametrize("words", ['exec "$@"', "exec $@", 'export A=b\nexec -- "$@"', '"$@"'])
def test_a_wrapper_is_followed_to_the_handler(words: str) -> None:
    layer = package(entry("wrapper", f"#!/bin/bash\n{words}\n".encode()), path="layer.zip")
    checked = state(
        entry("bootstrap", launcher()),
        entry("orders", program()),
        layers=(layer,),
        environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"},
    )
    assert verdict(checked).answer is STARTS
    other = entry("orders", program(ARM))
    broken = replace(checked, package=package(checked.package.entries[0], other))
    assert "handler-wrong-architecture" in codes(broken)


def test_a_wrapper_that_loses_the_handler_is_followed_too() -> None:
    layer = package(entry("wrapper", b"#!/bin/bash\nexec ./nothing\n"), path="layer.zip")
    checked = state(
        entry("bootstrap", launcher()),
        entry("orders", program()),
        layers=(layer,),
        environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"},
    )
    assert verdict(checked).answer is FAILS


def test_a_handler_that_is_a_script_is_followed() -> None:
    script = entry("orders", b"#!/bin/sh\nexec ./worker\n")
    checked = state(entry("bootstrap", launcher()), script, entry("worker", program(ARM)))
    assert "program-wrong-architecture" in codes(checked)


def test_an_extension_that_is_a_script_is_followed_without_the_handlers_variables() -> None:
    def with_extension(text: bytes) -> Answer:
        files = (entry("extensions/watch", text), entry(".extensions/x86_64/watch", program()))
        return verdict(
            state(
                entry("bootstrap", launcher()),
                entry("orders", program()),
                layers=(package(*files, path="layer.zip"),),
            )
        ).answer

    good = b'#!/bin/sh\nexec "/opt/.extensions/$(uname -m)/$(basename "$0")"\n'
    assert with_extension(good) is STARTS
    assert with_extension(b"#!/bin/sh\nexec /opt/.extensions/other/watch\n") is FAILS
    assert with_extension(b"#!/bin/sh\nexec $LAMBDA_TASK_ROOT/orders\n") is FAILS


@pytest.mark.parametrize("runtime", ["provided.al2023", "debian-bookworm"])
def test_the_script_of_an_extension_that_shim_packs_is_followed(runtime: str) -> None:
    script = (Path(shim.launcher.__file__).parent / "extension.sh").read_bytes()
    for arch, other in permutations(Arch):
        files = (
            entry("extensions/watch", script),
            entry(f".extensions/{arch.machine}/watch", program(arch)),
        )
        layer = package(*files, path="layer.zip")
        checked = state(
            entry("bootstrap", launcher(arch)),
            entry("orders", program(arch)),
            layers=(layer,),
            arch=arch,
            runtime=runtime,
        )
        assert verdict(checked).answer is STARTS
        missing = entry(f".extensions/{other.machine}/watch", program(other))
        broken = package(files[0], missing, path="layer.zip")
        assert verdict(replace(checked, layers=(broken,))).answer is FAILS


def test_a_layers_script_is_followed_into_the_package() -> None:
    layer = package(entry("bootstrap", b"#!/bin/sh\ncd $LAMBDA_TASK_ROOT\n./$_HANDLER\n"))
    for handler, expected in [("orders", STARTS), ("other", FAILS), ("none", FAILS)]:
        assert verdict(state(*ENTRIES, layers=(layer,), handler=handler)).answer is expected


def test_another_language_is_a_program_of_its_own() -> None:
    checked = state(entry("bootstrap", b"#!/opt/bin/tool\nexec('./missing')\n"), layers=(LAYER,))
    assert verdict(checked).answer is STARTS


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("exec ", ""),
        ("true | { " * 11, "; }" * 11),
        ('if echo "$(' * 5, ')"; then :; fi' * 5),
        ("! { " * 5, "; }" * 5),
    ],
)
def test_scripts_that_start_each_other_end(before: str, after: str) -> None:
    files = [entry(f"s{n}", f"#!/bin/sh\n{before}./s{n + 1}{after}\n".encode()) for n in range(30)]
    assert verdict(state(entry("bootstrap", b"#!/bin/sh\nexec ./s0\n"), *files)).answer is UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "if [ $A = b ]; then C=d; else E=f; fi\n" * 200,
        "f() { f; f; }\nf\n",
        "while $A; do while $B; do while $C; do if $D; then e; fi; done; done; done\n" * 50,
        "A=$A$A$A$A$A$A$A$A\n" * 60 + "exec ./$A",
        "A=x\n" + "A=$A$A$A$A$A$A$A$A\n" * 60 + "exec ./$A",
        "exec ./" + "$(echo " * 40 + "a" + ")" * 40,
        "case $A in " + "a) B=$C;; " * 300 + "esac\nexec ./app",
        ". ./bootstrap\n",
        "A=" + "ab" * 140 + "\n" + "B=${A%%*b*b*b*b*b*b*b*c}\n" * 100,
        "A=" + "a" * 290 + "\n" + "if grep x; then B=${A%%*b}; fi\n" * 250,
    ],
)
def test_a_script_that_takes_long_is_given_up(text: str) -> None:
    assert answer(text) in {UNKNOWN, FAILS}


def test_a_loop_that_asks_the_runtime_api_is_a_runtime() -> None:
    loop = 'while true; do\n%s$(curl "http://$AWS_LAMBDA_RUNTIME_API/next")\n%s\ndone'
    assert answer(loop % ("E=", 'R=$("./$_HANDLER" "$E")')) is STARTS
    assert answer(loop % ("E=", 'echo "$E"')) is STARTS
    assert answer(loop % ("E=", "R=$(./missing)")) is FAILS
    assert answer(loop % ("E=", "[ $E = x ] && break")) is UNKNOWN


BUILTINS = (
    *("set -u; exec ./app $1", "set -u; exec ./app $STAGE"),
    *("APP=./missing; f() { local APP; APP=./app; }; f; exec $APP",),
    *("APP=./app; printf -v APP '%s' ./missing; exec $APP", "trap 'exit 3' DEBUG; exec ./app"),
    *("exec() { echo; }; exec ./app", "PWD=/nowhere; exec $PWD/app", "ulimit -v 100; exec ./app"),
    *("APP=./missing; printf -v APP '%s' ./app; exec $APP", "IFS=.; set -- $_HANDLER; exec ./$1"),
    *("pushd bin; exec ./deep", "set -- a b ./app; shift 2; exec $@", "hash -p ./app foo; foo"),
    *("shopt -s execfail; exec ./missing || exec ./app", "declare -l A=./APP; exec $A"),
    *("readonly APP=./app; APP=./missing; exec $APP", "trap 'exec ./app' EXIT", "break; ./app"),
    *("cd bin; cd -; exec ./app", "exec -a x ./app", "set -e; command -v missing; exec ./app"),
    *("#!/bin/bash -n\nexec ./app\n", "#!/bin/bash -e -u\nexec ./app\n", "read X; exec ./app"),
)  # fmt: skip


@pytest.mark.parametrize("words", BUILTINS)
def test_what_a_shell_does_itself_is_followed_in_few_forms_or_unknown(words: str) -> None:
    text = words if words.startswith("#!") else f"#!/bin/bash\n{words}\n"
    assert answer(text) is UNKNOWN


def test_a_file_that_cannot_be_read_in_ends_sh_and_not_bash() -> None:
    assert answer("#!/bin/sh\n. ./nothing.sh\nexec ./app\n") is FAILS
    assert answer("#!/bin/bash\n. ./nothing.sh\nexec ./app\n") is STARTS
    assert answer("#!/bin/bash -e\n. ./nothing.sh\nexec ./app\n") is FAILS


def test_a_wrapper_given_the_launcher_itself_does_not_start() -> None:
    layer = package(entry("wrapper", b'#!/bin/bash\nexec "$@"\n'), path="layer.zip")
    checked = state(
        entry("bootstrap", launcher()),
        link("orders", "bootstrap"),
        layers=(layer,),
        environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"},
    )
    assert "handler-is-launcher" in codes(checked)


def test_the_shell_that_is_not_bash_knows_less() -> None:
    for line, words, expected in [
        ("#!/bin/sh", "set -o pipefail\nexec ./app", UNKNOWN),
        ("#!/bin/bash", "set -o pipefail\nexec ./app", STARTS),
        ("#!/bin/sh", "source ./own.sh\nhandle", UNKNOWN),
        ("#!/bin/sh", "exec ./app-$HOSTTYPE", UNKNOWN),
        ("#!/bin/sh", "exec -- ./app", UNKNOWN),
    ]:
        script = entry("bootstrap", f"{line}\n{words}\n".encode())
        checked = state(script, *ENTRIES, runtime="debian-bookworm")
        assert verdict(checked).answer is expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("./helper.sh\nexec ./app", STARTS),
        ("X=$(./helper.sh)\nexec ./app", STARTS),
        ("set -e\n./helper.sh\nexec ./app", UNKNOWN),
        ("set -e\nX=$(./helper.sh)\nexec ./app", UNKNOWN),
        ("./helper.sh && exec ./app", UNKNOWN),
        ("./helper.sh\nexec ./missing", FAILS),
        ("./helper.sh", FAILS),
        ("exec ./helper.sh", FAILS),
    ],
)
def test_a_script_that_prepares_something_ends_and_the_other_goes_on(
    script: str, expected: Answer
) -> None:
    helper = entry("helper.sh", b"#!/bin/sh\necho ready\n")
    text = f"#!/bin/bash\n{script}\n".encode()
    assert verdict(state(entry("bootstrap", text), helper, *ENTRIES)).answer is expected


def test_variables_in_front_of_a_command_are_not_in_its_words() -> None:
    assert answer("APP=./missing\nAPP=./app exec $APP") is FAILS
    assert answer("APP=./app\nAPP=./missing exec $APP") is STARTS


def test_a_test_that_may_end_the_script_is_followed_both_ways() -> None:
    assert answer("set -e\n[ -d /somewhere ]\nexec ./app") is UNKNOWN
    assert answer("[ -d /somewhere ]\nexec ./app") is STARTS


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("OPTIONS=$(cat settings)\nexec ./app $OPTIONS", UNKNOWN),
        ("grep -q . settings-$_HANDLER\nexec ./app", UNKNOWN),
        ("mkdir -p work\nexec ./app", UNKNOWN),
        ("mkdir -p /tmp/work /tmp/$_HANDLER\nexec ./app", STARTS),
        ("grep -q . settings || exec ./app\nexec ./app", STARTS),
        ("if grep -q . settings; then exec ./app; fi\nexec ./app", STARTS),
        ("NAME=$(basename ./app)\ncurl -s host\nexec ./$NAME", STARTS),
    ],
)
def test_under_set_e_a_program_of_the_runtime_that_may_fail_may_end_the_script(
    script: str, expected: Answer
) -> None:
    assert answer(f"set -e\n{script}") is expected
    assert answer(script) is STARTS
