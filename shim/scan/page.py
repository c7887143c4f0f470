"""A scan as one page that any browser opens: no other file, no network, no library.

All that comes from the account is escaped, and the page's own policy lets nothing run but its one
script, which sorts and filters.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from shim import __version__
from shim.scan.summary import counted, deadlines, others, standing, urgent_first
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from shim.scan.outlook import Outlook
    from shim.scan.scanner import Scan, Scanned
    from shim.scan.summary import Deadline, Standing

_SHOWN = 20
"""Lines of what is told beside a word, when somebody asks for them."""


def as_page(scan: Scan) -> str:
    """The page."""
    style, script = _file("page.css"), _file("page.js")
    allowed = f"style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(script)}'"
    policy = f"default-src 'none'; {allowed}"
    functions = urgent_first(scan)
    parts = (
        *_head(scan, len(functions)),
        *_first(scan),
        *_table(scan, functions),
        *_foot(scan),
    )
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lambda functions, {scan.day}</title>
<style>{style}</style>
</head>
<body>
{chr(10).join(parts)}
<script>{script}</script>
</body>
</html>
"""


def _head(scan: Scan, count: int) -> Iterator[str]:
    listed = [one.facts.listed for one in scan.functions]
    where = (
        _several("account", {one.account for one in listed}),
        _several("region", {one.region for one in listed}),
        f"read on <time>{scan.day}</time>",
    )
    yield "<header>"
    yield f"<h1>{counted(count, 'Lambda function')} on OS-only runtimes</h1>"
    yield f"<p>{' · '.join(one for one in where if one)}</p>"
    if not scan.is_complete:
        yield '<p class="warning">The scan was interrupted: this is what was known by then.</p>'
    yield from (f'<p class="warning">{_text(problem)}</p>' for problem in scan.problems)
    yield "</header>"


def _first(scan: Scan) -> Iterator[str]:
    """What to do first: the dates, and what can go at once."""
    yield '<section>\n<h2>What to do first</h2>\n<ol class="deadlines">'
    for one in deadlines(scan):
        yield f"<li>\n<h3><code>{_text(one.runtime.name)}</code>"
        yield f"<span>{counted(one.functions, 'function')}</span></h3>"
        yield f"<p>{_when(one, scan.day)}</p>"
        for wanted, counts in one.standings:
            yield f"<h4>to <code>{_text(wanted)}</code></h4>"
            yield from _bar(counts)
        yield "</li>"
    yield "</ol>\n</section>"


def _when(deadline: Deadline, today: date) -> str:
    days = deadline.days(today)
    if days is None:
        return "no date yet"
    if days <= 0:
        return f"<strong>no updates since <time>{deadline.until}</time></strong>"
    return (
        f"<strong>{counted(days, 'day')}</strong> until updates end: <time>{deadline.until}</time>"
    )


def _bar(counts: Mapping[Standing, int]) -> Iterator[str]:
    """A bar of all functions, and beneath it what its parts are."""
    yield f'<svg class="bar" viewBox="0 0 {sum(counts.values())} 1" preserveAspectRatio="none">'
    begin = 0
    for one, count in counts.items():
        yield f'<rect class="{_style(one)}" x="{begin}" width="{count}" height="1"/>'
        begin += count
    yield "</svg>"
    words = "".join(
        f'<li class="{_style(one)}">{count:,} {_text(one.value)}</li>'
        for one, count in counts.items()
    )
    yield f'<ul class="legend">{words}</ul>'


def _table(scan: Scan, functions: Iterable[Scanned]) -> Iterator[str]:
    titles = ["function", "runtime", "architecture", "invoked by", "owner", *scan.wanted]
    yield "<section>\n<h2>All of them</h2>"
    yield '<p><label>find <input id="filter" type="search"></label></p>'
    yield "<table>\n<thead>\n<tr>"
    yield from (f'<th scope="col"><button>{_text(title)}</button></th>' for title in titles)
    yield "</tr>\n</thead>\n<tbody>"
    places = {(one.facts.listed.account, one.facts.listed.region) for one in scan.functions}
    for one in functions:
        yield "<tr>"
        yield from _cells(one, titles, says_place=len(places) > 1)
        yield "</tr>"
    yield "</tbody>\n</table>\n</section>"


def _cells(one: Scanned, titles: list[str], *, says_place: bool) -> Iterator[str]:
    facts, listed, runtime = one.facts, one.facts.listed, one.facts.runtime
    until = str((runtime and runtime.update_blocked) or "")
    place = _small(f"{listed.account} {listed.region}") if says_place else ""
    plain = (
        (listed.name, f"<b>{_text(listed.name)}</b>{place}{_problems(one)}"),
        (until, f"<code>{_text(listed.runtime)}</code>{_small(f'until {until}')}"),
        (listed.architecture, _text(listed.architecture)),
        (" ".join(facts.qualifiers), _callers(one)),
        (str(facts.owner or ""), _text(str(facts.owner or "-"))),
    )
    for title, (key, text) in zip(titles, plain, strict=False):
        yield f'<td data-title="{_text(title)}" data-key="{_text(key)}">{text}</td>'
    for outlook in one.outlooks:
        rank = standing(outlook).rank
        yield f'<td data-title="{_text(outlook.wanted)}" data-key="{rank}">{_outlook(outlook)}</td>'


def _outlook(outlook: Outlook) -> str:
    """The word, the way or the first reason, and all else behind a click."""
    which = standing(outlook)
    badge = f'<span class="badge {_style(which)}">{_text(which.value)}</span>'
    first = outlook.way or next(iter(outlook.reasons), "")
    lines = [*(f"{number}. {call}" for number, call in enumerate(outlook.calls or (), start=1))]
    lines += [f"bridge: {bridge}" for bridge in outlook.bridges]
    lines += outlook.reasons if outlook.way else outlook.reasons[1:]
    lines += [f"hint: {one.hint}" for one in outlook.against if one.hint]
    return f"{badge} {_text(first)}{_details('how' if outlook.goes else 'more', lines)}"


def _callers(one: Scanned) -> str:
    callers = one.facts.callers
    if callers is None:
        return "not known"
    inside = [f"{caller.qualifier}: {caller.kind} {caller.who}" for caller in callers]
    return f"{_text(', '.join(one.facts.qualifiers) or '-')}{_details('who', inside)}"


def _problems(one: Scanned) -> str:
    return _details("not everything could be read", one.facts.problems)


def _details(title: str, lines: Sequence[str]) -> str:
    shown = [*lines[:_SHOWN], *([f"and {len(lines) - _SHOWN:,} more"] if lines[_SHOWN:] else [])]
    items = "".join(f"<li>{_text(line)}</li>" for line in shown)
    return f"<details><summary>{title}</summary><ul>{items}</ul></details>" if items else ""


def _foot(scan: Scan) -> Iterator[str]:
    counts = others(scan)
    yield "<footer>"
    if counts:
        kinds = ", ".join(f"{count:,} on {_text(kind)}" for kind, count in counts.most_common())
        yield f"<p>Not looked at, as shim is not for them: {kinds}.</p>"
    yield (
        "<p>“Starts” is said where packages and runtimes' images show it; what they"
        " don't tell is “unknown”. Who may invoke a function by IAM roles alone isn't seen here."
        f" Made by <code>shim scan</code> {_text(__version__)}.</p>"
    )
    yield "</footer>"


def _several(word: str, names: set[str]) -> str:
    shown = sorted(name for name in names if name)
    return f"{word}{'' if len(shown) == 1 else 's'} {_text(', '.join(shown))}" if shown else ""


def _small(text: str) -> str:
    return f"<small>{_text(text)}</small>"


def _style(which: Standing) -> str:
    return which.name.lower()


def _text(text: str) -> str:
    return escape(printable(text))


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()
