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
    failure.status = BAD_CONFIGURATION
    failure.error = failure.machine = failure.line.size = 0
    failure.line.limit = LINE_LIMIT
    failure.problem = problem
    if problem == cython.NULL:
        failure.problem = classify(cython.address(failure), launch)
    ignore_broken_pipes()
    write_line(cython.address(failure), launch)
    send(STDERR, cython.address(failure.line))
    if launch.api != cython.NULL:
        post(cython.address(failure), launch)
    shim_call(__NR_exit_group, failure.status, 0, 0, 0, 0)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def classify(
    failure: cython.pointer[Failure], launch: cython.pointer[Launch]
) -> cython.p_const_char:
    """Why the last exec failed, as `<error type>:<sentence>`; notes what else to say."""
    failure.status = NOT_EXECUTABLE
    if launch.culprit == launch.wrapper:
        if is_absent(launch.error):
            failure.status = NOT_FOUND
    elif is_absent(launch.error):
        if find_candidate(launch):
            return b"InterpreterMissing:handler's interpreter is missing: "
        failure.status = NOT_FOUND
        return b"HandlerNotFound:handler not found: "
    elif launch.error == EACCES:
        return b"HandlerNotExecutable:handler may not be executed: "
    elif launch.error == ENOEXEC:
        failure.machine = read_machine(launch.culprit)
        if failure.machine == (ELF_ARM64 if launch.arm64 else ELF_X86_64):
            failure.machine = 0
        if failure.machine != 0:
            return b"WrongArchitecture:handler is built for another machine: "
    failure.error = launch.error
    return b"LaunchFailed:execve failed: "


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
    file: cython.long = shim_call(__NR_openat, AT_FDCWD, word(path), O_RDONLY, 0, 0)
    header.magic = 0
    header.machine = 0
    shim_call(__NR_read, file, word(cython.address(header)), cython.sizeof(header), 0, 0)
    return header.machine if header.magic == ELF_MAGIC else 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def ignore_broken_pipes() -> cython.void:
    """Nobody reading what we say must not turn our exit status into a signal."""
    action: cython.long[4]
    action[0] = IGNORE_SIGNAL
    action[1] = action[2] = action[3] = 0
    shim_call(__NR_rt_sigaction, SIGPIPE, word(action), 0, SIGNAL_SET_SIZE, 0)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def write_line(failure: cython.pointer[Failure], launch: cython.pointer[Launch]) -> cython.void:
    """Write the report: type, sentence, culprit, and the machine or errno that explains it."""
    line: cython.pointer[Text] = cython.address(failure.line)
    sentence: cython.p_const_char
    append(line, b'{"errorType":"')
    sentence = append_type(line, failure.problem)
    append(line, b'","errorMessage":"')
    append(line, sentence)
    if launch.culprit != cython.NULL:
        append_value(line, launch.culprit)
    elif failure.status == NOT_FOUND:
        append_candidates(line, launch)
    if failure.machine != 0:
        append_number(line, b" (ELF machine ", failure.machine, b")")
    if failure.error != 0:
        append_number(line, b" (errno ", failure.error, b")")
    append(line, b'","stackTrace":[]}\n')


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def append_type(text: cython.pointer[Text], problem: cython.p_const_char) -> cython.p_const_char:
    """Add the error type, the word before the colon; what follows the colon is the sentence."""
    append(text, b"Runtime.")
    while problem[0] != b":":
        append_byte(text, problem[0])
        problem += 1
    return problem + 1


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
        size = sequence_size(cython.cast(cython.p_const_uchar, value))
        if size == 0:
            append(text, b"\\ufffd")
            value += 1
        elif value[0] == b'"' or value[0] == b"\\":
            append_byte(text, b"\\")
        while size > 0:
            append_byte(text, value[0])
            value += 1
            size -= 1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def sequence_size(text: cython.p_const_uchar) -> cython.int:
    """Bytes of the UTF-8 sequence at `text`; 0 where it is none, or a control character."""
    first: cython.uint = text[0]
    code: cython.uint
    size: cython.int
    index: cython.int
    if first < 0x80:
        return first >= 0x20
    if first < 0xC2 or first > 0xF4:
        return 0
    size = 2 + (first >= 0xE0) + (first >= 0xF0)
    code = first & (0x7F >> size)
    for index in range(1, size):
        if text[index] >> 6 != 2:
            return 0
        code = code << 6 | (text[index] & 0x3F)
    # Too long for its character, a surrogate, or beyond Unicode's end.
    if code >> (5 * size - 4) == 0 or code >> 11 == 0x1B or code >> 16 > 0x10:
        return 0
    return size


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
    while start[0] == 0 or number != 0:
        start -= 1
        start[0] = 48 + number % 10
        number //= 10
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
def post(failure: cython.pointer[Failure], launch: cython.pointer[Launch]) -> cython.void:
    """Send the report to the runtime API; bounded in time, and its failure changes nothing."""
    header: cython.pointer[Text] = cython.address(launch.path)
    address: Address
    timeout: cython.long[2]
    connection: cython.long
    option: cython.int
    timeout[0] = TIMEOUT
    timeout[1] = 0
    if not parse_address(cython.address(address), launch.api):
        return
    header.size = 0
    append(header, b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: ")
    append(header, launch.api)
    append(header, b"\r\nLambda-Runtime-Function-Error-Type: ")
    append_type(header, failure.problem)
    append_number(header, b"\r\nContent-Length: ", failure.line.size, b"\r\n\r\n")
    connection = shim_call(__NR_socket, AF_INET, SOCK_STREAM, 0, 0, 0)
    for option in range(SO_RCVTIMEO, SO_SNDTIMEO + 1):
        shim_call(
            __NR_setsockopt,
            connection,
            SOL_SOCKET,
            option,
            word(timeout),
            cython.sizeof(timeout),
        )
    if shim_call(__NR_connect, connection, word(cython.address(address)), ADDRESS_SIZE, 0, 0) == 0:
        send(connection, header)
        send(connection, cython.address(failure.line))
        # What is still on its way when we end may never be read: wait for the answer's first byte.
        shim_call(__NR_read, connection, word(header.bytes), 1, 0, 0)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def parse_address(address: cython.pointer[Address], text: cython.p_const_char) -> cython.bint:
    """Fill in a `sockaddr_in` from `127.0.0.1:9001`; false for anything else."""
    ends: cython.p_const_char = b"...:"
    part: cython.int
    number: cython.int
    address.family = AF_INET
    address.rest = 0
    for part in range(5):
        number = 0
        while text[0] >= b"0" and text[0] <= b"9" and number < 65536:
            number = number * 10 + text[0] - 48
            text += 1
        if text[0] != ends[part] or number > (255 if part < 4 else 65535):
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
def send(file: cython.long, text: cython.pointer[Text]) -> cython.void:
    """Write all of `text`, or as much as `file` takes."""
    start: cython.Py_ssize_t = 0
    written: cython.long = 1
    while written > 0:
        written = shim_call(__NR_write, file, word(text.bytes + start), text.size - start, 0, 0)
        start += written


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def word(pointer: cython.p_const_void) -> cython.long:
    """A pointer as a system call takes it."""
    return cython.cast(cython.long, pointer)
