"""Loops carried out, and files included: what comes of them, and where each part stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shim.errors import InputError
from shim.templates.expand import expanded
from shim.templates.resolve import Given
from shim.templates.source import Source, read_source
from tests.templates.builders import SAM, read_text

if TYPE_CHECKING:
    from pathlib import Path


def expand(text: str, **files: str) -> Source:
    """The text with its loops carried out; `files` can be included by their names."""
    included = {name: read_source(name, one.encode()) for name, one in files.items()}
    return expanded(read_source("t.yaml", text.encode()), Given(), included.get)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fn::ForEach::L: [X, [a, b], {'k${X}': !Ref X}]", {"ka": "a", "kb": "b"}),
        ("Fn::ForEach::L: [X, [a.b], {'k&{X}': !Sub '${X}'}]", {"kab": "a.b"}),
        ("a: {Fn::ForEach::L: [X, [1], {'${X}': !Sub '${X}-${Y}'}], b: c}",
         {"a": {"1": {"Fn::Sub": "1-${Y}"}, "b": "c"}}),
        ("Fn::ForEach::L: [X, [a], {'${X}': !Sub ['${X}-${v}', {v: !Ref X}]}]",
         {"a": {"Fn::Sub": ["a-${v}", {"v": "a"}]}}),
        ("Fn::ForEach::L: [X, [a], {'${X}': !GetAtt [!Sub 'B${X}', !Ref X]}]",
         {"a": {"Fn::GetAtt": ["Ba", "a"]}}),
        ("Fn::ForEach::L: [X, [a, b], {Fn::ForEach::M: [Y, [c, !Ref X], {'${X}${Y}': 1}]}]",
         {"ac": 1, "aa": 1, "bc": 1, "bb": 1}),
        ("Parameters: {P: {Type: List, Default: 'a,b'}}\nFn::ForEach: [X, !Ref P, {'${X}': [Y]}]",
         {"a": ["Y"], "b": ["Y"],
          "Parameters": {"P": {"Default": "a,b", "Type": "List"}}}),
        ("Fn::ForEach::L: [X, [], {'${X}': 1}]\na: 1", {"a": 1}),
        ("a: !Ref X\nb: '${X}'  # Fn::ForEach", {"a": {"Ref": "X"}, "b": "${X}"}),
    ],
)  # fmt: skip
def test_what_a_loop_comes_to(text: str, expected: Any) -> None:
    assert expand(text).data == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nFn::ForEach::L: [X, !Ref P, {'${X}': 1}]\nParameters: {P: {Type: String}}",
         "line 2: what the loop goes through isn't known, the parameter `P` has no default"),
        ("Fn::ForEach::L: [X, a, {'${X}': 1}]", "line 1: what the loop goes through isn't known"),
        ("Fn::ForEach::L: [X, [[a]], {'${X}': 1}]", "what the loop goes through isn't known"),
        ("Fn::ForEach::L: [X, [a]]", "line 1: not of a form that CloudFormation takes"),
        ("Fn::ForEach::L: nonsense", "line 1: not of a form that CloudFormation takes"),
        ("Fn::ForEach::L: [X, [a, b], {k: 1}]", "line 1: a name comes to stand here twice: 'k'"),
        ("ka: 1\nFn::ForEach::L: [X, [a], {'k${X}': 1}]", "a name comes to stand here twice: 'ka'"),
    ],
)  # fmt: skip
def test_what_can_not_be_carried_out(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        expand(text)
    assert sentence in caught.value.message


@pytest.mark.parametrize(
    "body",
    [
        "{Fn::ForEach::M: [Y, *l, {Fn::ForEach::N: [Z, *l, {'${X}${Y}${Z}': 1}]}]}",
        "{'${X}': !Sub '" + "${X}" * 20_000 + "'}",
    ],
    ids=["values", "letters"],
)
def test_a_loop_that_makes_too_much_is_refused(body: str) -> None:
    items = ", ".join("v" * 20 + str(number) for number in range(300))
    with pytest.raises(InputError, match="make too much"):
        expand(f"Fn::ForEach::L: [X, &l [{items}], {body}]")


def test_functions_of_a_loop_have_their_lines(tmp_path: Path) -> None:
    text = (
        "Transform: AWS::LanguageExtensions\n"
        "Resources:\n"
        "  Fn::ForEach::Functions:\n"
        "    - Name\n"
        "    - [Orders, Bills]\n"
        "    - ${Name}Function:\n"
        "        Type: AWS::Lambda::Function\n"
        "        Properties:\n"
        "          Runtime: provided.al2023\n"
        "          Handler: !Sub bin/${Name}\n"
        "      ${Name}Rule:\n"
        "        Type: AWS::Events::Rule\n"
        "        Properties:\n"
        "          Targets: [{Arn: !GetAtt [!Sub '${Name}Function', Arn]}]\n"
    )
    template = read_text(tmp_path, text)
    assert {one.id: one.handler.content for one in template.functions.values()} == {
        "OrdersFunction": "bin/Orders", "BillsFunction": "bin/Bills",
    }  # fmt: skip
    assert {one.handler.place.line for one in template.functions.values()} == {10}
    assert [(one.function, one.place.line) for one in template.consumers] == [
        ("OrdersFunction", 14), ("BillsFunction", 14),
    ]  # fmt: skip


def test_loops_come_before_sam(tmp_path: Path) -> None:
    text = (
        "Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\n"
        "Parameters: {Names: {Type: CommaDelimitedList}}\n"
        "Resources:\n"
        "  Fn::ForEach::Functions:\n"
        "    - Name\n"
        "    - !Ref Names\n"
        "    - ${Name}:\n"
        "        Type: AWS::Serverless::Function\n"
        "        Properties: {Runtime: provided.al2023, Handler: !Ref Name, CodeUri: s3://b/k}\n"
    )
    template = read_text(tmp_path, text, parameters={"Names": "A,B"})
    assert [one.handler.content for one in template.functions.values()] == ["A", "B"]
    with pytest.raises(InputError, match="`Names` has no default") as caught:
        read_text(tmp_path, text)
    assert caught.value.hint == "give the parameter's value: `--parameter NAME=a,b`"


def test_a_nested_stack_goes_through_what_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(
        "Parameters: {Names: {Type: CommaDelimitedList, Default: 'x'}}\n"
        "Resources:\n"
        "  Fn::ForEach::L: [N, !Ref Names, {'F${N}': {Type: AWS::Lambda::Function}}]\n"
    )
    text = (
        "Resources:\n  In:\n    Type: AWS::CloudFormation::Stack\n"
        "    Properties: {TemplateURL: inner.yaml, Parameters: {Names: 'a,b'}}\n"
    )
    assert [*read_text(tmp_path, text).functions] == ["In/Fa", "In/Fb"]


def test_an_included_file_stands_in_its_place() -> None:
    include = "Fn::Transform: {Name: AWS::Include, Parameters: {Location: api.yaml}}"
    source = expand(f"a:\n  b: 1\n  {include}\nc: 2", **{"api.yaml": "x: 1\ny:\n  z: !Ref F\n"})
    assert source.data == {"a": {"b": 1, "x": 1, "y": {"z": {"Ref": "F"}}}, "c": 2}
    place = source.place(("a", "y", "z"))
    assert (str(place), place.path, place.steps) == ("api.yaml:3", "y.z", ("y", "z"))
    assert str(source.place(("a", "b"))) == "t.yaml:2"


@pytest.mark.parametrize(
    "value",
    [
        "{Name: AWS::Include, Parameters: {Location: s3://b/k}}",
        "{Name: Macro, Parameters: {Location: api.yaml}}",
        "{Name: AWS::Include, Parameters: {Location: !Sub '${B}/k'}}",
        "nonsense",
    ],
)
def test_what_is_not_at_hand_stays(value: str) -> None:
    source = expand(f"a: {{Fn::Transform: {value}}} # AWS::Include", **{"api.yaml": "x: 1"})
    assert [*source.data["a"]] == ["Fn::Transform"]


def test_a_file_that_includes_itself_is_included_once(tmp_path: Path) -> None:
    text = (
        "Resources:\n  F: {Type: AWS::Lambda::Function}\n"
        "  Fn::Transform: {Name: AWS::Include, Parameters: {Location: more.yaml}}\n"
    )
    (tmp_path / "more.yaml").write_text(
        "G: {Type: AWS::Lambda::Function}\n"
        "Fn::Transform: {Name: AWS::Include, Parameters: {Location: more.yaml}}\n"
    )
    template = read_text(tmp_path, text)
    assert {one.id: one.place.file for one in template.functions.values()} == {
        "F": str(tmp_path / "template.yaml"), "G": str(tmp_path / "more.yaml"),
    }  # fmt: skip


OPENAPI = """\
paths:
  /orders:
    get:
      x-amazon-apigateway-integration:
        uri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/${F.Arn}/invocations
"""


@pytest.mark.parametrize("location", ["api.yaml", "../api.yaml", "link.yaml"])
def test_an_api_in_a_file_that_is_included(tmp_path: Path, location: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "api.yaml").write_text(OPENAPI)
    (project / "link.yaml").symlink_to(tmp_path / "api.yaml")
    (project / "api.yaml").write_text(OPENAPI)
    text = (
        f"{SAM}Resources:\n"
        "  F:\n    Type: AWS::Serverless::Function\n"
        "    Properties: {Runtime: provided.al2023, Handler: x, CodeUri: s3://b/k}\n"
        "  Api:\n    Type: AWS::Serverless::Api\n    Properties:\n      StageName: prod\n"
        "      DefinitionBody:\n"
        f"        Fn::Transform: {{Name: AWS::Include, Parameters: {{Location: {location}}}}}\n"
    )
    found = [(one.function, one.qualifier, str(one.place)) for one in
             read_text(project, text).consumers]  # fmt: skip
    # Nothing outside of the project is read.
    inside = location == "api.yaml"
    assert found == ([("F", None, f"{project}/api.yaml:5")] if inside else [])


STATES = """\
{"StartAt": "Ask", "States": {
 "Ask": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
  "Parameters": {"FunctionName": "${Ask}"}, "Next": "Book"},
 "Book": {"Type": "Task", "Resource": "${Book}:live", "End": true}
}}
"""


@pytest.mark.parametrize(
    ("machine", "kind"),
    [
        ("{DefinitionUri: states.asl.json, Role: r, DefinitionSubstitutions: ", "Serverless"),
        ("{DefinitionS3Location: states.asl.json, DefinitionSubstitutions: ", "StepFunctions"),
        ("{DefinitionString: '" + STATES.replace("\n", "") + "', DefinitionSubstitutions: ",
         "StepFunctions"),
    ],
)  # fmt: skip
def test_a_state_machine_by_its_definition(tmp_path: Path, machine: str, kind: str) -> None:
    (tmp_path / "states.asl.json").write_text(STATES)
    text = (
        f"{SAM}Resources:\n"
        "  F:\n    Type: AWS::Serverless::Function\n"
        "    Properties: {Runtime: provided.al2023, Handler: x, CodeUri: s3://b/k}\n"
        f"  M:\n    Type: AWS::{kind}::StateMachine\n"
        f"    Properties: {machine}{{Ask: !GetAtt F.Arn, Book: !GetAtt F.Arn}}}}\n"
    )
    found = read_text(tmp_path, text).consumers
    assert {(one.function, one.qualifier) for one in found} == {("F", None), ("F", "live")}
    if "asl.json" in machine:
        assert [str(one.place) for one in found] == [
            f"{tmp_path}/states.asl.json:3", f"{tmp_path}/states.asl.json:4",
        ]  # fmt: skip


def test_a_definition_that_is_no_json_before_its_names_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "states.asl.json").write_text('{"Seconds": ${Wait}, "Resource": "${F}"}')
    text = (
        "Resources:\n  F: {Type: AWS::Lambda::Function}\n"
        "  M:\n    Type: AWS::StepFunctions::StateMachine\n"
        "    Properties: {DefinitionS3Location: states.asl.json%s}\n"
    )
    given = ", DefinitionSubstitutions: {F: !GetAtt F.Arn, Wait: 3}"
    [consumer] = read_text(tmp_path, text % given).consumers
    assert consumer.place.line == 5
    with pytest.raises(InputError, match=r"states\.asl\.json: neither YAML nor JSON"):
        read_text(tmp_path, text % "")


def test_what_substitutions_make_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('["' + '", "'.join(["${A}"] * 50_000) + '"]')
    text = (
        "Resources:\n  F: {Type: AWS::Lambda::Function}\n"
        "  M:\n    Type: AWS::StepFunctions::StateMachine\n    Properties:\n"
        f"      {{DefinitionS3Location: s.json, DefinitionSubstitutions: {{A: {'x' * 999}}}}}\n"
    )
    with pytest.raises(InputError, match="substituted into a definition makes too much"):
        read_text(tmp_path, text)


def test_an_api_in_a_file_of_its_own(tmp_path: Path) -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
    (tmp_path / "api.yaml").write_text(
        f"paths:\n  /:\n    get: {{uri: '{arn}:live/invocations'}}\n"
    )
    text = (
        f"{SAM}Resources:\n"
        "  F:\n    Type: AWS::Serverless::Function\n    Properties:\n"
        "      {Runtime: provided.al2023, Handler: x, CodeUri: s3://b/k, FunctionName: orders}\n"
        "  Api: {Type: AWS::Serverless::Api, Properties: {StageName: a, DefinitionUri: api.yaml}}\n"
    )
    [consumer] = read_text(tmp_path, text).consumers
    assert (consumer.function, consumer.qualifier) == ("F", "live")
    assert str(consumer.place) == f"{tmp_path}/api.yaml:3"


def test_an_application_of_sam_in_the_project_is_followed(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(
        f"{SAM}Resources:\n  F:\n    Type: AWS::Serverless::Function\n"
        "    Properties: {Runtime: provided.al2023, Handler: x, CodeUri: s3://b/k}\n"
        "Outputs: {Arn: {Value: !GetAtt F.Arn}}\n"
    )
    text = (
        f"{SAM}Resources:\n"
        "  In: {Type: AWS::Serverless::Application, Properties: {Location: inner.yaml}}\n"
        "  P: {Type: AWS::Pipes::Pipe, Properties: {Target: !GetAtt In.Outputs.Arn}}\n"
    )
    template = read_text(tmp_path, text)
    assert [*template.functions] == ["In/F"]
    assert [(one.function, one.qualifier) for one in template.consumers] == [("In/F", None)]
