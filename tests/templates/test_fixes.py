"""`shim diff --fix`: each rule before and after it, and its neighbours, which it must leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shim.arch import Arch
from shim.cli.main import main
from shim.templates.source import read_source
from tests.check.builders import SCRIPT, program
from tests.cli.test_json import check_convention
from tests.templates.builders import SAM
from tests.templates.test_cli_diff import git
from tests.templates.test_formats import TERRAFORM, assembly

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = """\
Resources:
  Orders: # the orders
    Type: AWS::Lambda::Function
    Properties:
      Runtime: provided.al2023
      Handler: bin/orders # a program
      Code: build
"""
LAYER = """\
Resources:
  Tools:
    Type: AWS::Lambda::LayerVersion
    Properties:
      CompatibleArchitectures: # both
        - x86_64
        - arm64
      Content: layer
"""
PUBLISHED = f"""{SAM}Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: x
      CodeUri: s3://b/k
      AutoPublishAlias: live # for traffic
      Events:
        Every: {{Type: Schedule, Properties: {{Schedule: rate(1 hour)}}}}
"""
EVENTS = f"""{SAM}Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: x
      CodeUri: s3://b/k
      Events:
        Every: {{Type: Schedule, Properties: {{Schedule: rate(1 hour)}}}}
        Get: {{Type: HttpApi}}
        Post: {{Type: Api, Properties: {{Path: /, Method: post, RestApiId: !Ref Shop}}}}
  Shop:
    Type: AWS::Serverless::Api
    Properties: {{StageName: prod}}
  Queue:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {{FunctionName: !Ref Orders, EventSourceArn: arn:aws:sqs:eu-west-1:1:q}}
"""
ALONE = "".join(
    line for line in EVENTS.partition("  Shop")[0].splitlines(keepends=True) if "Shop" not in line
)
ALIASED = """\
Resources:
  Orders:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: provided.al2023
      Handler: x
      Code: {S3Bucket: b, S3Key: k}
  First:
    Type: AWS::Lambda::Version
    Properties: {FunctionName: !Ref Orders}
  Live:
    Type: AWS::Lambda::Alias
    Properties:
      FunctionName: !Ref Orders
      FunctionVersion: !GetAtt First.Version
      Name: live
  Queue:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !GetAtt Orders.Arn   # all of it
      EventSourceArn: arn:aws:sqs:eu-west-1:1:q
"""


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs `shim diff` on two texts, or on what lies there: its status, and what it printed."""
    monkeypatch.chdir(tmp_path)

    def called(old: str, new: str | None, *words: str) -> tuple[int, str]:
        Path("old.yaml").write_text(old)
        if new is not None:
            Path("new.yaml").write_bytes(new.encode())
        status = main(["diff", "old.yaml", "new.yaml", *words])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return called


def file(name: str, data: bytes) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o755)


def packages() -> None:
    """A function's code for arm64, and a layer with an extension for it."""
    file("build/bootstrap", SCRIPT)
    file("build/bin/orders", program(Arch.ARM64))
    file("build/bootstrap", program(Arch.ARM64))
    file("layer/extensions/audit", program(Arch.ARM64))


CHANGED = ("Handler: x", "Handler: y")
BOTH = (CHANGED, ("k}", "k2}"))
SAM_BOTH = (CHANGED, ("s3://b/k", "s3://b/k2"))
ANEW = (*BOTH, ("First", "Second"))

CASES: dict[str, tuple[str, tuple[tuple[str, str], ...], str, tuple[tuple[str, str], ...]]] = {
    "an architecture that is not said": (
        PLAIN, (), "end-fails",
        (("      Code: build\n", "      Code: build\n      Architectures: [arm64]\n"),),
    ),
    "another architecture": (
        PLAIN.replace("      Code", "      Architectures: ['x86_64'] # why\n      Code"), (),
        "end-fails", (("'x86_64'", "'arm64'"),),
    ),
    "another architecture, in a list": (
        PLAIN.replace("      Code", "      Architectures:\n        - x86_64\n      Code"), (),
        "end-fails", (("- x86_64", "- arm64"),),
    ),
    "a layer's architectures": (LAYER, (), "layer-compatible", (("        - x86_64\n", ""),)),
    "a layer's architectures in one line": (
        LAYER.replace(" # both\n        - x86_64\n        - arm64", " [arm64, x86_64]"), (),
        "layer-compatible", ((", x86_64", ""),),
    ),
    "what SAM doesn't publish": (
        PUBLISHED, (CHANGED,), "publishes-nothing",
        (("# for traffic\n", "# for traffic\n      AutoPublishAliasAllProperties: true\n"),),
    ),
    "what SAM shall not publish": (
        PUBLISHED.replace(
            "      Events", "      AutoPublishAliasAllProperties: false\n      Events"
        ),
        (CHANGED,), "publishes-nothing", (("Properties: false", "Properties: true"),),
    ),
    "events of SAM": (
        EVENTS, SAM_BOTH, "invokes-latest",
        (("      CodeUri: s3://b/k2\n", "      CodeUri: s3://b/k2\n      AutoPublishAlias: live\n"),
         ("FunctionName: !Ref Orders", "FunctionName: !Ref Orders.Alias")),
    ),
    "a mapping beside SAM's alias": (
        EVENTS.replace("      Events", "      AutoPublishAlias: live\n      Events"), SAM_BOTH,
        "invokes-latest", (("FunctionName: !Ref Orders", "FunctionName: !Ref Orders.Alias"),),
    ),
    "a mapping": (
        ALIASED, ANEW, "invokes-latest", (("!GetAtt Orders.Arn ", "!Ref Live "),)
    ),
}  # fmt: skip


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_what_is_certain_is_written(run: Any, name: str, line_end: str) -> None:
    old, change, code, written = CASES[name]
    packages()
    new = changed(old, *change)
    expected = changed(new, *written).replace("\n", line_end)
    assert f"[{code}]" in run(old, new.replace("\n", line_end))[1]
    status, text = run(old, None, "--fix")
    assert status == 0, text
    assert Path("new.yaml").read_bytes().decode() == expected
    for line in expected.splitlines():
        assert line in new.splitlines() or f"+{line}\n" in text
    assert f"[{code}]" not in run(old, None)[1]
    # Nothing is done twice.
    assert run(old, None, "--fix") == (0, "0 findings fixed, 0 left to you\n")
    assert Path("new.yaml").read_bytes().decode() == expected


@pytest.mark.parametrize("name", CASES)
def test_what_is_certain_is_written_into_json_too(run: Any, name: str) -> None:
    old, change, code, _ = CASES[name]
    packages()
    old, new = (
        json.dumps(read_source("", text.encode()).data, indent=2)
        for text in (old, changed(old, *change))
    )
    assert f"[{code}]" in run(old, new)[1]
    assert run(old, None, "--fix")[0] == 0
    after = Path("new.yaml").read_text()
    assert f"[{code}]" not in run(old, None)[1]
    assert json.dumps(json.loads(after), indent=2) != new
    kept = [line.rstrip(",") for line in new.splitlines()]
    lost = [line for line in kept if line not in [one.rstrip(",") for one in after.splitlines()]]
    assert len(lost) <= 4, lost


LEFT: dict[str, tuple[str, tuple[tuple[str, str], ...], str]] = {
    "an architecture by a parameter": (
        PLAIN.replace("      Code", "      Architectures: [!Ref A]\n      Code")
        + "Parameters: {A: {Type: String, Default: x86_64}}\n",
        (), "set `Architectures: [arm64]` [end-fails]",
    ),
    "a layer's architectures by a parameter": (
        LAYER.replace("- x86_64", "- !Ref A")
        + "Parameters: {A: {Type: String, Default: x86_64}}\n",
        (), "set `CompatibleArchitectures: [arm64]` [layer-compatible]",
    ),
    "a version that is not SAM's": (
        ALIASED, (CHANGED,), "set another logical id for the version's resource",
    ),
    "a mapping to an alias that stays behind": (ALIASED, (CHANGED,), "version's resource"),
    "two aliases": (
        ALIASED + ALIASED[ALIASED.index("  Live") : ALIASED.index("  Queue")].replace(
            "Live", "Canary"), ANEW, "set an alias here",
    ),
    "an alias that SAM doesn't make": (
        ALONE + "  Live:\n    Type: AWS::Lambda::Alias\n    Properties: "
        "{FunctionName: !Ref Orders, FunctionVersion: '1', Name: live}\n",
        SAM_BOTH, "set an alias here",
    ),
    "a function URL": (
        EVENTS.replace("      Events", "      FunctionUrlConfig: {AuthType: NONE}\n      Events"),
        SAM_BOTH, "set an alias here",
    ),
    "a rule, and what lets it in": (
        ALIASED + "  Rule:\n    Type: AWS::Events::Rule\n    Properties:\n"
        "      Targets: [{Arn: !GetAtt Orders.Arn, Id: a}]\n",
        ANEW, "set `!Ref Live` here, and in the permission or policy that lets it in",
    ),
    "an API in its own words": (
        EVENTS.replace("{StageName: prod}", "{StageName: prod, DefinitionBody: {paths: {/: {get: "
                       "{x-amazon-apigateway-integration: {uri: !Sub '${Orders.Arn}'}}}}}}"),
        SAM_BOTH, "set an alias here",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT)
def test_what_is_not_certain_is_left_and_said(run: Any, name: str) -> None:
    old, change, words = LEFT[name]
    packages()
    new = changed(old, *change)
    run(old, new)
    status, text = run(old, None, "--fix")
    assert status == 1
    assert words in text
    unchanged = [line for line in Path("new.yaml").read_text().splitlines() if "Alias" in line]
    assert unchanged == [line for line in new.splitlines() if "Alias" in line]


def test_what_a_package_lacks_is_no_fix(run: Any) -> None:
    file("build/other", program(Arch.ARM64))
    assert "[end-fails]" in run(PLAIN, PLAIN)[1]
    assert run(PLAIN, None, "--fix") == (0, "0 findings fixed, 0 left to you\n")


@pytest.mark.parametrize("claimed", ["[{a: b}, [c], arm64, x86_64]", "[mips, x86_64, arm64]"])
def test_what_is_no_architecture_hinders_nothing(run: Any, claimed: str) -> None:
    packages()
    new = LAYER.replace(" # both\n        - x86_64\n        - arm64", f" {claimed}")
    assert "[layer-compatible]" in run(new, new)[1]
    assert run(new, None, "--fix")[0] == 0
    assert "x86_64" not in Path("new.yaml").read_text()


def test_an_included_function_is_fixed_in_its_own_file(run: Any) -> None:
    packages()
    text = "Resources:\n  Fn::Transform: {Name: AWS::Include, Parameters: {Location: more.yaml}}\n"
    more = "\n".join(line[2:] for line in PLAIN.splitlines()[1:]) + "\n"
    Path("more.yaml").write_text(more)
    assert "more.yaml:6" in run(text, text)[1]
    assert run(text, None, "--fix")[0] == 0
    assert Path("more.yaml").read_text() == f"{more}    Architectures: [arm64]\n"
    assert "[end-fails]" not in run(text, None)[1]


def test_a_function_of_a_loop_is_left_to_people(run: Any) -> None:
    packages()
    text = PLAIN.replace("  Orders: # the orders", "  Fn::ForEach::L:\n  - N\n  - [A]\n  - F${N}:")
    text = text.replace("\n    ", "\n        ")
    status, said = (run(text, text), run(text, None, "--fix"))[1]
    assert (status, "set `Architectures: [arm64]` [end-fails]" in said) == (1, True), said
    assert Path("new.yaml").read_text() == text


def test_a_dry_run_writes_nothing(run: Any) -> None:
    old, change, _, written = CASES["a mapping"]
    new = changed(old, *change)
    status, text = run(old, new, "--fix", "--dry-run")
    assert status == 0
    assert Path("new.yaml").read_text() == new
    assert text.splitlines()[:2] == ["--- new.yaml", "+++ new.yaml"]
    assert f"-{' ' * 6}FunctionName: !GetAtt Orders.Arn   # all of it" in text.splitlines()
    assert f"+{' ' * 6}FunctionName: !Ref Live   # all of it" in text.splitlines()
    assert text.splitlines()[-1] == "1 finding to be fixed, 0 left to you"
    assert written


@pytest.mark.usefixtures("run")
def test_what_differs_from_a_commit_is_fixed() -> None:
    old, change, _, written = CASES["a mapping"]
    new = changed(old, *change)
    git("init", "-q")
    Path("template.yaml").write_text(old)
    git("add", ".")
    git("commit", "-q", "-m", "old")
    Path("template.yaml").write_text(new)
    assert main(["diff", "--git", "HEAD", "--fix"]) == 0
    assert Path("template.yaml").read_text() == changed(new, *written)


def test_it_is_written_as_json(run: Any) -> None:
    old, change, code, _ = CASES["a mapping"]
    document = check_convention(run(old, changed(old, *change), "--fix", "--json")[1])
    [fix] = document["fixes"]
    assert (fix["code"], fix["line"], fix["isCertain"]) == (code, 20, True)
    assert document["diff"][0]["file"] == "new.yaml"


def test_the_files_mode_and_its_link_stay(run: Any) -> None:
    old, change, _, written = CASES["a mapping"]
    new = changed(old, *change)
    Path("real.yaml").write_text(new)
    Path("real.yaml").chmod(0o640)
    Path("new.yaml").symlink_to("real.yaml")
    assert run(old, None, "--fix")[0] == 0
    assert Path("new.yaml").is_symlink()
    assert Path("real.yaml").read_text() == changed(new, *written)
    assert Path("real.yaml").stat().st_mode & 0o777 == 0o640


def test_an_accepted_finding_is_not_fixed(run: Any) -> None:
    old, change, _, _ = CASES["a mapping"]
    new = changed(old, *change, ("# all of it", "# shim: ignore[invokes-latest] it may wait"))
    assert run(old, new, "--fix") == (0, "0 findings fixed, 0 left to you\n")


def test_a_shared_anchor_is_refused_and_nothing_is_written(run: Any) -> None:
    shared = PLAIN + PLAIN.partition("\n")[2].replace("Orders", "Bills")
    new = shared.replace("Properties:", "Properties: &shared", 1)
    head, _, tail = new.rpartition("    Properties:")
    new = f"{head}    Properties: *shared\n"
    assert tail
    packages()
    status, text = run(new, new, "--fix")
    assert status == 2
    assert "new.yaml: can't be written there, an anchor or a form around it is in the way" in text
    assert Path("new.yaml").read_text() == new


@pytest.mark.parametrize("words", [["--dry-run"], ["--fix", "--sarif"]])
def test_what_does_not_go_along_is_a_sentence(run: Any, words: list[str]) -> None:
    assert run(PLAIN, PLAIN, *words)[0] == 2


def test_what_tools_have_made_is_left_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.json").write_text(json.dumps(TERRAFORM))
    before = Path("plan.json").read_text()
    main(["diff", "plan.json", "--fix"])
    capsys.readouterr()
    assert Path("plan.json").read_text() == before
    out = assembly(tmp_path)
    template = out / "App.template.json"
    data = json.loads(template.read_text())
    new = tmp_path / "new.out"
    out.rename(tmp_path / "old.out")
    out = assembly(tmp_path)
    data["Resources"]["G"]["Properties"] |= {"Handler": "y", "Code": {"S3Bucket": "b"}}
    (out / "App.template.json").write_text(json.dumps(data))
    out.rename(new)
    before = (new / "App.template.json").read_text()
    assert main(["diff", "old.out", "new.out", "--fix"]) == 1
    text = capsys.readouterr().out
    assert "left to you: Other.template.json: Other/P Target App/G: set `addAlias('live')`" in (
        text.replace("new.out/", "")
    )
    assert (new / "App.template.json").read_text() == before
