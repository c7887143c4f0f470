"""The rules: each looks at both sides of a deployment, whatever their format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.findings import Severity
from shim.check.verdict import Answer
from shim.templates.change import CODE, CONFIGURATION, Changed
from shim.templates.findings import CODES, Finding
from shim.templates.value import Text, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shim.templates.between import Between, Judge
    from shim.templates.change import Pair
    from shim.templates.model import Consumer, Template
    from shim.templates.value import Place, Value

_IN_A_NAME = {
    Arch.ARM64: re.compile(r"(?i)[-_](arm64|arm|aarch64)$"),
    Arch.X86_64: re.compile(r"(?i)[-_](x86[-_]64|x86|amd64)$"),
}
"""What authors of published layers put at a name's end (Datadog, AWS, Lumigo)."""

_WORDS = {"dead_letter": "dead-letter queue"}


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A function's change, and the states between its calls."""

    pair: Pair
    judge: Judge

    @cached_property
    def between(self) -> tuple[Between, ...]:
        """The states that it passes through: none where one call does it all."""
        return tuple(self.judge.between(self.pair))

    @property
    def is_met(self) -> bool:
        """Whether traffic meets them: not where all of it goes to versions, as far as is known."""
        side = self.pair.new_side
        known = _invokers(side, self.pair.new.id)
        is_whole = bool(known) and not side.is_partial
        return not is_whole or any(one.is_unqualified for one in known) or self.is_moving

    @property
    def is_moving(self) -> bool:
        """Whether something invokes `$LATEST` only until this deployment moves it: too late."""
        both = ((self.pair.old_side, self.pair.old.id), (self.pair.new_side, self.pair.new.id))
        before, after = (
            any(one.is_unqualified for one in _invokers(side, function)) for side, function in both
        )
        return before and not after


def _invokers(side: Template, function: str) -> list[Consumer]:
    return [one for one in (*side.consumers, *side.outputs) if one.function == function]


def find(deployed: Deployed) -> Iterator[Finding]:
    """What is to be said of one function."""
    for rule in (_two_calls, _refused, _end, _dates, _latest, _published, _canary, _layers_of):
        yield from rule(deployed)


def _two_calls(one: Deployed) -> Iterator[Finding]:
    """The two articles: what is between the calls must start, or nothing may be."""
    code, configuration = one.pair.calls
    if not one.between:
        return
    worst = max((between.answer for between in one.between), key=lambda answer: answer.rank)
    kind = _kind(code, configuration, worst)
    severity = _SEVERITIES[worst]
    certain = one.pair.is_certain(*code) and one.pair.is_certain(*configuration)
    if severity is Severity.ERROR and not certain:
        severity = Severity.UNKNOWN
    yield _finding(
        kind,
        one,
        _first(one.pair, configuration, code),
        f"one call {_changes(one.pair, code)}, another {_changes(one.pair, configuration)}:"
        f" {_prospect(one, worst)}",
        hint=_MOVE_FIRST if one.is_moving else _HINTS[one.is_met],
        severity=severity if one.is_met and kind != "two-calls" else Severity.NOTE,
    )


def _kind(code: tuple[str, ...], configuration: tuple[str, ...], worst: Answer) -> str:
    """Which of the two articles tells of it, if one does."""
    if worst is Answer.STARTS:
        return "two-calls"
    decides = bool({"runtime", "handler"} & {*configuration})
    if "architecture" in code and "layers" in configuration and not decides:
        return "two-calls-layers"
    # Other settings have no say in a start, unless it is known to fail.
    return "two-calls-runtime" if decides or worst is Answer.FAILS else "two-calls"


_SEVERITIES = {
    Answer.STARTS: Severity.NOTE,
    Answer.UNKNOWN: Severity.UNKNOWN,
    Answer.FAILS: Severity.ERROR,
}
_HINTS = {
    True: "deploy one of the two changes first, with code that starts on both sides; or invoke a"
    " version by an alias, never `$LATEST`",
    False: "all traffic that is known goes to a version: nothing has to be done",
}
_MOVE_FIRST = "deploy the alias and what names it first: until that is done, `$LATEST` is invoked"


def _prospect(one: Deployed, worst: Answer) -> str:
    if not one.is_met:
        return "no traffic that is known meets what is between them"
    match worst:
        case Answer.STARTS:
            return "what is between them starts"
        case Answer.FAILS:
            return "what is between them does not start"
        case Answer.UNKNOWN:
            return "whether what is between them starts is unknown"


def _refused(one: Deployed) -> Iterator[Finding]:
    for between in one.between:
        if between.refusal:
            yield _finding(
                "calls-refused",
                one,
                _first(one.pair, ("runtime",), ("architecture",)),
                f"{between.order}, the first call is refused: {between.refusal}",
                hint="deploy runtime and architecture one after the other",
            )


def _end(one: Deployed) -> Iterator[Finding]:
    verdict, _ = one.judge.verdict(one.pair.new_side, one.pair.new)
    if verdict is not None and verdict.answer is Answer.FAILS and verdict.reason is not None:
        reason = verdict.reason
        yield _finding(
            "end-fails",
            one,
            "code",
            f"it does not start: {reason.location} {reason.sentence} [{reason.code}]",
            hint=reason.hint,
        )


def _dates(one: Deployed) -> Iterator[Finding]:
    for dated in one.judge.dates(one.pair.new_side, one.pair.new):
        yield _finding(dated.code, one, "runtime", dated.sentence, hint=dated.hint)


def _latest(one: Deployed) -> Iterator[Finding]:
    """Who meets the states between two calls."""
    if not all(one.pair.calls) or one.pair.is_replaced:
        return
    side, function = one.pair.new_side, one.pair.new.id
    for consumer in side.consumers:
        if consumer.function == function and consumer.is_unqualified:
            yield _finding(
                "invokes-latest",
                one,
                consumer.place,
                f"{consumer.kind} invokes `$LATEST` of {function}, whatever that is between the"
                " calls",
                hint="publish a version (SAM: `AutoPublishAlias`) and name its alias here",
            )
    for output in side.outputs:
        if output.function == function and output.is_unqualified:
            yield _finding(
                "output-latest",
                one,
                output.place,
                f"{output.kind} gives the unqualified ARN of {function} to others",
                hint="give out the alias's ARN",
            )


def _published(one: Deployed) -> Iterator[Finding]:
    """A version is a resource of its own: the same one publishes nothing."""
    pair = one.pair
    changed = [name for name in (*CODE, *CONFIGURATION) if pair.changes[name] is Changed.YES]
    before = {each.id: each.properties for each in pair.old_side.versions}
    versions = [each for each in pair.new_side.versions if each.function == pair.new.id]
    is_new = any(each.id not in before or before[each.id] != each.properties for each in versions)
    may_publish = pair.changes["code"] is not Changed.NO and pair.new.is_local
    if changed and versions and not is_new and not may_publish:
        yield _finding(
            "publishes-nothing",
            one,
            _first(pair, tuple(changed), ()),
            f"a change of {_listed(changed)} publishes no version: an alias stays where it is",
            hint="SAM: `AutoPublishAliasAllProperties: true`; else give the version's resource"
            " another id",
        )


def _canary(one: Deployed) -> Iterator[Finding]:
    """Lambda API, `AliasRoutingConfiguration`: same role, same dead-letter queue."""
    gradual = [each for each in one.pair.new_side.aliases if each.function == one.pair.new.id]
    carried = [name for name in ("role", "dead_letter") if one.pair.changes[name] is Changed.YES]
    if any(each.is_gradual for each in gradual) and carried:
        yield _finding(
            "canary-carries",
            one,
            _first(one.pair, tuple(carried), ()),
            f"the alias moves in steps, and Lambda weights only versions that have the same"
            f" {_listed(carried)}",
            hint="deploy it first, all at once, without the code",
        )


def _layers_of(one: Deployed) -> Iterator[Finding]:
    function = one.pair.new
    arch = function.architecture.text
    content = function.layers.content
    for layer in content if isinstance(content, list) else ():
        made = one.pair.new_side.layers.get(getattr(layer, "id", ""))
        claimed = made.architectures.content if made else None
        if isinstance(claimed, list) and all(map(_is_text, claimed)) and arch not in claimed:
            sentence = f"the layer {made.id if made else ''} is for {_listed(claimed)}"
        # The region in it may be unknown.
        elif isinstance(layer, str | Text) and _named_for(str(layer)) not in {None, arch}:
            named = _named_for(str(layer))
            sentence = f"the layer {shown(layer)} is for {named}, as its name says"
        else:
            continue
        yield _finding(
            "layer-architecture",
            one,
            "layers",
            f"{sentence}, the function runs on {arch}",
            hint="take the layer for the function's architecture, or one for both"
            " (`shim extension`)",
        )


def find_in_layers(side: Template, judge: Judge) -> Iterator[Finding]:
    """Layers whose files don't hold what `CompatibleArchitectures` says."""
    for layer in side.layers.values():
        claimed = layer.architectures.content
        for arch in claimed if isinstance(claimed, list) else ():
            for reason in judge.layer_problems(layer, arch):
                yield Finding(
                    code="layer-compatible",
                    severity=CODES["layer-compatible"][0],
                    function=layer.id,
                    place=layer.architectures.place,
                    old_place=None,
                    sentence=f"it says {arch}: {reason.location} {reason.sentence}",
                    hint=reason.hint,
                )


def _finding(
    code: str,
    one: Deployed,
    at: str | Place,
    sentence: str,
    *,
    hint: str,
    severity: Severity | None = None,
) -> Finding:
    """A finding at a setting, or at a place of its own."""
    if isinstance(at, str):
        place = _place(getattr(one.pair.new, at), one.pair.new.place)
        old_place = _place(getattr(one.pair.old, at), one.pair.old.place)
    else:
        place, old_place = at, None
    return Finding(
        code=code,
        severity=severity or CODES[code][0],
        function=one.pair.new.id,
        place=place,
        old_place=old_place,
        sentence=sentence,
        hint=hint,
    )


def _place(value: Value, whole: Place) -> Place:
    """Of a setting; of the function where it isn't set."""
    return whole if value.content in (None, [], {}) else value.place


def _first(pair: Pair, *settings: tuple[str, ...]) -> str:
    """The setting that a finding stands at: one that changes for certain, if there is one."""
    names = [name for group in settings for name in group]
    return next((name for name in names if pair.changes[name] is Changed.YES), names[0])


def _changes(pair: Pair, names: tuple[str, ...]) -> str:
    return f"{'changes' if pair.is_certain(*names) else 'may change'} {_listed(names)}"


def _listed(names: Iterable[str]) -> str:
    words = [_WORDS.get(one, one) for one in names]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _is_text(content: object) -> bool:
    return isinstance(content, str)


def _named_for(arn: str) -> str | None:
    """The architecture that a published layer's name ends with."""
    name = arn.rpartition(":layer:")[2].partition(":")[0]
    return next((arch for arch, form in _IN_A_NAME.items() if form.search(name)), None)
