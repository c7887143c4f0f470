"""What stands as `bootstrap`: each candidate in a task root of its own, made as Lambda has it."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.bench import assembly
from shim.bench.compilers import ZIG_HINT, run_builder, system_compiler, zig_compiler
from shim.errors import MachineError, ShimError
from shim.package.launchers import Flavour, launcher_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HANDLER = "bin/orders"
"""What `_HANDLER` says; `baselines/floor.*.S` has it built in."""

NOTHING, FLOOR = "nothing", "assembly"
"""The two that every figure is held against, and that every run therefore has."""

_BASELINES = Path(__file__).parent / "baselines"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A task root that is ready to be started."""

    name: str
    title: str
    root: Path

    @property
    def bootstrap(self) -> Path:
        """What is started."""
        return self.root / "bootstrap"

    @property
    def size(self) -> int:
        """Bytes of what a package carries for it: all its files but the handler's."""
        handlers = (self.root / HANDLER).parent
        files = (path for path in self.root.rglob("*") if not path.is_relative_to(handlers))
        return sum(path.lstat().st_size for path in files if path.is_file())


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A candidate that can't be measured here, and why."""

    name: str
    title: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How a candidate is made: `make(arch, root)` writes the `bootstrap` in `root`."""

    name: str
    title: str
    make: Callable[[Arch, Path], None]
    is_slow: bool = False
    """Made only when it is asked for."""


def chosen(names: Sequence[str], *, with_slow: bool) -> tuple[Recipe, ...]:
    """The recipes with these names (none: all), and always `nothing` and the floor."""
    if not names:
        return tuple(recipe for recipe in RECIPES if with_slow or not recipe.is_slow)
    return tuple(recipe for recipe in RECIPES if recipe.name in {NOTHING, FLOOR, *names})


def make(recipe: Recipe, arch: Arch, *, folder: Path) -> Candidate | Missing:
    """Build one candidate below `folder`, or say why it can't be had on this machine."""
    root = folder / recipe.name
    handler = root / HANDLER
    handler.parent.mkdir(parents=True)
    for path in {handler, handler.with_name(handler.name + arch.suffix)}:
        _write_program(path, assembly.program(arch, assembly.HANDLER))
    try:
        recipe.make(arch, root)
    except ShimError as error:
        return Missing(name=recipe.name, title=recipe.title, reason=error.message)
    return Candidate(name=recipe.name, title=recipe.title, root=root)


def make_starter(arch: Arch, *, folder: Path) -> Path:
    """Build in `folder` what takes the time before a candidate's exec, and execs it."""
    starter = folder / "starter"
    _write_program(starter, assembly.program(arch, assembly.STARTER))
    return starter


def lambda_environment(candidate: Candidate) -> dict[str, str]:
    """What Lambda sets before it starts `bootstrap` (AWS, "Defined runtime environment variables").

    The address of the runtime API is one where nobody listens: a handler that runs never asks it.
    """
    return {
        "_HANDLER": HANDLER,
        "LAMBDA_TASK_ROOT": str(candidate.root),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1",
        "AWS_LAMBDA_FUNCTION_NAME": "orders",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/orders",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "A" * 20,
        "AWS_SECRET_ACCESS_KEY": "S" * 40,
        "AWS_SESSION_TOKEN": "T" * 900,
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    }


def _nothing(arch: Arch, root: Path) -> None:
    _write_program(root / "bootstrap", assembly.program(arch, assembly.HANDLER))


def _floor(arch: Arch, root: Path) -> None:
    _write_program(root / "bootstrap", assembly.program(arch, assembly.FLOOR))


def _launcher(flavour: Flavour, arch: Arch, root: Path) -> None:
    _write_files(root, launcher_files([arch], flavour))


def _dual(shell: str, _arch: Arch, root: Path) -> None:
    files = launcher_files(list(Arch), Flavour.LEAN)
    script = _with_interpreter(files["bootstrap"], _copied_shell(shell, root.parent))
    _write_files(root, {**files, "bootstrap": script})


def _script(name: str, shell: str, _arch: Arch, root: Path) -> None:
    script = (_BASELINES / name).read_bytes()
    script = _with_interpreter(script, _copied_shell(shell, root.parent))
    _write_program(root / "bootstrap", script)


def _python(_arch: Arch, root: Path) -> None:
    script = (_BASELINES / "launcher.py").read_bytes()
    if not Path("/usr/bin/python3").exists():
        script = _with_interpreter(script, Path(f"{Path(sys.executable).resolve()} -ISE"))
    _write_program(root / "bootstrap", script)


def _c_musl(arch: Arch, root: Path) -> None:
    zig = zig_compiler()
    if zig is None:
        raise MachineError(f"needs zig: {ZIG_HINT}")
    target = f"{arch.machine}-linux-musl"
    zig.build(_BASELINES / "launcher.c", root / "bootstrap", ("-target", target, "-static"))


def _c_static(_arch: Arch, root: Path) -> None:
    compiler = system_compiler()
    if compiler is None:
        raise MachineError("needs a C compiler and glibc's libc.a (on Debian: gcc, libc6-dev)")
    compiler.build(_BASELINES / "launcher.c", root / "bootstrap", ("-static",))


def _c_dynamic(arch: Arch, root: Path) -> None:
    source, output = _BASELINES / "launcher.c", root / "bootstrap"
    if (compiler := system_compiler()) is not None:
        compiler.build(source, output, ())
    elif (zig := zig_compiler()) is not None:
        zig.build(source, output, ("-target", f"{arch.machine}-linux-gnu"))
    else:
        raise MachineError(f"needs a C compiler, or zig: {ZIG_HINT}")


def _nuitka(mode: str, made: str, _arch: Arch, root: Path) -> None:
    """Compile the script with `--MODE`, and take the folder `made` of what that leaves."""
    if importlib.util.find_spec("nuitka") is None:
        raise MachineError("needs Nuitka beside shim: pip install 'nuitka[onefile]'")
    folder = root.parent / "builds" / mode
    program = folder / made / "bootstrap"
    folder.mkdir(parents=True)
    options = (f"--{mode}", f"--output-dir={folder}", "--output-filename=bootstrap")
    command = (sys.executable, "-m", "nuitka", *options, str(_BASELINES / "launcher.py"))
    run_builder(command, program, folder=folder)
    shutil.copytree(program.parent, root, dirs_exist_ok=True, ignore=_ignore_intermediate)


def _ignore_intermediate(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith("launcher.")]


def _copied_shell(name: str, folder: Path) -> Path:
    """A copy of the shell that is called `sh`, which is how Lambda's machines have it.

    bash goes by that name (POSIX mode). A copy, because what other processes have mapped can't be
    dropped from the page cache.
    """
    source = shutil.which(name)
    if source is None:
        raise MachineError(f"there is no {name} on this machine")
    copy = folder / "shells" / name / "sh"
    if not copy.exists():
        copy.parent.mkdir(parents=True)
        _write_program(copy, Path(source).read_bytes())
    return copy


def _with_interpreter(script: bytes, interpreter: Path) -> bytes:
    _, rest = script.split(b"\n", 1)
    return b"#!" + bytes(interpreter) + b"\n" + rest


def _write_files(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        _write_program(root / name, data)


def _write_program(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o755)


def _under_both_shells() -> tuple[Recipe, ...]:
    scripts: dict[str, tuple[str, Callable[[str, Arch, Path], None]]] = {
        "dual": ("dual script, lean", _dual),
        "short": ('exec "./$_HANDLER"', partial(_script, "short.sh")),
        "exec": ('exec "${PWD}/${_HANDLER}"', partial(_script, "exec.sh")),
        "uname": ("asks $(uname -m)", partial(_script, "uname.sh")),
    }
    return tuple(
        Recipe(name=f"{name}-{shell}", title=f"sh is {shell}: {title}", make=partial(write, shell))
        for shell in ("dash", "bash")
        for name, (title, write) in scripts.items()
    )


RECIPES = (
    Recipe(name=NOTHING, title="the handler itself", make=_nothing),
    Recipe(name=FLOOR, title="assembly, one execve: the floor", make=_floor),
    Recipe(name="lean", title="lean launcher", make=partial(_launcher, Flavour.LEAN)),
    Recipe(name="full", title="full launcher", make=partial(_launcher, Flavour.FULL)),
    Recipe(name="c-musl", title="C, static musl", make=_c_musl),
    Recipe(name="c-static", title="C, static glibc", make=_c_static),
    Recipe(name="c-dynamic", title="C, dynamic glibc", make=_c_dynamic),
    *_under_both_shells(),
    Recipe(name="python", title="python3 -ISE", make=_python),
    Recipe(
        name="nuitka",
        title="Nuitka --standalone",
        make=partial(_nuitka, "standalone", "launcher.dist"),
        is_slow=True,
    ),
    Recipe(
        name="nuitka-onefile",
        title="Nuitka --onefile",
        make=partial(_nuitka, "onefile", ""),
        is_slow=True,
    ),
)
"""Every candidate, in the order in which they are made."""
