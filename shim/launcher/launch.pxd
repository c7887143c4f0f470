# C types of launch.py. Constants are enums: a module-level variable would be 0, because the
# module's initialisation never runs. What is public, report.py takes from Cython's launch.h.

cdef extern from "<asm/unistd.h>" nogil:
    enum:
        __NR_execve
        __NR_faccessat
        __NR_uname

cdef extern from "<errno.h>" nogil:
    enum:
        EACCES
        ENAMETOOLONG
        ENOENT
        ENOTDIR

cdef extern from "<fcntl.h>" nogil:
    enum:
        AT_FDCWD

cdef extern from "entry.h" nogil:
    long shim_call(long number, long a, long b, long c)

cdef enum:
    AT_EXECFN = 31         # <elf.h>: the path by which this program was started
    EXISTS = 0             # F_OK
    EXECUTABLE = 1         # X_OK
    MACHINE_OFFSET = 260   # of `machine` in struct utsname: the fifth of six fields of 65 bytes
    HANDLER_LIMIT = 128    # characters: UpdateFunctionConfiguration, Handler
    CANDIDATES = 4
    PATH_LIMIT = 1023      # bytes; a handler has at most 512, Lambda's task root 9

cdef public struct Text:
    Py_ssize_t size
    Py_ssize_t limit       # bytes that there is room for, and a NUL after them
    char bytes[1024]

cdef public struct Launch:
    char **stack
    char **environment
    const char *own_path
    const char *handler
    const char *root
    const char *wrapper
    const char *api
    const char *culprit
    long error
    int arm64
    Text path

cdef struct Names:
    char bytes[390]

cdef public void launch_only "shim_launch" (char **stack) noexcept nogil
cdef public const char *start "shim_start" (Launch *launch, char **stack) noexcept nogil
cdef public bint set_candidate "shim_set_candidate" (Launch *launch, int index) noexcept nogil
cdef public bint is_absent "shim_is_absent" (long error) noexcept nogil
cdef public long access "shim_access" (const char *path, int mode) noexcept nogil
cdef public void clear "shim_clear" (Text *text, Py_ssize_t limit) noexcept nogil
cdef public const char *append "shim_append" (Text *text, const char *more) noexcept nogil
