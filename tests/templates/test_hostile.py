"""Files that somebody made to hurt: a clear error, in bounded time and memory, by every command."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shim.cli.main import main
from tests.templates.test_formats import DOCUMENTS, assembly, spoilt

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMS = ("--json", "--markdown", "--sarif", "--github", "--fix")


def run(*words: str) -> tuple[int, str]:
    """The command's exit status, and all that it printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        status = main(["diff", *words])
    return status, out.getvalue()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@given(
    document=spoilt(),
    other=st.sampled_from(DOCUMENTS),
    dump=st.sampled_from([json.dumps, yaml.safe_dump]),
    form=st.sampled_from(FORMS),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_file_the_command_has_an_answer(
    here: Path, document: Any, other: Any, dump: Any, form: str
) -> None:
    (here / "old.yaml").write_text(json.dumps(other))
    (here / "new.yaml").write_text(dump(document))
    for sides in (("old.yaml", "new.yaml"), ("new.yaml", "old.yaml"), ("new.yaml",)):
        status, text = run(*sides, form)
        # All else would be a fault, or a machine that can't.
        assert status in {0, 1, 2}, text


def _large(kind: str) -> str:
    names = ", ".join(
        f'"F{number}": {{"Type": "AWS::Lambda::Function"}}' for number in range(220_000)
    )
    return f'{{"Resources": {{{names}}}}}' if kind == "json" else f"Resources: {{{names}}}\n"


@pytest.mark.parametrize("kind", ["json", "yaml"])
def test_ten_megabytes_are_one_sentence(here: Path, kind: str) -> None:
    path = here / f"t.{kind}"
    path.write_text(_large(kind))
    assert path.stat().st_size > 10_000_000
    status, text = run(path.name, path.name)
    assert status == 2
    assert "not a template: it has " in text
    out = assembly(here)
    (out / "App.template.json").write_text(_large("json"))
    status, text = run("cdk.out", "cdk.out")
    assert status == 2
    assert "App.template.json: not a template: it has " in text


DEEP = 5_000


@pytest.mark.parametrize(
    "text",
    [
        "Resources: " + "{a: " * DEEP + "}" * DEEP,
        "Resources: " + "[" * DEEP + "]" * DEEP,
        '{"Resources": ' + '{"a": ' * DEEP + "1" + "}" * DEEP + "}",
        "Resources:\n" + "".join(f"{' ' * depth}a:\n" for depth in range(1, 300)),
        "Resources: {F: {Type: " + "!Sub " * 50 + "x}}",
        "Resources: {Fn::ForEach::A: [X, [a], " * 99 + "{}" + "]}" * 99,
        "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Handler: "
        + "{Fn::If: [C, " * 45 + "x" + ", y]}" * 45 + "}}}",
    ],
    ids=["objects", "lists", "JSON", "blocks", "tags", "loops", "functions"],
)  # fmt: skip
def test_what_is_nested_deep_has_an_answer(here: Path, text: str) -> None:
    (here / "t.yaml").write_text(text)
    status, said = run("t.yaml", "t.yaml")
    assert (status, said.startswith("error: t.yaml: ")) in {(2, True), (0, False)}, said


ALIASES = "".join(f"{n}: &{n} [{', '.join([f'*{n - 1}'] * 9)}]\n" for n in range(1, 9))
NAMES = "".join(f"${{X{number}}}" for number in range(7))
LOOPS = (
    "".join(f"{{Fn::ForEach::A: [X{number}, [a, b, c, d, e, f, g, h], " for number in range(7))
    + f"{{'{NAMES}': 1}}"
    + "]}" * 7
)


TEXTS = (
    f"Resources: {{F: {{Type: x, P: {{Fn::Sub: '{'${A}' * 90_000}'}}}}}}\n"
    f"Parameters: {{A: {{Type: String, Default: {'x' * 4000}}}}}\n"
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"0: &0 [x, x, x]\n{ALIASES}Resources: {{}}\n", "unfold to more than 500,000 values"),
        (f"Resources: {LOOPS}\n", "its loops make too much"),
        (TEXTS, ""),
    ],
    ids=["aliases", "loops", "texts"],
)
def test_what_explodes_takes_no_memory(here: Path, text: str, sentence: str) -> None:
    (here / "t.yaml").write_text(text)
    run("t.yaml", "t.yaml")  # what is imported once
    tracemalloc.start()
    try:
        status, said = run("t.yaml", "t.yaml")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (status, sentence in said) == (2 if sentence else 0, True), said
    assert peak < 200 << 20


TAGS = (
    "!!python/object/apply:os.system ['touch pwned']",
    "!!python/object/new:os.system ['touch pwned']",
    "!!python/name:os.system",
    "!!python/module:os",
    "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch pwned']",
    "!Transform !!python/object/apply:os.system ['touch pwned']",
)


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("words", [(), ("--fix",)])
def test_tags_call_nothing(here: Path, tag: str, words: tuple[str, ...]) -> None:
    for name, text in {
        "t.yaml": f"Resources: {{F: {{Type: AWS::Lambda::Function, Properties: {tag}}}}}",
        "inner.yaml": f"Resources: {tag}",
        "o.yaml": "Resources:\n  S:\n    Type: AWS::CloudFormation::Stack\n"
        "    Properties: {TemplateURL: inner.yaml}\n",
    }.items():
        (here / name).write_text(text)
    for name in ("t.yaml", "o.yaml"):
        status, said = run(name, name, *words)
        assert (status, "line 1: " in said) == (2, True), said
    assert not (here / "pwned").exists()


def _links(project: Path) -> Iterator[str]:
    """Paths that lead out of a project, to files that are there."""
    (project / "file").symlink_to("../secret.yaml")
    (project / "folder").symlink_to("..")
    yield from ("file", "folder/secret.yaml", "../secret.yaml", str(project.parent / "secret.yaml"))


PLACES = {
    "a nested stack": "{Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: PATH}}",
    "an application": "{Type: AWS::Serverless::Application, Properties: {Location: PATH}}",
    "an included file": "{Type: AWS::Events::Rule, Properties: {Fn::Transform: {Name: AWS::Include,"
    " Parameters: {Location: PATH}}}}",
    "a definition": "{Type: AWS::StepFunctions::StateMachine, Properties: {DefinitionS3Location:"
    " PATH}}",
    "a package": "{Type: AWS::Lambda::Function, Properties: {Runtime: provided.al2023, Handler: x,"
    " Code: PATH}}",
    "a layer": "{Type: AWS::Lambda::LayerVersion, Properties: {CompatibleArchitectures: [arm64],"
    " Content: PATH}}",
}


@pytest.mark.parametrize("place", PLACES)
def test_nothing_outside_of_the_project_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    # Whoever opened it would wait for ever.
    os.mkfifo(tmp_path / "secret.yaml")
    for path in _links(project):
        text = f"Resources:\n  X: {PLACES[place].replace('PATH', path)}\n"
        Path("t.yaml").write_text(text)
        status, said = run("t.yaml", "t.yaml")
        assert status == 0, said
