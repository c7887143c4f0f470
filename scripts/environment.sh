# shellcheck shell=sh
# What demo and test have in common, to be sourced from the project's folder: `.venv`, with shim
# installed from this clone. PYTHON names the interpreter to make it with.

bin=$PWD/.venv/bin

step() {
    printf '\n== %s\n' "$*"
}

note() {
    printf 'note: %s\n' "$*" >&2
}

fail() {
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

# make_environment: `.venv`, with all that building shim takes of Python.
make_environment() {
    if ! venv_is_usable; then
        python=$(choose_python)
        step "making .venv with $("$python" --version)"
        "$python" -c 'import ensurepip' 2>/dev/null || complete_python "$python" venv
        "$python" -m venv --clear .venv
    fi
    has_headers "$bin/python" || complete_python "$bin/python" dev
}

# install_shim LIST: shim from this clone, beside what the list pins; another day gives the same.
install_shim() {
    step "installing $1, and shim"
    "$bin/python" -m pip install --quiet --require-hashes --requirement "$1"
    # What builds shim is in the list: pip is not to fetch its own choice of that.
    "$bin/python" -m pip install --quiet --no-deps --no-build-isolation .
}

# A `.venv` of before counts when it is whole, and made with PYTHON where that is given.
venv_is_usable() {
    is_recent "$bin/python" && "$bin/python" -m pip --version >/dev/null 2>&1 || return 1
    [ -z "${PYTHON:-}" ] || [ "$(base_of "$PYTHON")" = "$(base_of "$bin/python")" ]
}

choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_recent "$PYTHON" ||
            fail "no Python 3.11 or newer: PYTHON=$PYTHON" "name another one, or none"
        printf '%s\n' "$PYTHON"
        return
    fi
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 \
        "$(uv python find '>=3.11' 2>/dev/null)"; do
        if is_recent "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer in PATH" "say where one is: PYTHON=/path/to/python3 $0"
}

is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

base_of() {
    "$1" -c 'import sys; print(sys.base_prefix, sys.version)' 2>/dev/null
}

# The build includes Python.h, and Debian keeps that in a package of its own.
has_headers() {
    "$1" -c 'import pathlib, sys, sysconfig
sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())'
}

# complete_python PYTHON PART: adds what Debian and Ubuntu leave out of their own Python.
complete_python() {
    package=$("$1" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')-$2
    if [ "$("$1" -c 'import sys; print(sys.base_prefix)')" = /usr ]; then
        install_packages "$package" && return
    fi
    fail "this Python comes without what \`$package\` holds: $1" \
        "apt-get install $package, or name another interpreter: PYTHON=/path/to/python3 $0"
}

# install_packages NAME...: Debian's packages, where we may; those that are there stay as they are.
install_packages() {
    for package; do
        shift
        is_installed "$package" || set -- "$@" "$package"
    done
    [ $# -gt 0 ] || return 0
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return 1
    step "installing from Debian: $*"
    one_at_a_time install_from_debian "$@"
}

install_from_debian() {
    apt-get -qq update &&
        DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 \
            install --no-install-recommends "$@" >/dev/null
}

# one_at_a_time COMMAND...: what sets this machine up, while no other run does: neither `apt-get
# update` nor update-binfmts waits for another. What the command leaves running has no part in it.
one_at_a_time() {
    (
        flock 9
        "$@" 9>&- || exit # as the last command it would take the place of the lock's holder
    ) 9>/run/lock/shim-machine
}

is_installed() {
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# What runs the other architecture's programs: qemu-user, called by the kernel (binfmt_misc).
enable_emulation() {
    case $(uname -m) in
        x86_64) emulator=qemu-aarch64 ;;
        *) emulator=qemu-x86_64 ;;
    esac
    formats=/proc/sys/fs/binfmt_misc
    mountpoint -q $formats || mount -t binfmt_misc binfmt_misc $formats || return 1
    [ -e $formats/$emulator ] || update-binfmts --enable $emulator
}
