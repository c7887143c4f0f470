"""Nuitka's plugin for the full launcher: its entry is the launch path, and little is frozen.

`nuitka --user-plugin=build/nuitka_plugin.py` with `SHIM_LIBRARY_FOLDER` naming the folder of
`libshim.a`. Written for the release of Nuitka that `full-requirements.txt` pins.
"""

# mypy: ignore-errors
# Nuitka has no types, and lies in an environment of its own, which mypy does not see.

import importlib
import marshal
import os
from pathlib import Path

from nuitka.freezer import ImportDetection
from nuitka.plugins.PluginBase import NuitkaPluginBase
from nuitka.utils.ModuleNames import ModuleName

MODULES_IN_C = Path(__file__).resolve().parent.parent / "shim" / "launcher" / "modules.c"

FROZEN = (
    # What CPython's start imports, with the codecs of the file system and of standard error.
    *("abc", "codecs", "encodings", "encodings.aliases", "encodings.ascii", "encodings.latin_1"),
    *(
        "encodings.utf_8",
        "importlib",
        "importlib._bootstrap",
        "importlib._bootstrap_external",
        "io",
    ),
    *("importlib.machinery", "warnings"),
    # What Nuitka's start patches.
    *("inspect", "types"),
    # What explain.py imports.
    *("os", "stat", "posixpath", "genericpath", "_collections_abc"),
)

STANDS_FOR_INSPECT = """
def getgeneratorstate(generator): pass
def getcoroutinestate(coroutine): pass
def _get_code_position(code, index): pass
"""
"""Nuitka's start patches these; the real module, with all that it imports, nobody calls."""


def frozen_array(name):
    """C for the compiled code of `importlib.<name>`, as CPython itself freezes it."""
    source = Path(importlib.__file__).with_name(f"{name}.py").read_text()
    code = compile(source, f"<frozen importlib.{name}>", "exec", dont_inherit=True, optimize=2)
    numbers = ",".join(map(str, marshal.dumps(code)))
    return f"static const unsigned char importlib{name}[] = {{{numbers}}};\n"


class LauncherPlugin(NuitkaPluginBase):
    """Links the launch path in, and leaves out what `explain.py` does not need."""

    plugin_name = "shim-launcher"

    def onCompilationStartChecks(self):  # noqa: N802 - Nuitka's name
        """Nuitka would freeze the standard library, all 290 modules of it."""
        ImportDetection._early_modules_names = tuple(map(ModuleName, FROZEN))  # noqa: SLF001 - no option does it
        ImportDetection._stdlib_modules_names = ()  # noqa: SLF001 - the same

    def onModuleEncounter(self, using_module_name, module_name, module_filename, module_kind):  # noqa: ARG002, N802 - Nuitka's signature
        """Refuse what is neither ours nor in the list; nothing here imports it when it runs."""
        if module_name.hasNamespace("shim"):
            return None
        return module_name in FROZEN, "the full launcher's list of modules"

    def onModuleSourceCode(self, module_name, source_filename, source_code):  # noqa: ARG002, N802 - the same
        """Replace `inspect`."""
        return STANDS_FOR_INSPECT if module_name == "inspect" else source_code

    def getExtraCodeFiles(self):  # noqa: N802 - Nuitka's name
        """The tables of CPython's modules, those in C and those that start `import` itself."""
        frozen = "".join(map(frozen_array, ("_bootstrap", "_bootstrap_external")))
        return {"modules.c": frozen + MODULES_IN_C.read_text()}

    def getExtraLinkLibraries(self):  # noqa: N802 - Nuitka's name
        """The launch path."""
        return "shim"

    def getExtraLinkDirectories(self):  # noqa: N802 - Nuitka's name
        """Where it lies."""
        return os.environ["SHIM_LIBRARY_FOLDER"]
