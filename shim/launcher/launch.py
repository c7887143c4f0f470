# cython: language_level=3
"""The launch path: from the exec of `bootstrap` to the exec of the handler.

Typed pure-Python-mode Cython, compiled to plain machine code: no interpreter, no libc, no module
initialisation, no memory but the stack (docs/why/launcher.md). `execve` fails with everything still
in place, so whatever comes after a failure finds the process as the kernel made it.
"""

import cython


def launch_only(stack: cython.pp_char) -> cython.void:
    """Exec the handler, or come back with everything as it was: Python explains (`explain.py`).

    `stack` is what the kernel hands to a program: argc, argv, environment, auxiliary vector.
    """
    launch: Launch
    start(cython.address(launch), stack)


def start(launch: cython.pointer[Launch], stack: cython.pp_char) -> cython.p_const_char:
    """Exec the handler; come back with what forbids it, or NULL where an exec failed.

    What forbids it is an error type, a NUL and a sentence. `launch` then holds the culprit, and
    the errno of the exec that failed.
    """
    problem: cython.p_const_char
    read_stack(launch, stack)
    problem = check_handler(launch.handler)
    if problem == cython.NULL:
        problem = try_candidates(launch)
    return problem


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def read_stack(launch: cython.pointer[Launch], stack: cython.pp_char) -> cython.void:
    """Fill in `launch`, all but its path, which is none yet; of equal names the first wins."""
    entry: cython.pp_char = stack + cython.cast(cython.Py_ssize_t, stack[0]) + 2
    launch.stack = stack
    launch.environment = entry
    launch.handler = launch.root = launch.wrapper = launch.api = cython.NULL
    while entry[0] != cython.NULL:
        read_variable(cython.address(launch.handler), entry[0], b"_HANDLER=")
        read_variable(cython.address(launch.root), entry[0], b"LAMBDA_TASK_ROOT=")
        read_variable(cython.address(launch.wrapper), entry[0], b"AWS_LAMBDA_EXEC_WRAPPER=")
        read_variable(cython.address(launch.api), entry[0], b"AWS_LAMBDA_RUNTIME_API=")
        entry += 1
    launch.own_path = find_own_path(entry + 1)
    launch.culprit = launch.handler
    launch.arm64 = is_arm64()
    launch.error = 0
    if launch.root == cython.NULL:
        launch.root = b"/var/task"


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def read_variable(
    value: cython.pointer[cython.p_const_char],
    entry: cython.p_const_char,
    name: cython.p_const_char,
) -> cython.void:
    """Point `value` into `entry` where that is `name`, not empty, and the first of it."""
    text: cython.p_const_char = after(entry, name)
    if value[0] == cython.NULL and text != cython.NULL and text[0] != 0:
        value[0] = text


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def find_own_path(entry: cython.pp_char) -> cython.p_const_char:
    """The path by which the kernel started this program, from the auxiliary vector; or NULL."""
    while entry[0] != cython.NULL:
        if cython.cast(cython.Py_ssize_t, entry[0]) == AT_EXECFN:
            return entry[1]
        entry += 2
    return cython.NULL


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def check_handler(handler: cython.p_const_char) -> cython.p_const_char:
    """What forbids this name, or NULL: it has to lead into the package, and not to the launcher."""
    parts: cython.int = 0
    size: cython.Py_ssize_t
    is_bootstrap: cython.bint = False
    if handler == cython.NULL:
        return b"HandlerUnset\0_HANDLER is not set"
    if handler[0] == b"/":
        return b"HandlerInvalid\0handler is absolute: "
    if count_characters(handler) > HANDLER_LIMIT:
        return b"HandlerInvalid\0handler has more than 128 characters: "
    while handler[0] != 0:
        size = part_size(handler)
        if size == 2 and handler[0] == b"." and handler[1] == b".":
            return b"HandlerInvalid\0handler has a part '..': "
        if size > 1 or (size == 1 and handler[0] != b"."):
            parts += 1
            is_bootstrap = size == 9 and after(handler, b"bootstrap") != cython.NULL
        handler += size
        if handler[0] == b"/":
            handler += 1
    if parts == 1 and is_bootstrap:
        return b"HandlerIsLauncher\0the launcher would start itself: "
    return cython.NULL


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def count_characters(text: cython.p_const_char) -> cython.Py_ssize_t:
    """Characters of a UTF-8 text: its bytes but those that continue a sequence."""
    count: cython.Py_ssize_t = 0
    while text[0] != 0:
        count += (text[0] & 0xC0) != 0x80
        text += 1
    return count


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def part_size(text: cython.p_const_char) -> cython.Py_ssize_t:
    """Bytes before the next `/` or the end."""
    size: cython.Py_ssize_t = 0
    while text[size] != 0 and text[size] != b"/":
        size += 1
    return size


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def try_candidates(launch: cython.pointer[Launch]) -> cython.p_const_char:
    """Exec the candidates in turn, the next one only where the last one was not there."""
    index: cython.int
    for index in range(CANDIDATES):
        if set_candidate(launch, index):
            if is_same(launch.own_path, launch.wrapper):
                launch.culprit = launch.wrapper
            if is_same(launch.own_path, launch.culprit):
                return b"HandlerIsLauncher\0the launcher would start itself: "
            execute(launch)
            if launch.culprit == launch.wrapper or not is_absent(launch.error):
                break
    return cython.NULL


def is_absent(error: cython.long) -> cython.bint:
    """Whether this errno says that there is no such file, so that the next candidate's turn is."""
    return error == ENOENT or error == ENOTDIR


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def is_arm64() -> cython.bint:
    """Whether `uname` calls the machine `aarch64`."""
    names: Names
    shim_call(__NR_uname, word(names.bytes), 0, 0)
    return is_same(names.bytes + MACHINE_OFFSET, b"aarch64")


def set_candidate(launch: cython.pointer[Launch], index: cython.int) -> cython.bint:
    """Write the path of candidate `index`; false where this architecture has no such candidate."""
    folder: cython.p_const_char = b"/opt"
    is_variant: cython.bint = (index & 1) == 0
    if is_variant and not launch.arm64:
        return False
    if index < 2:
        folder = launch.root
    clear(cython.address(launch.path), PATH_LIMIT)
    append(cython.address(launch.path), folder)
    append(cython.address(launch.path), b"/")
    append(cython.address(launch.path), launch.handler)
    if is_variant:
        append(cython.address(launch.path), b"_arm64")
    launch.culprit = launch.path.bytes
    return True


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def execute(launch: cython.pointer[Launch]) -> cython.void:
    """Exec the candidate, by way of the wrapper where there is one, and note what failed.

    The new argv is the old one with its first word changed. Before it lies argc, which makes room
    for the wrapper; without any argv, argc holds the path and the wrapper goes before it
    (entry.c leaves that word free).
    """
    words: cython.pp_char = launch.stack
    argv: cython.pp_char
    first: cython.p_char
    second: cython.p_char
    launch.error = ENAMETOOLONG
    if launch.path.size == PATH_LIMIT:
        return
    if launch.wrapper != cython.NULL:
        launch.error = check_executable(cython.address(launch.path))
        if launch.error != 0:
            return
        launch.culprit = launch.wrapper
    if words[0] == cython.NULL:
        words -= 1
    argv = words if launch.wrapper != cython.NULL else words + 1
    first = words[0]
    second = words[1]
    words[0] = cython.cast(cython.p_char, launch.wrapper)
    words[1] = launch.path.bytes
    launch.error = -shim_call(__NR_execve, word(argv[0]), word(argv), word(launch.environment))
    words[0] = first
    words[1] = second


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def check_executable(path: cython.pointer[Text]) -> cython.long:
    """The errno that exec would give for `path`, or 0: is it there, with a run bit, no folder."""
    error: cython.long = access(path.bytes, EXECUTABLE)
    size: cython.Py_ssize_t = path.size
    if error == 0:
        append(path, b"/")
        if access(path.bytes, EXISTS) == 0:
            error = EACCES
        path.size = size
        append(path, b"")
    return error


def access(path: cython.p_const_char, mode: cython.int) -> cython.long:
    """The errno of `faccessat`, or 0."""
    return -shim_call(__NR_faccessat, AT_FDCWD, word(path), mode)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def word(pointer: cython.p_const_void) -> cython.long:
    """A pointer as a system call takes it."""
    return cython.cast(cython.long, pointer)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def after(text: cython.p_const_char, prefix: cython.p_const_char) -> cython.p_const_char:
    """What follows `prefix` in `text`; NULL where `text` begins otherwise."""
    while prefix[0] != 0:
        if text[0] != prefix[0]:
            return cython.NULL
        text += 1
        prefix += 1
    return text


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def is_same(one: cython.p_const_char, other: cython.p_const_char) -> cython.bint:
    """Whether two texts are equal; NULL equals nothing."""
    rest: cython.p_const_char = cython.NULL
    if one != cython.NULL and other != cython.NULL:
        rest = after(one, other)
    return rest != cython.NULL and rest[0] == 0


def clear(text: cython.pointer[Text], limit: cython.Py_ssize_t) -> cython.void:
    """Begin an empty text of at most `limit` bytes, whatever its memory held."""
    text.size = 0
    text.limit = limit


def append(text: cython.pointer[Text], more: cython.p_const_char) -> cython.p_const_char:
    """Add `more` as far as there is room, and end `text` with a NUL; where `more` ends."""
    while more[0] != 0 and text.size < text.limit:
        text.bytes[text.size] = more[0]
        text.size += 1
        more += 1
    text.bytes[text.size] = 0
    return more
