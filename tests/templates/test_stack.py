"""CloudFormation's templates: functions, packages, versions, aliases, and who invokes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shim.errors import InputError
from shim.templates.value import Cause, Reference
from tests.templates.builders import FUNCTION, function, read_data, read_text, reader

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = """\
Parameters:
  Arch: {Type: String, Default: arm64}
Conditions:
  Never: !Equals [a, b]
Resources:
  Orders:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: provided.al2023
      Handler: bin/orders
      Architectures: [!Ref Arch]
      Layers:
        - !Ref Tools
        - !Sub arn:aws:lambda:${AWS::Region}:1:layer:other:3
      Environment:
        Variables: {STAGE: prod}
      DeadLetterConfig: {TargetArn: !GetAtt Queue.Arn}
      Code: build/
  Gone:
    Type: AWS::Lambda::Function
    Condition: Never
    Properties: {Handler: x}
  Tools:
    Type: AWS::Lambda::LayerVersion
    Properties:
      CompatibleArchitectures: [arm64]
      Content: layer.zip
  First:
    Type: AWS::Lambda::Version
    Properties: {FunctionName: !Ref Orders}
  Live:
    Type: AWS::Lambda::Alias
    UpdatePolicy: {CodeDeployLambdaAliasUpdate: {ApplicationName: a}}
    Properties: {FunctionName: !Ref Orders, FunctionVersion: !GetAtt First.Version, Name: live}
  Queue: {Type: AWS::SQS::Queue}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Queue.Arn
      FunctionName: !Ref Orders
Outputs:
  Arn: {Value: !GetAtt Orders.Arn}
  Name: {Value: !Ref Orders}
  Live: {Value: !Ref Live}
  Gone: {Condition: Never, Value: !GetAtt Orders.Arn}
"""


def test_all_that_a_template_says(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    template = read_text(tmp_path, TEMPLATE)
    assert list(template.functions) == ["Orders"]
    orders = template.functions["Orders"]
    assert orders.runtime.content == "provided.al2023"
    assert orders.handler.place.line == 10
    assert orders.architecture.content == "arm64"
    assert orders.layers.content[0] == Reference(id="Tools")
    assert orders.layers.unknown is not None
    assert orders.layers.unknown.cause is Cause.PSEUDO
    assert orders.environment.content == {"STAGE": "prod"}
    assert orders.dead_letter.content == Reference(id="Queue", attribute="Arn")
    assert orders.package == tmp_path / "build"
    assert template.layers["Tools"].architectures.content == ["arm64"]
    assert template.layers["Tools"].package is None
    assert [(one.id, one.function) for one in template.versions] == [("First", "Orders")]
    assert [(one.name.content, one.is_gradual) for one in template.aliases] == [("live", True)]
    assert [(one.kind, one.qualifier, one.place.line) for one in template.consumers] == [
        ("an event source mapping", None, 40)
    ]
    assert [(one.kind, one.qualifier) for one in template.outputs] == [("an output", None)]


ARN = {"Fn::GetAtt": ["F", "Arn"]}
PATH = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/"
LITERAL = "arn:aws:lambda:eu-west-1:123456789012:function:orders"


@pytest.mark.parametrize(
    ("kind", "properties", "qualifier"),
    [
        ("AWS::Lambda::EventSourceMapping", {"FunctionName": {"Ref": "F"}}, None),
        ("AWS::Lambda::EventSourceMapping", {"FunctionName": {"Ref": "L"}}, Reference(id="L")),
        ("AWS::Lambda::EventSourceMapping", {"FunctionName": {"Ref": "V"}}, Reference(id="V")),
        # As CDK does it for an alias, and for a version.
        ("AWS::Lambda::EventSourceMapping", {"FunctionName": {"Fn::Join": ["", [
            {"Fn::Select": [6, {"Fn::Split": [":", {"Ref": "L"}]}]}, ":live"]]}},
         Reference(id="L")),
        ("AWS::Lambda::EventSourceMapping", {"FunctionName": {"Fn::Join": ["", [
            {"Fn::Select": [6, {"Fn::Split": [":", ARN]}]}, ":live"]]}}, "live"),
        ("AWS::Lambda::EventSourceMapping", {"FunctionName": "orders"}, None),
        ("AWS::Lambda::EventSourceMapping", {"FunctionName": "orders:live"}, "live"),
        ("AWS::Lambda::Url", {"TargetFunctionArn": ARN}, None),
        ("AWS::Lambda::Url", {"TargetFunctionArn": ARN, "Qualifier": "live"}, "live"),
        ("AWS::Lambda::Permission", {"FunctionName": ARN}, None),
        ("AWS::ApiGateway::Method",
         {"Integration": {"Uri": {"Fn::Sub": f"{PATH}${{F.Arn}}/invocations"}}}, None),
        ("AWS::ApiGateway::Method",
         {"Integration": {"Uri": {"Fn::Sub": f"{PATH}${{F.Arn}}:live/invocations"}}}, "live"),
        ("AWS::ApiGateway::RestApi",
         {"Body": {"paths": {"/": {"x": {"Fn::Sub": f"{PATH}${{L}}/invocations"}}}}},
         Reference(id="L")),
        ("AWS::ApiGatewayV2::Integration",
         {"IntegrationUri": f"{PATH}{LITERAL}/invocations"}, None),
        ("AWS::ApiGatewayV2::Integration", {"IntegrationUri": f"{LITERAL}:7"}, "7"),
        ("AWS::Events::Rule", {"Targets": [{"Arn": ARN}]}, None),
        ("AWS::Events::Rule", {"Targets": [{"Arn": {"Fn::Join": [":", [ARN, "live"]]}}]}, "live"),
        ("AWS::Pipes::Pipe", {"Target": ARN}, None),
        ("AWS::Scheduler::Schedule", {"Target": {"Arn": ARN}}, None),
        ("AWS::SNS::Subscription", {"Endpoint": ARN}, None),
        ("AWS::S3::Bucket",
         {"NotificationConfiguration": {"LambdaConfigurations": [{"Function": ARN}]}}, None),
        ("AWS::StepFunctions::StateMachine", {"DefinitionSubstitutions": {"A": ARN}}, None),
        ("AWS::StepFunctions::StateMachine",
         {"Definition": {"States": {"A": {"Parameters": {"FunctionName": {"Ref": "L"}}}}}},
         Reference(id="L")),
        ("AWS::Cognito::UserPool", {"LambdaConfig": {"PreSignUp": ARN}}, None),
        ("AWS::AppSync::DataSource", {"LambdaConfig": {"LambdaFunctionArn": ARN}}, None),
        ("AWS::IoT::TopicRule",
         {"TopicRulePayload": {"Actions": [{"Lambda": {"FunctionArn": ARN}}]}}, None),
    ],
)  # fmt: skip
def test_who_invokes_it(
    tmp_path: Path, kind: str, properties: dict[str, Any], qualifier: object
) -> None:
    named = {"FunctionName": {"Ref": "F"}}
    template = read_data(
        tmp_path,
        {
            "F": FUNCTION,
            "V": {"Type": "AWS::Lambda::Version", "Properties": named},
            "L": {"Type": "AWS::Lambda::Alias", "Properties": {**named, "Name": "live"}},
            "X": {"Type": kind, "Properties": properties},
        },
    )
    [found] = template.consumers
    assert (found.function, found.qualifier) == ("F", qualifier)
    assert found.is_unqualified is (qualifier is None)


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        # Reads its logs; grants; is called when the stack is, by CloudFormation alone.
        ("AWS::Logs::LogGroup", {"LogGroupName": {"Fn::Sub": "/aws/lambda/${F}"}}),
        ("AWS::IAM::Policy", {"PolicyDocument": {"Statement": [{"Resource": ARN}]}}),
        ("Custom::Thing", {"ServiceToken": ARN}),
        ("AWS::Lambda::EventSourceMapping", {"FunctionName": {"Fn::GetAtt": ["F", "RoleArn"]}}),
        ("AWS::Lambda::EventSourceMapping", {"FunctionName": "orders-2"}),
        ("AWS::Events::Rule", {"Targets": [{"Arn": f"{LITERAL}-2"}]}),
    ],
)
def test_who_does_not(tmp_path: Path, kind: str, properties: dict[str, Any]) -> None:
    resources = {"F": FUNCTION, "X": {"Type": kind, "Properties": properties}}
    assert read_data(tmp_path, resources).consumers == ()


def test_functions_of_nested_stacks_are_read_with_what_they_are_given(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(
        "Parameters: {Handler: {Type: String}, Stack: {Type: String}}\n"
        "Resources:\n"
        "  F:\n    Type: AWS::Lambda::Function\n"
        "    Properties: {Handler: !Ref Handler, Role: !Ref AWS::StackName}\n"
        "Outputs: {Arn: {Value: !GetAtt F.Arn}}\n"
    )
    template = read_text(
        tmp_path,
        "Resources:\n  In:\n    Type: AWS::CloudFormation::Stack\n"
        "    Properties: {TemplateURL: inner.yaml, Parameters: {Handler: orders}}\n"
        "  X: {Type: AWS::Pipes::Pipe, Properties: {Target: !GetAtt In.Outputs.Arn}}\n",
        stack="shop",
    )
    assert template.functions["In/F"].handler.content == "orders"
    # What the stack around it is called is not what it is.
    assert template.functions["In/F"].role.unknown is not None
    assert template.functions["In/F"].handler.place.file == str(tmp_path / "inner.yaml")
    assert [one.function for one in template.consumers] == ["In/F"]


def test_stacks_that_nest_each_other_are_refused(tmp_path: Path) -> None:
    stack = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "template.json"}}
    with pytest.raises(InputError, match="too many stacks"):
        read_data(tmp_path, {"A": stack, "B": stack})


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "link", "a\0b", "nowhere"])
def test_nothing_outside_of_the_project_is_read(tmp_path: Path, path: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "secret").write_text("Resources: {}")
    (project / "link").symlink_to(tmp_path / "secret")
    stack = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": path}}
    template = read_data(project, {"F": function(Code=path), "S": stack})
    assert template.functions["F"].package is None


def test_json_that_yaml_does_not_take_is_read_without_lines(tmp_path: Path) -> None:
    template = read_data(tmp_path, {"F": function(Handler="\U0001f600")})
    handler = template.functions["F"].handler
    assert handler.content == "\U0001f600"
    assert handler.place.line is None
    assert handler.place.path == "Resources.F.Properties.Handler"


@pytest.mark.parametrize("data", [b"[]", b"x", b"Resources: []", b"{}", b"null"])
def test_what_is_no_template_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"t\.yaml: not a template: it has no `Resources`"):
        reader(tmp_path).read_one(path)
