"""SAM's templates, by its own translator: what it makes, and where each part comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shim.errors import InputError
from shim.templates.value import Reference
from tests.templates.builders import SAM, read_text

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = (
    SAM
    + """\
Globals:
  Function:
    Runtime: provided.al2023
    Architectures: [arm64]
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Handler: bin/orders
      CodeUri: build/
      AutoPublishAlias: live
      DeploymentPreference: {Type: Canary10Percent5Minutes}
      Events:
        Get:
          Type: HttpApi
        Every:
          Type: Schedule
          Properties: {Schedule: rate(1 hour)}
  Plain:
    Type: AWS::Serverless::Function
    Properties:
      Handler: plain
      Runtime: provided.al2
      Events:
        Queue:
          Type: SQS
          Properties: {Queue: !Sub "arn:aws:sqs:${AWS::Region}:1:q"}
  Bound:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Plain}
"""
)


def test_what_sam_says(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    template = read_text(tmp_path, TEMPLATE)
    orders, plain = template.functions["Orders"], template.functions["Plain"]
    assert (orders.runtime.content, orders.architecture.content) == ("provided.al2023", "arm64")
    assert (plain.runtime.content, plain.handler.content) == ("provided.al2", "plain")
    assert orders.package == tmp_path / "build"
    assert plain.package == tmp_path
    assert [one.function for one in template.versions] == ["Orders"]
    assert [(one.name.content, one.is_gradual) for one in template.aliases] == [("live", True)]
    unqualified = {(one.function, one.kind) for one in template.consumers if one.is_unqualified}
    assert unqualified == {("Plain", "an event source mapping")}
    qualified = {one.kind: one.qualifier for one in template.consumers if not one.is_unqualified}
    kinds = ("an EventBridge rule", "an HTTP API", "a permission")
    assert qualified == dict.fromkeys(kinds, Reference(id="OrdersAliaslive"))


def test_everything_has_its_line_in_the_source(tmp_path: Path) -> None:
    template = read_text(tmp_path, TEMPLATE)
    orders, plain = template.functions["Orders"], template.functions["Plain"]
    assert orders.place.line == 7
    assert orders.runtime.place.line == 4
    assert orders.architecture.place.line == 5
    assert orders.handler.place.line == 10
    assert orders.code.place.line == 11
    assert plain.runtime.place.line == 24
    assert {(one.kind, one.place.line) for one in template.consumers} == {
        # The API is made for all events together.
        ("an HTTP API", None),
        ("a permission", 15),
        ("a permission", 17),
        ("an EventBridge rule", 17),
        ("an event source mapping", 26),
        ("an event source mapping", 31),
    }


def test_the_translator_knows_no_region_that_nobody_gave(tmp_path: Path) -> None:
    text = TEMPLATE.replace("bin/orders", '!Sub "${AWS::Region}-${AWS::Partition}"')
    unknown = read_text(tmp_path, text).functions["Orders"].handler
    assert "`AWS::Region` isn't given" in str(unknown.content)
    known = read_text(tmp_path, text, region="eu-west-1").functions["Orders"].handler
    assert known.content == "eu-west-1-aws"


@pytest.mark.parametrize("place", ["a function", "all functions"])
def test_an_alias_may_be_called_by_a_parameter_without_a_value(tmp_path: Path, place: str) -> None:
    text = f"Parameters: {{Stage: {{Type: String}}, Sha: {{Type: String}}}}\n{TEMPLATE}"
    alias = "AutoPublishAlias: !Ref Stage"
    text = text.replace("AutoPublishAlias: live", "AutoPublishCodeSha256: !Ref Sha")
    where = "Handler: bin/orders" if place == "a function" else "Architectures: [arm64]"
    indent = " " * (6 if place == "a function" else 4)
    text = text.replace(where, f"{where}\n{indent}{alias}")
    unknown = read_text(tmp_path, text).aliases
    assert {str(one.name) for one in unknown} == {"unknown (the parameter `Stage` has no default)"}
    given = read_text(tmp_path, text, parameters={"Stage": "live"}).aliases
    assert {one.name.text for one in given} == {"live"}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("Schedule: rate(1 hour)", "Schedul: x", "line 7: SAM's translator refuses it"),
        ("Type: HttpApi", "Type: Nonsense", "line 7: SAM's translator refuses it"),
        ("Handler: bin/orders", "Handlr: x", "line 7: SAM's translator refuses it"),
        ("Globals:\n  Function:", "Globals:\n  Functio:", "SAM's translator refuses it"),
        ("Events:", "Events: x\n      More:", "SAM's translator refuses it"),
    ],
)
def test_what_the_translator_refuses_is_one_sentence(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_text(tmp_path, TEMPLATE.replace(old, new, 1))
    assert sentence in caught.value.message
    assert caught.value.message.count("\n") == 0
