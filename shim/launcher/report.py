# cython: language_level=3, cdivision=True
"""The lean launcher's report: one line of JSON that says what failed and where.

Compiled like launch.py, and under the same rules. The line is one object of `errorType`,
`errorMessage` and `stackTrace`, as the runtime API's `/runtime/init/error` takes it.
"""

import cython


def launch_or_report(stack: cython.pp_char) -> cython.void:
    """Exec the handler; where that is impossible, say so and end with a status that says so too.

    What the report needs lies in a frame of its own: a stack page that is touched costs a fault.
    """
    launch: Launch
    report(cython.address(launch), start(cython.address(launch), stack))


def report(launch: cython.pointer[Launch], problem: cython.p_const_char) -> cython.void:
    """Say on standard error and to the runtime API what failed, and end with its status."""
    failure: Failure
    connection: cython.long
    failure.status = BAD_CONFIGURATION
    failure.number = 0
    failure.problem = problem
    if problem == cython.NULL:
        failure.problem = classify(cython.address(failure), launch)
    ignore_broken_pipes()
    write_line(cython.address(failure), launch)
    connection = post(cython.address(failure), launch.api)
    send(STDERR, cython.address(failure.line))
    # What is still on its way when we end may never be read: wait for the answer.
    if connection >= 0:
        wait(connection, POLLIN)
    shim_exit(failure.status)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def classify(
    failure: cython.pointer[Failure], launch: cython.pointer[Launch]
) -> cython.p_const_char:
    """Why the last exec failed, as error type, NUL and sentence; notes a number to say too."""
    machine: cython.int
    failure.status = NOT_EXECUTABLE
    if launch.culprit == launch.wrapper:
        if is_absent(launch.error):
            failure.status = NOT_FOUND
    elif is_absent(launch.error):
        if find_candidate(launch):
            return b"InterpreterMissing\0handler's interpreter is missing: "
        failure.status = NOT_FOUND
        return b"HandlerNotFound\0handler not found: "
    elif launch.error == EACCES:
        return b"HandlerNotExecutable\0handler may not be executed: "
    elif launch.error == ENOEXEC:
        machine = read_machine(launch.culprit)
        if machine != 0 and machine != (ELF_ARM64 if launch.arm64 else ELF_X86_64):
            failure.what = b" (ELF machine "
            failure.number = machine
            return b"WrongArchitecture\0handler is built for another machine: "
    failure.what = b" (errno "
    failure.number = launch.error
    return b"LaunchFailed\0execve failed: "


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def find_candidate(launch: cython.pointer[Launch]) -> cython.bint:
    """Whether a candidate exists: it becomes the culprit. Where none does, there is no culprit."""
    index: cython.int
    for index in range(CANDIDATES):
        if set_candidate(launch, index) and access(launch.culprit, EXISTS) == 0:
            return True
    launch.culprit = cython.NULL
    return False


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def read_machine(path: cython.p_const_char) -> cython.int:
    """`e_machine` of the ELF file at `path`; 0 for every other file."""
    header: Header
    file: cython.long = shim_call(__NR_openat, AT_FDCWD, word(path), O_RDONLY)
    header.magic = 0
    header.machine = 0
    shim_call(__NR_read, file, word(cython.address(header)), cython.sizeof(header))
    return header.machine if header.magic == ELF_MAGIC else 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def ignore_broken_pipes() -> cython.void:
    """Nobody reading what we say must not turn our exit status into a signal."""
    action: cython.long[4]
    action[0] = IGNORE_SIGNAL
    action[1] = action[2] = action[3] = 0
    shim_call_4(__NR_rt_sigaction, SIGPIPE, word(action), 0, SIGNAL_SET_SIZE)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def write_line(failure: cython.pointer[Failure], launch: cython.pointer[Launch]) -> cython.void:
    """Write the report: type, sentence, culprit, and the number that explains it."""
    line: cython.pointer[Text] = cython.address(failure.line)
    sentence: cython.p_const_char
    clear(line, LINE_LIMIT)
    append(line, b'{"errorType":"')
    sentence = append_type(line, failure.problem)
    append(line, b'","errorMessage":"')
    append(line, sentence)
    if launch.culprit != cython.NULL:
        append_value(line, launch.culprit)
    elif failure.status == NOT_FOUND:
        append_candidates(line, launch)
    if failure.number != 0:
        append_number(line, failure.what, failure.number, b")")
    append(line, b'","stackTrace":[]}\n')


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def append_type(text: cython.pointer[Text], problem: cython.p_const_char) -> cython.p_const_char:
    """Add the error type; what follows it is the sentence."""
    append(text, b"Runtime.")
    return append(text, problem) + 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def append_candidates(text: cython.pointer[Text], launch: cython.pointer[Launch]) -> cython.void:
    """Add all paths that were tried."""
    index: cython.int
    for index in range(CANDIDATES):
        if set_candidate(launch, index):
            append_value(text, launch.culprit)
            if index + 1 < CANDIDATES:
                append(text, b", ")


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def append_value(text: cython.pointer[Text], value: cython.p_const_char) -> cython.void:
    """Add a value inside a JSON string: valid, whatever bytes it has, and bounded in size."""
    end: cython.p_const_char = value + VALUE_LIMIT
    size: cython.int
    while value[0] != 0:
        if value >= end:
            append(text, b"...")
            return
        size = shown_size(cython.cast(cython.p_const_uchar, value))
        if size < 0:
            append(text, b"\\ufffd")
            value -= size
        elif value[0] == b'"' or value[0] == b"\\":
            append_byte(text, b"\\")
        while size > 0:
            append_byte(text, value[0])
            value += 1
            size -= 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def shown_size(text: cython.p_const_uchar) -> cython.int:
    """Bytes of the character at `text`; less than 0 where they are none, or a control character."""
    first: cython.uint = text[0]
    code: cython.uint
    size: cython.int
    index: cython.int
    if first < 0x80:
        return 1 if first >= 0x20 and first < 0x7F else -1
    if first < 0xC2:
        return -1
    size = 2 + (first >= 0xE0) + (first >= 0xF0)
    code = first & (0xFF >> size)
    for index in range(1, size):
        if text[index] >> 6 != 2:
            return -1
        code = code << 6 | (text[index] & 0x3F)
    # Too long for its character, a surrogate, or beyond Unicode's end.
    if code >> (5 * size - 4) == 0 or code >> 11 == 0x1B or code >> 16 > 0x10:
        return -1
    return size if code >= 0xA0 else -size


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def append_number(
    text: cython.pointer[Text],
    before: cython.p_const_char,
    number: cython.ulong,
    behind: cython.p_const_char,
) -> cython.void:
    """Add a decimal number between two texts."""
    digits: Digits
    start: cython.p_char = digits.bytes + cython.sizeof(digits) - 1
    start[0] = 0
    while True:
        start -= 1
        start[0] = 48 + number % 10
        number //= 10
        if number == 0:
            break
    append(text, before)
    append(text, start)
    append(text, behind)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def append_byte(text: cython.pointer[Text], byte: cython.char) -> cython.void:
    """Add one byte."""
    single: cython.char[2]
    single[0] = byte
    single[1] = 0
    append(text, single)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def post(failure: cython.pointer[Failure], api: cython.p_const_char) -> cython.long:
    """Send the report to the runtime API, if it can be; the connection, or less than 0."""
    header: cython.pointer[Text] = cython.address(failure.header)
    address: Address
    connection: cython.long
    if api == cython.NULL or not parse_address(cython.address(address), api):
        return -1
    clear(header, HEADER_LIMIT)
    append(header, b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: ")
    append(header, api)
    append(header, b"\r\nLambda-Runtime-Function-Error-Type: ")
    append_type(header, failure.problem)
    append_number(header, b"\r\nContent-Length: ", failure.line.size, b"\r\n\r\n")
    connection = shim_call(__NR_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)
    shim_call(__NR_connect, connection, word(cython.address(address)), ADDRESS_SIZE)
    if send(connection, header) and send(connection, cython.address(failure.line)):
        return connection
    return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def parse_address(address: cython.pointer[Address], text: cython.p_const_char) -> cython.bint:
    """Fill in a `sockaddr_in` from `127.0.0.1:9001`; false for anything else."""
    ends: cython.p_const_char = b"...:"
    part: cython.int
    number: cython.uint
    digit: cython.uint
    address.family = AF_INET
    address.rest = 0
    for part in range(5):
        number = 0
        while True:
            digit = text[0] - 48
            number = number * 10 + digit
            text += 1
            if digit > 9 or number > (255 if part < 4 else 65535):
                return False
            # No number but 0 itself begins with a 0.
            if number == 0 or text[0] == ends[part]:
                break
        if text[0] != ends[part]:
            return False
        text += 1
        if part < 4:
            address.host[part] = number
    address.port[0] = number >> 8
    address.port[1] = number
    return True


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def send(file: cython.long, text: cython.pointer[Text]) -> cython.bint:
    """Write `text`; whether `file` took all of it, without a second's wait in between.

    A pipe may be full, and waiting inside of `write` would have no end. To make it not wait would
    change it for all that hold it; but what is ready takes PIPE_BUF bytes at once.
    """
    start: cython.Py_ssize_t = 0
    written: cython.long = 1
    while written > 0 and start < text.size and wait(file, POLLOUT):
        written = min(text.size - start, PIPE_BUF)
        written = shim_call(__NR_write, file, word(text.bytes + start), written)
        start += written
    return start == text.size


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def wait(file: cython.long, event: cython.short) -> cython.bint:
    """Whether `file` is ready within a second; what is broken is, and its next use says so."""
    poll: Poll
    timeout: cython.long[2]
    poll.file = file
    poll.awaited = event
    timeout[0] = TIMEOUT
    timeout[1] = 0
    return shim_call_4(__NR_ppoll, word(cython.address(poll)), 1, word(timeout), 0) > 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def word(pointer: cython.p_const_void) -> cython.long:
    """A pointer as a system call takes it."""
    return cython.cast(cython.long, pointer)
