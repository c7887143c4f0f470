/* The full launcher's modules in C: those of CPython that explain.py needs, in place of all that a
   libpython holds, and what Python can't ask for: its path, its environment word for word. */

#define _GNU_SOURCE
#include <Python.h>
#include <sys/auxv.h>
#include <unistd.h>

/* Whatever words and variables there are, Python's own start must not depend on them, nor fail for
   them: it gets a name and no environment. */
static char **real_environment;
static char *no_environment[] = {NULL};

static void __attribute__((constructor)) start_clean(int argc, char **argv, char **environment)
{
    real_environment = environment;
    environ = no_environment;
    if (argc > 0) {
        argv[0] = "bootstrap";
    }
}

static PyObject *own_path(PyObject *module, PyObject *unused)
{
    const char *path = (const char *)getauxval(AT_EXECFN);
    (void)module;
    (void)unused;
    if (path == NULL) {
        Py_RETURN_NONE;
    }
    return PyBytes_FromString(path);
}

static PyObject *take_environment(PyObject *module, PyObject *unused)
{
    PyObject *entries = PyList_New(0);
    (void)module;
    (void)unused;
    environ = real_environment;
    for (char **entry = environ; entries != NULL && *entry != NULL; entry++) {
        PyObject *bytes = PyBytes_FromString(*entry);
        if (bytes == NULL || PyList_Append(entries, bytes) != 0) {
            Py_CLEAR(entries);
        }
        Py_XDECREF(bytes);
    }
    return entries;
}

static PyMethodDef functions[] = {
    {"own_path", own_path, METH_NOARGS, "The path by which the kernel started this program."},
    {"take_environment", take_environment, METH_NOARGS,
     "Put the real environment back, for an exec, and return its entries as they are."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_launcher", .m_size = -1,
                                        .m_methods = functions};

static PyObject *PyInit__launcher(void)
{
    return PyModule_Create(&definition);
}

/* What CPython itself imports while it starts, what `os` imports, and `_socket`, `select`,
   `time`. */
#define MODULES(X)                                                                                 \
    X(_abc) X(_codecs) X(_functools) X(_imp) X(_io) X(_locale) X(_operator) X(_signal)             \
    X(_socket) X(_stat) X(_string) X(_thread) X(_tracemalloc) X(_weakref) X(atexit) X(errno)       \
    X(faulthandler) X(gc) X(itertools) X(posix) X(select) X(time)
#define DECLARE(name) extern PyObject *PyInit_##name(void);
#define ENTRY(name) {#name, PyInit_##name},

MODULES(DECLARE)
extern PyObject *PyMarshal_Init(void);
extern PyObject *_PyWarnings_Init(void);

/* libpython's own table, and with it every module that it names, stays out of the link. */
struct _inittab _PyImport_Inittab[] = {
    MODULES(ENTRY){"_launcher", PyInit__launcher},
    {"_warnings", _PyWarnings_Init},
    {"builtins", NULL},
    {"marshal", PyMarshal_Init},
    {"sys", NULL},
    {NULL, NULL},
};

/* CPython's own frozen modules are one object of 900 KB. Its start needs two of them: the plugin
   puts their code before this file, as two arrays. */
static const struct _frozen bootstrap[] = {
    {"_frozen_importlib", importlib_bootstrap, sizeof(importlib_bootstrap), 0, NULL},
    {"_frozen_importlib_external", importlib_bootstrap_external,
     sizeof(importlib_bootstrap_external), 0, NULL},
    {NULL, NULL, 0, 0, NULL},
};
static const struct _frozen none[] = {{NULL, NULL, 0, 0, NULL}};
static const struct {
    const char *name;
    const char *orig;
} no_aliases[] = {{NULL, NULL}};

const struct _frozen *PyImport_FrozenModules = NULL;
const struct _frozen *_PyImport_FrozenBootstrap = bootstrap;
const struct _frozen *_PyImport_FrozenStdlib = none;
const struct _frozen *_PyImport_FrozenTest = none;
const void *_PyImport_FrozenAliases = no_aliases;

int _Py_Deepfreeze_Init(void)
{
    return 0;
}

void _Py_Deepfreeze_Fini(void) {}

/* In place of the date and time at which this CPython was compiled: the same bytes each time. */
const char *Py_GetBuildInfo(void)
{
    return "main";
}

const char *_Py_gitversion(void)
{
    return "";
}

const char *_Py_gitidentifier(void)
{
    return "";
}
