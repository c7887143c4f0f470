# C types of report.py; what it shares with launch.py comes from the header that Cython writes.

cdef extern from "<asm/unistd.h>" nogil:
    enum:
        __NR_connect
        __NR_exit_group
        __NR_openat
        __NR_read
        __NR_rt_sigaction
        __NR_setsockopt
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

cdef extern from "<sys/socket.h>" nogil:
    enum:
        AF_INET
        SOCK_STREAM
        SOL_SOCKET
        SO_RCVTIMEO
        SO_SNDTIMEO

cdef extern from "entry.h" nogil:
    long shim_call(long number, long a, long b, long c, long d, long e)

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
    void append "shim_append" (Text *text, const char *more)

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
    ADDRESS_SIZE = 16      # of struct sockaddr_in
    TIMEOUT = 1            # seconds, for each of connect, send and receive

cdef enum Status:
    BAD_CONFIGURATION = 100
    NOT_EXECUTABLE = 126
    NOT_FOUND = 127

cdef struct Failure:
    const char *problem    # <error type>:<sentence>
    int status
    int machine            # `e_machine` of a handler for another machine, or 0
    long error             # errno that the sentence doesn't tell by itself, or 0
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

cdef struct Digits:
    char bytes[24]

cdef public void launch_or_report "shim_launch_or_report" (char **stack) noexcept nogil
cdef public void report "shim_report" (Launch *launch, const char *problem) noexcept nogil
