"""Whether the libraries that were found have the symbol versions that are asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.check.findings import Finding, finding
from shim.check.runtimes import split_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shim.check.runtimes import Runtime
    from shim.check.search import Loaded
    from shim.check.state import State
    from shim.elf import Linking

_KINDS = {
    "GLIBC": ("glibc-too-new", "glibc"),
    "GLIBCXX": ("libstdcxx-too-new", "libstdc++"),
    "CXXABI": ("libstdcxx-too-new", "libstdc++"),
}


def check_versions(file: Loaded, loaded: Mapping[str, Loaded], state: State) -> Iterator[Finding]:
    """The symbol versions that `file` asks for and that what was `loaded` doesn't have."""
    for library, versions in file.linking.versions.items() if file.linking else ():
        found = loaded.get(library)
        if found is None:
            continue
        if found.linking is None:
            yield from _check_system(file, found, versions, state)
        elif lacking := _lacking(versions, found.linking):
            yield finding(
                "library-version",
                file.where,
                f"asks `{library}` for {_listing(lacking)}, which `{found.where}` lacks",
                hint="put the library's version that it was built against into the package",
            )


def _check_system(
    file: Loaded, found: Loaded, versions: Iterable[str], state: State
) -> Iterator[Finding]:
    """Versions asked of a library of the runtime's own."""
    name = found.path.rpartition("/")[2]
    runtime = state.runtime
    known = {version: runtime.defines(name, version, state.arch) for version in versions}
    lacking: dict[str, list[str]] = {}
    for version in (version for version, is_there in known.items() if is_there is False):
        lacking.setdefault(_kind(version), []).append(version)
    for kind, some in lacking.items():
        yield _too_new(file, name, kind, some, runtime)
    if unknown := [version for version, is_there in known.items() if is_there is None]:
        yield finding(
            "library-version-unknown",
            file.where,
            f"asks `{name}` for {_listing(unknown)}; whether {runtime.name}'s has"
            f" {'them' if len(unknown) > 1 else 'it'} is not known",
            hint="check it against the image itself (`--root`), or link the library statically",
        )
    yield from _check_reports(file, [one for one, is_there in known.items() if is_there], runtime)


def _too_new(
    file: Loaded, library: str, kind: str, lacking: Iterable[str], runtime: Runtime
) -> Finding:
    if kind not in _KINDS or kind not in runtime.versions:
        return finding(
            "library-version",
            file.where,
            f"asks `{library}` for {_listing(lacking)}, which {runtime.name}'s lacks",
            hint="build it on the runtime's own image, or link the library statically",
        )
    code, project = _KINDS[kind]
    newest = max(lacking, key=lambda version: split_version(version)[1] or (0,))
    return finding(
        code,
        file.where,
        f"wants {newest}, and {runtime.name} has {project} up to {kind}_{runtime.version(kind)}",
        hint=_new_hint(code, runtime),
    )


def _check_reports(file: Loaded, versions: Iterable[str], runtime: Runtime) -> Iterator[Finding]:
    """Versions that the image has and production, when somebody looked, had not."""
    for report in runtime.reports:
        newer = []
        for version in versions:
            kind, numbers = split_version(version)
            if numbers and kind in report.versions and numbers > report.versions[kind]:
                newer.append(version)
        if newer:
            yield finding(
                "runtime-older",
                file.where,
                f"wants {_listing(newer)}: the image of {runtime.image} has that, production did"
                f" not on {report.day}",
                hint="link the library statically (`-static-libstdc++ -static-libgcc`), or build"
                " on an older image",
            )


def _kind(version: str) -> str:
    """glibc's own have kinds that are longer, too: `GLIBC_ABI_DT_RELR`."""
    return "GLIBC" if version.startswith("GLIBC_") else split_version(version)[0]


def _lacking(versions: frozenset[str], linking: Linking) -> frozenset[str]:
    """What a library lacks of `versions`.

    glibc takes any version for there in a library that has versions for what it needs, but none of
    its own; in one without any it stops at an assertion (elf/dl-lookup.c, check_match).
    """
    if linking.has_versions and not linking.defines:
        return frozenset()
    return versions - linking.defines


def _new_hint(code: str, runtime: Runtime) -> str:
    if code == "glibc-too-new":
        return (
            "link it statically, or build it against an older glibc:"
            f" `zig cc -target …-linux-gnu.{runtime.version('GLIBC')}`"
        )
    return (
        "link libstdc++ statically (`-static-libstdc++`): the runtime's own comes before the"
        " package's on LD_LIBRARY_PATH"
    )


def _listing(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
