"""Several deployments in the place of a dangerous one: each format, and what can't be split."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shim.check.verdict import Answer
from shim.errors import InputError
from shim.package.read import read_package
from shim.templates.source import read_source
from shim.templates.split.report import (
    calls_in_words,
    what_it_sets,
    why,
    would_have_to_start,
)
from tests.check.builders import launcher, program
from tests.templates.builders import FUNCTION, function
from tests.templates.split.builders import (
    ARM,
    GO,
    ON_ARM,
    ON_X86,
    OWN,
    X86,
    changes,
    indented,
    put,
    split_files,
    steps,
)

if TYPE_CHECKING:
    from shim.templates.split.split import Split

TREE = Path(__file__).parents[3]
pytestmark = pytest.mark.usefixtures("lean_launchers")

OLD = """\
# The shop
Resources:
  Orders: # takes orders
    Type: AWS::Lambda::Function
    Properties:
      Runtime: go1.x # the old one
      Handler: 'orders'
      MemorySize: 128
      Code: build/old
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Orders, EventSourceArn: !Ref Stream}
Parameters:
  Stream: {Type: String}
"""
NEW = (
    OLD.replace("go1.x # the old one", "provided.al2023 # the new one")
    .replace("'orders'", "'bootstrap'")
    .replace("128", "256")
    .replace("build/old", "build/new")
    + "# the end\n"
)


def calls(done: Split) -> list[list[str]]:
    """By deployment: the functions, and their calls."""
    return [
        [f"{move.passage.id} {calls_in_words(move)}" for move in one.moves]
        for one in done.deployments
    ]


def first_story(folder: Path, old: str = OLD, new: str = NEW) -> Split:
    """The first article's change."""
    put(folder, {"build/old": GO, "build/new": OWN})
    (folder / "old.yaml").write_text(old)
    (folder / "new.yaml").write_text(new)
    return split_files(folder, "old.yaml", "new.yaml")


def test_a_template_keeps_all_but_what_a_step_changes(tmp_path: Path) -> None:
    done = first_story(tmp_path)
    one, two, three = steps(done)
    assert calls(done) == [
        ["Orders code call"], ["Orders configuration call"], ["Orders code call"],
    ]  # fmt: skip
    assert changes(OLD, one) == [("      Code: build/old", "      Code: Orders-bridge.zip")]
    assert changes(one, two) == [
        ("      Runtime: go1.x # the old one", "      Runtime: provided.al2023 # the old one"),
        ("      Handler: 'orders'", "      Handler: 'bootstrap'"),
        ("      MemorySize: 128", "      MemorySize: 256"),
    ]
    assert three == NEW
    assert {one.name for one in read_package(tmp_path / "out/Orders-bridge.zip").entries} == {
        "bootstrap", "orders",
    }  # fmt: skip


def test_line_ends_are_kept(tmp_path: Path) -> None:
    put(tmp_path, {"build/old": GO, "build/new": OWN})
    for name, text in {"old.yaml": OLD, "new.yaml": NEW}.items():
        (tmp_path / name).write_bytes(text.replace("\n", "\r\n").encode())
    split_files(tmp_path, "old.yaml", "new.yaml")
    data = (tmp_path / "out/1-new.yaml").read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n") == OLD.count("\n")


def test_json_keeps_its_order_and_indent(tmp_path: Path) -> None:
    put(tmp_path, {"build/old": GO, "build/new": OWN})
    old = {"Handler": "orders", "Runtime": "go1.x", "Code": "build/old"}
    new = {"Handler": "bootstrap", "Runtime": "provided.al2023", "Code": "build/new"}
    texts = [
        indented({"Resources": {"F": {"Type": FUNCTION["Type"], "Properties": one}}})
        for one in (old, new)
    ]
    for name, text in zip(("old.json", "new.json"), texts, strict=True):
        (tmp_path / name).write_text(text)
    one, two, three = steps(split_files(tmp_path, "old.json", "new.json"))
    assert changes(texts[0], one) == [
        ('        "Code": "build/old"', '        "Code": "F-bridge.zip"')
    ]
    assert len(changes(one, two)) == 2
    assert three == texts[1]


SAM_OLD = """\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: go1.x # everywhere
    CodeUri: build/old
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Handler: orders
      Events:
        Every: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
"""
SAM_NEW = (
    SAM_OLD.replace("go1.x", "provided.al2023")
    .replace("Handler: orders", "Handler: bootstrap")
    .replace("build/old", "build/new")
)


def test_sam_says_in_the_function_what_its_globals_will_say(tmp_path: Path) -> None:
    one, two, three = steps(first_story(tmp_path, SAM_OLD, SAM_NEW))
    assert one == SAM_OLD.replace("build/old", "'../build/old'").replace(
        "Handler: orders\n", "Handler: orders\n      CodeUri: Orders-bridge.zip\n"
    )
    assert "      Handler: bootstrap\n" in two
    assert "      Runtime: provided.al2023\n" in two
    assert "    Runtime: go1.x # everywhere\n" in two
    assert three == SAM_NEW


def test_what_sams_globals_add_is_said_in_each_function(tmp_path: Path) -> None:
    """The example's change: a layer and an architecture that `Globals` give to all."""
    for arch in (X86, ARM):
        programs = {f"bin/{name}": program(arch) for name in ("orders", "report")}
        put(tmp_path, {
            f"made/shop-{arch}.zip": {"bootstrap": launcher(arch), **programs},
            f"made/audit-{arch}.zip": {"extensions/audit": program(arch)},
        })  # fmt: skip
    old = (TREE / "examples/sam/template.yaml").read_text().replace("out/", "made/")
    (tmp_path / "old.yaml").write_text(old)
    (tmp_path / "new.yaml").write_text(old.replace("x86_64", "arm64"))
    done = split_files(tmp_path, "old.yaml", "new.yaml")
    assert calls(done) == [
        ["Orders configuration call"], ["Orders code call"], ["Orders configuration call"],
    ]  # fmt: skip
    one, two, three = (read_source("t", text.encode()).data for text in steps(done))
    assert one["Globals"]["Function"] == {
        "Runtime": "provided.al2023", "Architectures": ["x86_64"], "Timeout": 10,
    }  # fmt: skip
    layers = [
        [each["Resources"][name]["Properties"].get("Layers") for name in ("Orders", "Report")]
        for each in (one, two, three)
    ]
    bridge = {"Ref": "ShimBridgeOrders0"}
    assert layers == [[[bridge], [{"Ref": "Audit"}]], [[bridge], [{"Ref": "Audit"}]], [None, None]]
    assert two["Resources"]["Report"]["Properties"]["Architectures"] == ["x86_64"]


def test_the_steps_of_all_functions_are_merged(tmp_path: Path) -> None:
    put(tmp_path, {"build/old": GO, "build/new": OWN, "x86": ON_X86, "arm": ON_ARM,
                   "more": {**ON_X86, "bills": ON_X86["orders"]},
                   "agent-x86": {"extensions/agent": ON_X86["orders"]},
                   "agent-arm": {"extensions/agent": ON_ARM["orders"]}})  # fmt: skip
    arns = [f"arn:aws:lambda:eu-west-1:1:layer:agent-{one}:1" for one in ("x86", "arm")]
    layers = {arn: tmp_path / f"agent-{one}" for arn, one in zip(arns, ("x86", "arm"), strict=True)}

    def bills(number: int) -> dict[str, Any]:
        return function(
            Architectures=[("x86_64", "arm64")[number]], Handler="orders",
            Layers=[arns[number]], Code=("x86", "arm")[number], FunctionName="bills",
        )  # fmt: skip

    def orders(number: int) -> dict[str, Any]:
        return function(
            Architectures=None, FunctionName="orders", Code=("build/old", "build/new")[number],
            Runtime=("go1.x", "provided.al2023")[number], Handler=("orders", "bootstrap")[number],
        )  # fmt: skip

    def short(number: int) -> dict[str, Any]:
        return function(
            FunctionName="short", Handler=("orders", "bills")[number], Code=("x86", "more")[number],
            Architectures=["x86_64"],
        )  # fmt: skip

    def whole(number: int) -> dict[str, Any]:
        return function(FunctionName="whole", MemorySize=(128, 256)[number])

    for number, name in enumerate(("old.json", "new.json")):
        resources = {"Bills": bills(number), "Orders": orders(number), "Short": short(number),
                     "Whole": whole(number)}  # fmt: skip
        (tmp_path / name).write_text(indented({"Resources": resources}))
    done = split_files(tmp_path, "old.json", "new.json", layers=layers)
    assert calls(done) == [
        ["Bills configuration call", "Orders code call"],
        ["Bills code call", "Orders configuration call", "Short code call"],
        ["Bills configuration call", "Orders code call", "Short configuration call"],
    ]
    made = json.loads(steps(done)[0])["Resources"]
    assert made["Bills"]["Properties"]["Layers"] == [{"Ref": "ShimBridgeBills0"}]
    assert made["ShimBridgeBills0"]["Properties"]["Content"] == "Bills-bridge-layer.zip"
    assert made["Whole"]["Properties"]["MemorySize"] == 128
    assert made["Short"]["Properties"]["Code"] == "../x86"


def assembly(folder: Path, asset: str, properties: dict[str, Any]) -> None:
    code = {"S3Bucket": {"Fn::Sub": "assets-${AWS::Region}"}, "S3Key": f"{asset}.zip"}
    metadata = {
        "aws:cdk:path": "App/F/Resource",
        "aws:asset:path": f"asset.{asset}",
        "aws:asset:property": "Code",
    }
    whole = {**function(FunctionName=None, Code=code, Architectures=None, **properties),
             "Metadata": metadata}  # fmt: skip
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "App.json"}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"App": stack}}))
    (folder / "App.json").write_text(json.dumps({"Resources": {"F": whole}}, indent=1))


def test_an_assembly_of_cdk_gets_a_template_for_each_stack(tmp_path: Path) -> None:
    put(tmp_path, {"old/asset.a": GO, "new/asset.b": OWN})
    assembly(tmp_path / "old", "a", {"Runtime": "go1.x", "Handler": "orders"})
    assembly(tmp_path / "new", "b", {"Runtime": "provided.al2023", "Handler": "bootstrap"})
    done = split_files(tmp_path, "old", "new")
    assert [one.files for one in done.deployments] == [
        ("1-App.json",), ("2-App.json",), ("3-App.json",),
    ]  # fmt: skip
    whole = json.loads(steps(done)[0])["Resources"]["F"]
    [bridge] = done.uploads
    assert whole["Properties"]["Code"] == {
        "S3Bucket": {"Fn::Sub": "assets-${AWS::Region}"}, "S3Key": bridge.key,
    }  # fmt: skip
    assert bridge.file == "App-F-bridge.zip"
    assert whole["Metadata"]["aws:asset:path"] == "App-F-bridge.zip"
    assert what_it_sets(done.deployments[1].moves[0]) == {
        "runtime": "provided.al2023", "handler": "bootstrap",
    }  # fmt: skip
    assert steps(done)[2] == (tmp_path / "new/App.json").read_text()


def test_what_serverless_has_made(tmp_path: Path) -> None:
    name = "cloudformation-template-update-stack.json"
    put(tmp_path, {"old/shop.zip": GO, "new/shop.zip": OWN})
    for side, runtime, handler in (("old", "go1.x", "orders"), ("new", "provided.al2023", "x")):
        code = {"S3Bucket": {"Ref": "B"}, "S3Key": f"serverless/shop/dev/{side}/shop.zip"}
        f = function(Code=code, Runtime=runtime, Handler=handler, Architectures=None)
        text = indented({"Resources": {"B": {"Type": "AWS::S3::Bucket"}, "F": f}})
        (tmp_path / side / name).write_text(text)
    done = split_files(tmp_path, "old", "new")
    assert [one.files for one in done.deployments] == [(f"{n}-{name}",) for n in (1, 2, 3)]
    [bridge] = done.uploads
    assert bridge.key.startswith("serverless/shop/dev/new/shim-")
    assert bridge.key in steps(done)[0]
    assert steps(done)[2] == (tmp_path / "new" / name).read_text()


def planned(folder: Path, before: dict[str, Any], after: dict[str, Any]) -> None:
    """A plan of Terraform with one function."""
    sides = []
    for values in (before, after):
        digest = sha256((folder / values["filename"]).read_bytes()).digest()
        sides.append({"function_name": "orders", **values,
                      "source_code_hash": b64encode(digest).decode()})  # fmt: skip
    change = {"before": sides[0], "after": sides[1], "after_unknown": {}}
    one = {"address": "aws_lambda_function.orders", "type": "aws_lambda_function", "change": change}
    plan = {"format_version": "1.2", "resource_changes": [one]}
    (folder / "plan.json").write_text(json.dumps(plan))


def test_terraforms_applies_take_the_configuration_first(tmp_path: Path) -> None:
    put(tmp_path, {"old.zip": GO, "new.zip": OWN})
    planned(
        tmp_path,
        {"runtime": "go1.x", "handler": "orders", "filename": "old.zip"},
        {"runtime": "provided.al2023", "handler": "bootstrap", "filename": "new.zip"},
    )
    done = split_files(tmp_path, "plan.json", "plan.json")
    assert calls(done) == [
        ["aws_lambda_function.orders code call"],
        ["aws_lambda_function.orders configuration call, then code call"],
    ]
    one, two = steps(done)
    assert one == (
        "# Apply 1 of 2: the new configuration, but with this in it.\n"
        "\n"
        "# aws_lambda_function.orders: code (x86_64)\n"
        'resource "aws_lambda_function" "orders" {\n'
        '  filename = "aws-lambda-function-orders-bridge.zip"\n'
        '  source_code_hash = filebase64sha256("aws-lambda-function-orders-bridge.zip")\n'
        '  runtime = "go1.x"\n'
        '  handler = "orders"\n'
        "}\n"
    )
    assert two == "# Apply 2 of 2: the new configuration, as it is.\n"


def test_one_apply_is_enough_where_the_configuration_may_come_first(tmp_path: Path) -> None:
    both = {"bootstrap": ON_X86["bootstrap"], "orders": GO["orders"], "bills": GO["orders"]}
    put(tmp_path, {"old.zip": both, "new.zip": {**ON_X86, "bills": ON_X86["orders"]}})
    sides = [
        {"runtime": "provided.al2023", "handler": handler, "filename": name}
        for handler, name in (("orders", "old.zip"), ("bills", "new.zip"))
    ]
    planned(tmp_path, *sides)
    done = split_files(tmp_path, "plan.json", "plan.json")
    assert (done.deployments, done.ways[0].answer) == ((), Answer.STARTS)
    assert not (tmp_path / "out").exists()


def test_the_old_code_need_not_be_at_hand_where_the_new_one_may_come_first(tmp_path: Path) -> None:
    put(tmp_path, {"build/new": {**OWN, "orders": GO["orders"]}})
    (tmp_path / "old.yaml").write_text(OLD)
    (tmp_path / "new.yaml").write_text(NEW)
    done = split_files(tmp_path, "old.yaml", "new.yaml")
    assert calls(done) == [["Orders code call"], ["Orders configuration call"]]
    assert "Code: '../build/new'" in steps(done)[0]
    assert "the package is not at hand" in (why(done.deployments[0].moves[0]) or "")


def test_what_is_not_known_is_no_split(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(OLD)
    (tmp_path / "new.yaml").write_text(NEW)
    done = split_files(tmp_path, "old.yaml", "new.yaml")
    [way] = done.ways
    assert (way.answer, done.deployments) == (Answer.UNKNOWN, ())
    assert would_have_to_start(way) == ("the new code, x86_64, go1.x, handler orders",)
    assert not (tmp_path / "out").exists()
    allowed = split_files(tmp_path, "old.yaml", "new.yaml", allow_unknown=True)
    assert calls(allowed) == [["Orders code call"], ["Orders configuration call"]]


def test_a_folder_that_both_sides_name_says_nothing_of_what_was_deployed(tmp_path: Path) -> None:
    done = first_story(tmp_path, new=NEW.replace("build/new", "build/old"))
    assert done.ways[0].answer is not Answer.STARTS
    assert done.deployments == ()


def test_a_function_that_would_not_start_in_the_end_has_no_way(tmp_path: Path) -> None:
    done = first_story(
        tmp_path,
        new=NEW.replace("Runtime: provided", "Architectures: [arm64]\n      Runtime: provided"),
    )
    [way] = done.ways
    assert (way.answer, way.reason) == (
        Answer.FAILS, "the function would not start as it is wanted",
    )  # fmt: skip
    assert f"the function runs on {ARM}" in way.reasons[0]


def test_what_serves_by_an_alias_goes_whole(tmp_path: Path) -> None:
    alias = "AutoPublishAlias: live\n      Handler:"
    done = first_story(
        tmp_path, SAM_OLD.replace("Handler:", alias), SAM_NEW.replace("Handler:", alias)
    )
    assert done.ways[0].reason == "all traffic that is known goes to a version"
    assert done.deployments == ()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("Orders: #", "Purchases: #", None),
        ("Handler: 'orders'", "Handler: !Ref Name", "the handler is not known"),
        ("Runtime: go1.x #", "Runtime: nodejs22.x #", "the runtime is not an OS-only one"),
    ],
)
def test_no_claim_is_made_of_what_is_not_known(
    tmp_path: Path, old: str, new: str, sentence: str | None
) -> None:
    done = first_story(tmp_path, OLD.replace(old, new))
    assert done.deployments == ()
    if sentence:
        assert sentence in done.ways[0].reason


def test_twice_gives_the_same_and_another_folder_is_left_alone(tmp_path: Path) -> None:
    first = first_story(tmp_path)
    before = {one.name: one.read_bytes() for one in first.folder.iterdir()}
    again = split_files(tmp_path, "old.yaml", "new.yaml")
    assert calls(again) == calls(first)
    assert before == {one.name: one.read_bytes() for one in first.folder.iterdir()}
    (first.folder / "mine").touch()
    with pytest.raises(InputError, match="there is something else in the folder already"):
        split_files(tmp_path, "old.yaml", "new.yaml")
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "build",
        "new.yaml",
        "old.yaml",
        "out",
    ]


def test_what_a_value_refers_to_comes_along(tmp_path: Path) -> None:
    new = NEW.replace("      MemorySize: 256\n", "      MemorySize: 256\n      Environment:\n"
        "        Variables: {TABLE: !Ref Table}\n") + """\
  Size: {Type: String, Default: big}
Conditions:
  IsBig: !Equals [!Ref Size, big]
"""  # fmt: skip
    new = new.replace(
        "  Mapping:\n",
        """\
  Table:
    Type: AWS::DynamoDB::Table
    Condition: IsBig
    Properties: {TableName: !Sub "t-${Size}"}
  Mapping:
""",
    )
    one, two, three = steps(first_story(tmp_path, OLD, new))
    assert "Table" not in one
    made = read_source("t", two.encode()).data
    assert {*made["Resources"]} == {"Orders", "Mapping", "Table"}
    assert {*made["Parameters"]} == {"Stream", "Size"}
    assert {*made["Conditions"]} == {"IsBig"}
    assert three == new


def test_a_folder_in_the_code_is_refused(tmp_path: Path) -> None:
    put(tmp_path, {".": {**GO, **OWN}})
    (tmp_path / "old.yaml").write_text(OLD.replace("build/old", "."))
    (tmp_path / "new.yaml").write_text(NEW.replace("build/new", "."))
    with pytest.raises(InputError, match="the folder would be in the code of Orders"):
        split_files(tmp_path, "old.yaml", "new.yaml")
    assert not (tmp_path / "out").exists()
    put(tmp_path, {"out/old": GO, "build/new": OWN})
    (tmp_path / "old.yaml").write_text(OLD.replace("build/old", "out/old"))
    (tmp_path / "new.yaml").write_text(NEW)
    with pytest.raises(InputError, match="the code of Orders lies in the folder"):
        split_files(tmp_path, "old.yaml", "new.yaml")


def test_a_layer_of_the_template_comes_with_the_configuration(tmp_path: Path) -> None:
    """Its new version is taken when the function takes it, and not before."""
    put(tmp_path, {"x86": ON_X86, "arm": ON_ARM, "lx": {"lib/a": b"1"}, "la": {"lib/a": b"2"}})
    text = """\
Resources:
  Tools:
    Type: AWS::Lambda::LayerVersion
    Properties: {Content: LAYER}
  Orders:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: provided.al2023
      Handler: orders
      Architectures: [ARCH]
      Layers:
        - !Ref Tools # for all
      Code: CODE
"""
    for name, values in {
        "old.yaml": ("lx", "x86_64", "x86"),
        "new.yaml": ("la", "arm64", "arm"),
    }.items():
        layer, arch, code = values
        whole = text.replace("LAYER", layer).replace("ARCH", arch).replace("CODE", code)
        (tmp_path / name).write_text(whole)
    assert split_files(tmp_path, "old.yaml", "new.yaml").deployments == ()
    put(tmp_path, {"la": {"extensions/agent": ON_ARM["orders"]}})
    done = split_files(tmp_path, "old.yaml", "new.yaml")
    assert calls(done) == [["Orders code call"], ["Orders configuration call"]]
    assert "Content: '../lx'" in steps(done)[0]
