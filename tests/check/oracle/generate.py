"""Random states: programs, scripts, links, modes, names, layers and handlers, right and wrong."""

from __future__ import annotations

import random
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import shim.launcher
from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from shim.package.contents import MemoryContent
from shim.package.read import Entry, Package
from tests.check.oracle.linked import Linked
from tests.check.oracle.programs import (
    GLIBC,
    GLIBCXX,
    TOKEN,
    Programs,
    patched,
    with_old_run_path,
)
from tests.check.oracle.scripts import shell_script

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_T = TypeVar("_T")

LAUNCHERS = Path(shim.launcher.__file__).parent
BODY = f"exec /bin/echo '{TOKEN}'\n"
PERL = f'print "{TOKEN}\\n";\n'
HANDLERS = ("orders", "bin/orders", "a/b/c/orders", "Orders", "orders.sh", "ördnung")
STRANGE = (
    *("./orders", "bin//orders", "orders/", "orders/.", "/orders", "../orders", "a/../orders"),
    *("", "bootstrap", "./bootstrap", ".shim/x86_64", ".shim/aarch64", "orders/deeper"),
    *("x" * 128, "x" * 129, "ü" * 128, "orders_arm64", "ordres", ".", "bin", "extensions"),
)


@dataclass(kw_only=True)
class Generator:
    """States for one architecture and runtime; the same seed gives the same state."""

    arch: Arch
    runtime: str
    programs: dict[Arch, Programs]
    rng: random.Random = field(default_factory=random.Random)
    entries: dict[str, Entry] = field(default_factory=dict)
    system: Mapping[str, bytes] = field(default_factory=dict)
    """Files of the release itself: its `loader` and its C library, `libc`."""

    def linked_state(self, seed: int) -> State:
        """As `state`, with nothing in it but what asks much of the dynamic linker."""
        self.rng = random.Random(f"linked {seed} {self.arch} {self.runtime}")
        handler, environment = self._pick(HANDLERS), dict[str, str]()
        self.entries = {}
        self._add("bootstrap", _launcher(self.arch), mode=0o755)
        self._add(handler, self._linked(handler, environment), mode=0o755)
        return self._state(handler, environment)

    def state(self, seed: int) -> State:
        """The state of that seed."""
        self.rng = random.Random(f"{seed} {self.arch} {self.runtime}")
        handler = self._pick(HANDLERS)
        environment: dict[str, str] = {}
        self.entries = {}
        shape = self.rng.random()
        layered = self.rng.random() < 0.4
        self._bootstrap(is_missing=layered and shape < 0.5)
        if self.rng.random() < 0.96:
            self._handler(handler, libraries=environment)
        self._clutter(handler)
        package = self._package("package")
        layers = [
            self._layer(handler, index) for index in range(self.rng.randint(1, 3) if layered else 0)
        ]
        if self.rng.random() < 0.05:
            self._wrapper(layers, environment)
        name = self._pick(STRANGE) if self.rng.random() < 0.12 else handler
        return replace(self._state(name, environment), package=package, layers=tuple(layers))

    def _state(self, handler: str, environment: dict[str, str]) -> State:
        """The entries as a state."""
        return State(
            package=self._package("package"),
            arch=self.arch,
            runtime=read_runtimes()[self.runtime],
            handler=handler,
            environment=tuple(environment.items()),
        )

    def _pick(self, choices: Sequence[_T]) -> _T:
        return self.rng.choice(choices)

    def _package(self, name: str) -> Package:
        entries, self.entries = self.entries, {}
        for one in [one for one in entries if _is_below_a_file(one, entries)]:
            del entries[one]
        return Package(path=f"{name}.zip", entries=tuple(entries.values()))

    def _add(self, name: str, data: bytes, *, mode: int | None = None) -> None:
        if mode is None:
            mode = self._mode(data)
        self.entries[name] = _entry(name, data, kind=stat.S_IFREG, mode=mode)

    def _link(self, name: str, target: str) -> None:
        self.entries[name] = _entry(name, target.encode(), kind=stat.S_IFLNK, mode=0o777)

    def _mode(self, data: bytes) -> int:
        if self.rng.random() < 0.94:
            return 0o755
        modes = [0o644, 0o700, 0o750, 0o555, 0o705, 0o775, 0o600, 0o001, 0o711, 0o511]
        if self.arch is Arch.ARM64 and data.startswith(b"\x7fELF"):
            # qemu opens the program itself, so that it needs more than Linux: the right to read.
            modes = [mode for mode in modes if mode & 0o005 != 0o001]
        return int(self._pick(modes))

    def _bootstrap(self, *, is_missing: bool) -> None:  # noqa: C901 - a list of chances
        choice = self.rng.random()
        if is_missing:
            if choice < 0.1:
                self._link("bootstrap", self._pick(["nowhere", "/var/task/nowhere", "bootstrap"]))
            elif choice < 0.15:
                self.entries["bootstrap/"] = _entry(
                    "bootstrap/", b"", kind=stat.S_IFDIR, mode=0o755
                )
        elif choice < 0.45:
            self._add("bootstrap", _launcher(self.arch))
        elif choice < 0.65:
            self._dual()
        elif choice < 0.68:
            self._add("bootstrap", _launcher(self._other()))
        elif choice < 0.82:
            self._program("bootstrap")
        elif choice < 0.86:
            self._script("bootstrap")
        elif choice < 0.95:
            self._shell_bootstrap()
        elif choice < 0.97:
            self._add("real", _launcher(self.arch))
            self._link("bootstrap", self._pick(["real", "./real", "/var/task/real", "bin/../real"]))
            if self.rng.random() < 0.5:
                self._add("bin/keep", b"")
        else:
            targets = ["/bin/sh", "/bin/true", "nowhere", "bootstrap", "../../bin/sh", "bin", "."]
            self._link("bootstrap", self._pick(targets))

    def _shell_bootstrap(self) -> None:
        """A script as people write them, and what it may run."""
        line, text = shell_script(self.rng)
        self._add("bootstrap", f"{line}\n{text}".encode())
        for name in ("app", "bin/app", "app_arm64"):
            if self.rng.random() < 0.6:
                self._program(name)
        if self.rng.random() < 0.6:
            self._add("lib.sh", b"A=app\nrun() { exec ./app; }\n", mode=0o644)

    def _dual(self) -> None:
        self._add("bootstrap", (LAUNCHERS / "dual.sh").read_bytes())
        for arch in Arch:
            if self.rng.random() < 0.95:
                self._add(f".shim/{arch.machine}", _launcher(arch))

    def _other(self) -> Arch:
        return Arch.ARM64 if self.arch is Arch.X86_64 else Arch.X86_64

    def _handler(self, name: str, *, libraries: dict[str, str]) -> None:
        """A handler's files: variants, or only the other architecture's, or a link, or a folder."""
        choice = self.rng.random()
        if self.rng.random() < 0.02:
            if name not in self.entries:
                self.entries[f"{name}/"] = _entry(f"{name}/", b"", kind=stat.S_IFDIR, mode=0o755)
            return
        suffixes = [""]
        if self.arch is Arch.ARM64 and choice < 0.5:
            suffixes = ["_arm64"] if choice < 0.2 else ["_arm64", ""]
        elif choice < 0.1:
            suffixes = ["_arm64"]
        for suffix in suffixes:
            if self.rng.random() < 0.08:
                self._handler_link(name + suffix)
            elif self.rng.random() < 0.25:
                self._script(name + suffix)
            else:
                self._program(name + suffix, libraries)

    def _handler_link(self, name: str) -> None:
        self._program("programs/real")
        depth = "../" * name.count("/")
        targets = [
            *(f"{depth}programs/real", "/var/task/programs/real", "/opt/shared", f"{depth}nowhere"),
            *("/bin/true", "/usr/bin/env", f"{depth}bootstrap", name.rpartition("/")[2]),
            *("/tmp", f"{depth}programs", f"{depth}programs/real/more"),
        ]
        self._link(name, self._pick(targets))

    def _clutter(self, handler: str) -> None:
        """Folders with modes of their own, and files in the way of other names."""
        if self.rng.random() < 0.1:
            folder = handler.rpartition("/")[0] or self._pick([".shim", "lib", "programs"])
            mode = self._pick([0o755, 0o700, 0o711, 0o744, 0o500, 0o001, 0o555])
            if self.arch is Arch.ARM64:
                mode |= (mode & 0o001) * 5
            if folder not in self.entries:
                self.entries[f"{folder}/"] = _entry(f"{folder}/", b"", kind=stat.S_IFDIR, mode=mode)
        if self.rng.random() < 0.1:
            self._add("README", b"hello\n", mode=0o644)

    def _layer(self, handler: str, index: int) -> Package:
        if self.rng.random() < 0.6:
            choice = self.rng.random()
            self._add("bootstrap", _launcher(self.arch if choice < 0.9 else self._other()))
            if choice > 0.95:
                self._dual()
            elif choice > 0.75:
                self._shell_bootstrap()
        if self.rng.random() < 0.3:
            self._handler(handler, libraries={})
        if self.rng.random() < 0.3:
            self._program("shared")
        if self.rng.random() < 0.15:
            for number in range(self._pick([1, 1, 1, 2, 2, 3, 10, 11])):
                name = f"extensions/watcher{index}-{number}"
                if self.rng.random() < 0.1:
                    self._script(name, is_extension=True)
                elif self.rng.random() < 0.95:
                    self._add(name, self.programs[self.arch].static, mode=0o755)
                else:
                    self._program(name)
        return self._package(f"layer{index}")

    def _wrapper(self, layers: list[Package], environment: dict[str, str]) -> None:
        texts = ['#!/bin/sh\nexec "$@"\n', '#!/bin/bash\nexec "$@"\n', 'exec "$@"\n']
        mode = self._pick([0o755, 0o755, 0o755, 0o644])
        self.entries = {}
        self._add("wrapper", self._pick(texts).encode(), mode=mode)
        layers.append(self._package("wrapper-layer"))
        environment["AWS_LAMBDA_EXEC_WRAPPER"] = self._pick(
            [
                "/opt/wrapper",
                "/opt/wrapper",
                "/opt/wrapper",
                "/opt/missing",
                "/opt",
                "../../opt/wrapper",
            ]
        )

    def _program(self, name: str, libraries: dict[str, str] | None = None) -> None:
        """An ELF program of some kind, or what is none."""
        mine = self.programs[self.arch]
        other = self.programs[self._other()]
        kinds: list[tuple[float, Callable[[], bytes]]] = [
            (45, lambda: mine.static),
            (4, lambda: other.static),
            (20, lambda: mine.glibc(self._pick(list(GLIBC)))),
            (8, lambda: mine.cpp(self._pick(GLIBCXX))),
            (1, lambda: other.glibc("2.17")),
            (3, lambda: mine.musl),
            (14, lambda: self._needing(name, libraries)),
            (20, lambda: self._linked(name, libraries)),
            (2, mine.library),
            (1, lambda: mine.object_file),
            (3, lambda: self._truncated(mine.static)),
            (5, lambda: self._mutated(mine.static)),
            (3, lambda: self._mutated(mine.glibc("2.17"))),
            (2, self._no_program),
        ]
        weights = [weight for weight, _ in kinds]
        make = self.rng.choices([make for _, make in kinds], weights)[0]
        self._add(name, make())

    def _needing(self, name: str, libraries: dict[str, str] | None) -> bytes:
        """A program with a library of its own, in some folder that is or isn't searched."""
        mine = self.programs[self.arch]
        wanted = self._pick(["", "", "SHIM_1", "SHIM_2"])
        there = (
            wanted if self.rng.random() < 0.8 else self._pick(["", "SHIM_1", "SHIM_2", "needing"])
        )
        run_path = self._pick(
            ["", "", "$ORIGIN/libs", "$ORIGIN/libs", "/var/task/other:/opt/other"]
        )
        is_old = self.rng.random() < 0.3
        own = name.rpartition("/")[0]
        folders = ["lib", "", f"{own}/libs" if own else "libs", "other", "deep/down"]
        folder = self._pick(folders)
        data = mine.library(there)
        fate = self.rng.random()
        if fate < 0.06:
            data = self.programs[self._other()].library(there)
        elif fate < 0.1:
            data = data[: self._pick([0, 20, 64, 300])]
        elif fate < 0.14:
            data = b"this is no library\n" * 20
        if fate < 0.92:
            mode = 0o644 if self.rng.random() < 0.95 else 0o600
            self._add(f"{folder}/libshimprivate.so.1".lstrip("/"), data, mode=mode)
        if libraries is not None and self.rng.random() < 0.1:
            libraries["LD_LIBRARY_PATH"] = self._pick(
                ["/var/task/deep/down", "", "deep/down", "/opt"]
            )
        program = mine.needing(wanted, run_path)
        return with_old_run_path(program) if is_old else program

    def _linked(self, name: str, environment: dict[str, str] | None) -> bytes:
        """A program that asks more of the linker."""
        return Linked(
            rng=self.rng,
            mine=self.programs[self.arch],
            other=self.programs[self._other()],
            system=self.system,
            name=name,
            add=self._add,
            link=self._link,
            environment={} if environment is None else environment,
        ).program()

    def _truncated(self, data: bytes) -> bytes:
        """Cut where something that is needed is certainly gone: headers, or the first page."""
        return data[: self._pick([0, 1, 4, 20, 63, 64, 100, 0x120])]

    def _mutated(self, data: bytes) -> bytes:
        """One number of the header changed to what it may not be."""
        changes = [
            (16, "<H", self._pick([0, 1, 4, 0xFF00])),  # e_type
            (18, "<H", self._pick([0, 3, 8, 20, 40, 243, 258])),  # e_machine
            (32, "<Q", self._pick([len(data), len(data) + 1, 1 << 40, 1 << 63])),  # e_phoff
            (54, "<H", self._pick([0, 32, 55, 57])),  # e_phentsize
            (56, "<H", 0),  # e_phnum
            (0, "<I", self._pick([0, 0x464C457E, 0x4C457F46])),  # the magic
        ]
        if self.arch is Arch.X86_64:
            changes += [(24, "<Q", self._pick([0, 1 << 45]))]  # e_entry
        return patched(data, *self._pick(changes))

    def _no_program(self) -> bytes:
        return bytes(
            self._pick(
                [
                    *(b"", b"hello\n", b"\xcf\xfa\xed\xfe" + bytes(100), b"MZ" + bytes(200)),
                    *(
                        b"\x00" * 300,
                        b"PK\x03\x04" + bytes(60),
                        b"\xef\xbb\xbf#!/bin/sh\n" + BODY.encode(),
                    ),
                ]
            )
        )

    def _script(self, name: str, *, is_extension: bool = False) -> None:
        """A script of some kind."""
        plain = self.rng.random() < 0.5
        lines = [
            *("#!/bin/sh", "#!/bin/bash", "#! /bin/sh", "#!\t/bin/sh ", "#!/bin/sh -e"),
            *("#!/usr/bin/env sh", "#!/usr/bin/env bash", "#!/usr/bin/env -S bash -e"),
            *("#!/usr/bin/env -S X=1 sh",),
        ]
        strange = [
            *(
                "",
                "#!",
                "#! ",
                "#!\t\t",
                "# !/bin/sh",
                " #!/bin/sh",
                "#!/bin/nosuch",
                "#!sh",
                "#!/bin",
            ),
            *("#!/usr/bin/python3", "#!/usr/bin/env python3", "#!/usr/bin/env bash -e"),
            *("#!/usr/bin/sh", "#!/bin/env sh", "#!/usr/bin/bash", "#!/bin/sh\r", "#!/bin/sh -e\r"),
            *("#!/usr/bin/env sh\r", "#!/bin/sh" + " " * 300, "#!/bin/sh " + "-e" + " " * 300),
            *("#!" + " " * 300 + "/bin/sh", "#!/" + "x" * 300, "#!" + " " * 240 + "/bin/sh"),
            *(
                "#!" + " " * 246 + "/bin/sh",
                "#!" + " " * 247 + "/bin/sh",
                "#!/bin/sh -" + "e" * 300,
            ),
            *("#!/bin/sh\0-e", "#!/bin/s\0h", "#!/tmp", "#!//bin//sh", "#!/bin/../bin/sh"),
        ]
        own = ["#!/var/task/run", "#!run", "#!./run", "#!/opt/run"]
        if not plain and self.rng.random() < 0.2:
            self._own_interpreter(name, self._pick(own))
            return
        line = self._pick(lines) if plain or self.rng.random() < 0.4 else self._pick(strange)
        body = BODY
        if not plain and not is_extension and self.rng.random() < 0.1:
            line, body = self._pick(["#!/usr/bin/perl", "#!/bin/perl", "#!/usr/bin/env perl"]), PERL
        end = "\r\n" if line.endswith("\r") else "\n"
        self._add(name, f"{line}\n{body.replace(chr(10), end)}".encode())

    def _own_interpreter(self, name: str, line: str) -> None:
        """A script whose interpreter is in the package: a program, or another script, and so on."""
        if self.rng.random() < 0.5:
            self._program("run")
        else:
            # qemu stands as one interpreter more between a script and its program.
            depth = self._pick([1, 2, 3, 7] if self.arch is Arch.ARM64 else [1, 2, 3, 4, 5, 6, 7])
            for index in range(depth):
                after = f"run{index + 1}" if index + 1 < depth else ""
                first = f"#!/var/task/{after}" if after else "#!/bin/sh"
                self._add(
                    "run" if index == 0 else f"run{index}", f"{first}\n{BODY}".encode(), mode=0o755
                )
        self._add(name, f"{line}\n{BODY}".encode())


def _is_below_a_file(name: str, entries: Mapping[str, Entry]) -> bool:
    """Whether the package could not be laid out: a file stands where the name needs a folder."""
    parts = name.rstrip("/").split("/")
    last = len(parts) + name.endswith("/")
    return any("/".join(parts[:depth]) in entries for depth in range(1, last))


def _entry(name: str, data: bytes, *, kind: int, mode: int) -> Entry:
    return Entry(name=name, kind=kind, mode=mode, size=len(data), content=MemoryContent(data=data))


def _launcher(arch: Arch) -> bytes:
    return (LAUNCHERS / "bin" / f"lean-{arch}").read_bytes()
