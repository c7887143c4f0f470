# C types of report.py; what it shares with launch.py comes from the header that Cython writes.

cdef extern from "<asm/unistd.h>" nogil:
    enum:
        __NR_connect
        __NR_openat
        __NR_ppoll
        __NR_read
        __NR_rt_sigaction
        __NR_socket
        __NR_write

cdef extern from "<errno.h>" nogil:
    enum:
        EACCES
        ENOEXEC

cdef extern from "<fcntl.h>" nogil:
    enum:
        AT_FDCWD
        O_RDONLY

cdef extern from "<poll.h>" nogil:
    enum:
        POLLIN
        POLLOUT

cdef extern from "<sys/socket.h>" nogil:
    enum:
        AF_INET
        SOCK_NONBLOCK
        SOCK_STREAM

cdef extern from "entry.h" nogil:
    long shim_call(long number, long a, long b, long c)
    void shim_exit(long status)
    long shim_call_4(long number, long a, long b, long c, long d)

cdef extern from "launch.h" nogil:
    struct Text:
        Py_ssize_t size
        Py_ssize_t limit
        char *bytes
    struct Launch:
        const char *wrapper
        const char *api
        const char *culprit
        long error
        int arm64
        Text path
    const char *start "shim_start" (Launch *launch, char **stack)
    bint set_candidate "shim_set_candidate" (Launch *launch, int index)
    bint is_absent "shim_is_absent" (long error)
    long access "shim_access" (const char *path, int mode)
    void clear "shim_clear" (Text *text, Py_ssize_t limit)
    const char *append "shim_append" (Text *text, const char *more)

cdef enum:
    ELF_MAGIC = 0x464C457F  # "\x7fELF", as both machines read it
    ELF_X86_64 = 62
    ELF_ARM64 = 183
    EXISTS = 0             # F_OK
    STDERR = 2
    SIGPIPE = 13
    IGNORE_SIGNAL = 1      # SIG_IGN
    SIGNAL_SET_SIZE = 8    # bytes of the kernel's signal set
    CANDIDATES = 4
    VALUE_LIMIT = 256      # bytes of one value: four of them, all escaped, fit into a line
    LINE_LIMIT = 8191
    HEADER_LIMIT = 1023
    PIPE_BUF = 4096        # what a pipe that is ready takes without waiting
    ADDRESS_SIZE = 16      # of struct sockaddr_in
    TIMEOUT = 1            # seconds, for each wait

cdef enum Status:
    BAD_CONFIGURATION = 100
    NOT_EXECUTABLE = 126
    NOT_FOUND = 127

cdef struct Failure:
    const char *problem    # error type, NUL, sentence
    int status
    const char *what       # of `number`
    long number            # that the sentence doesn't tell by itself, or 0
    Text header
    Text line
    char more[7168]        # of the line

cdef struct Header:        # the beginning of an ELF file
    unsigned int magic
    char between[14]
    unsigned short machine

cdef struct Address:       # struct sockaddr_in
    unsigned short family
    unsigned char port[2]
    unsigned char host[4]
    long rest

cdef struct Poll:          # struct pollfd
    int file
    short awaited
    short found

cdef struct Character:
    unsigned int code
    int size               # bytes

cdef struct Digits:
    char bytes[24]

cdef public void launch_or_report "shim_launch_or_report" (char **stack) noexcept nogil
cdef public void report "shim_report" (Launch *launch, const char *problem) noexcept nogil
