"""`shim diff` as people and pull requests call it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from shim.arch import Arch
from shim.cli.main import main
from tests.check.builders import SCRIPT, program
from tests.check.test_schemas import published
from tests.cli.test_json import check_convention
from tests.templates.test_formats import TERRAFORM

if TYPE_CHECKING:
    from collections.abc import Callable

OLD = """\
Resources:
  Orders:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: go1.x
      Handler: orders
      Code: old
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Orders, EventSourceArn: !Ref Stream}
Parameters:
  Stream: {Type: String}
"""
NEW = OLD.replace("go1.x", "provided.al2023").replace("orders", "bootstrap").replace("old", "new")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with both templates and their packages: the first article's change."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"old.yaml": OLD, "new.yaml": NEW}.items():
        Path(name).write_text(text)
    for name in ("old/orders", "new/bootstrap"):
        path = Path(name)
        path.parent.mkdir()
        path.write_bytes(program())
        path.chmod(0o755)
    return tmp_path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs `shim diff`; gives its exit status, and what it printed."""

    def run(*words: str) -> tuple[int, str]:
        status = main(["diff", *words])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


@pytest.mark.usefixtures("here")
def test_the_first_articles_story(said: Callable[..., tuple[int, str]]) -> None:
    status, text = said("old.yaml", "new.yaml")
    assert status == 1
    assert text.splitlines()[:9] == [
        "Orders: one call changes code, another runtime, handler",
        "  code first           the new code, x86_64, go1.x, handler orders",
        f"{'':23}fails: Handler names `orders`, and no such file is in the package or the layers",
        "  configuration first  the old code, x86_64, provided.al2023, handler bootstrap",
        f"{'':23}fails: old!/bootstrap is not there, nor in a layer: Lambda has nothing to start",
        "",
        (
            "error 1: new.yaml:5 Orders: one call changes code, another changes runtime and"
            " handler: what is between them does not start [two-calls-runtime]"
        ),
        "  - 5: Runtime: go1.x",
        "  + 5: Runtime: provided.al2023",
    ]
    assert "warning 2: new.yaml:10 Orders: an event source mapping invokes `$LATEST`" in text
    assert text.splitlines()[-1] == "1 function of 1 may change: 1 error, 1 warning"


@pytest.mark.usefixtures("here")
def test_what_starts_on_both_sides_is_fine(said: Callable[..., tuple[int, str]]) -> None:
    for name in ("old/bootstrap", "new/orders"):
        Path(name).write_bytes(SCRIPT)
        Path(name).chmod(0o755)
    Path("new/bootstrap").write_bytes(SCRIPT)
    assert said("old.yaml", "new.yaml")[0] == 0


@pytest.mark.usefixtures("here")
def test_what_is_not_at_hand_is_unknown(said: Callable[..., tuple[int, str]]) -> None:
    Path("old").rename("elsewhere")
    status, text = said("old.yaml", "new.yaml")
    assert status == 1
    assert "unknown, the package is not at hand: the old code would have to start like" in text
    Path("new").rename("away")
    assert said("old.yaml", "new.yaml")[0] == 1
    assert said("old.yaml", "new.yaml", "--allow-unknown")[0] == 0


@pytest.mark.usefixtures("here")
def test_as_json(said: Callable[..., tuple[int, str]]) -> None:
    status, text = said("old.yaml", "new.yaml", "--json")
    document = check_convention(text)
    assert status == 1
    [function] = document["functions"]
    assert function["changes"]["code"] == "yes"
    assert [one["answer"] for one in function["between"]] == ["doesn't start"] * 2
    first = document["findings"][0]
    assert (first["code"], first["place"]["line"], first["oldPlace"]["file"]) == (
        "two-calls-runtime", 5, "old.yaml",
    )  # fmt: skip


@pytest.mark.usefixtures("here")
def test_as_sarif(said: Callable[..., tuple[int, str]]) -> None:
    document = json.loads(said("old.yaml", "new.yaml", "--sarif")[1])
    jsonschema.validate(document, published("sarif-2.1.0"))
    region = document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region["startLine"] == 5


def test_a_name_that_is_not_utf8_is_in_sarif_as_in_json(
    here: Path, said: Callable[..., tuple[int, str]]
) -> None:
    (here / "new.yaml").rename(here / "\udcff.yaml")
    document = json.loads(said("old.yaml", "\udcff.yaml", "--sarif")[1])
    jsonschema.validate(document, published("sarif-2.1.0"))
    place = document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "%EF%BF%BD.yaml"


@pytest.mark.parametrize("form", ["sarif", "github", "markdown"])
@pytest.mark.usefixtures("here")
def test_one_form_at_a_time(form: str, said: Callable[..., tuple[int, str]]) -> None:
    status, text = said("old.yaml", "new.yaml", "--json", f"--{form}")
    assert (status, json.loads(text)["error"]) == (2, f"--json can't go along with --{form}")


@pytest.mark.usefixtures("here")
def test_as_annotations_of_github(said: Callable[..., tuple[int, str]]) -> None:
    lines = said("old.yaml", "new.yaml", "--github")[1].splitlines()
    assert lines[0].startswith(
        "::error file=new.yaml,line=5,col=7,title=two-calls-runtime%3A Orders::one call changes"
    )
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning"]


@pytest.mark.usefixtures("here")
def test_as_a_comment_of_a_pull_request(said: Callable[..., tuple[int, str]]) -> None:
    text = said("old.yaml", "new.yaml", "--markdown")[1]
    assert "| Orders | code | runtime, handler | fails |" in text
    drawing = text.split("```mermaid\n")[1].split("```")[0].splitlines()
    assert drawing[0] == "flowchart LR"
    assert '  s0["the new code, x86_64, go1.x, handler orders<br>fails"]' in drawing
    assert "  old -- code --> s0 -- configuration --> new" in drawing


@pytest.mark.usefixtures("here")
def test_names_steer_neither_markdown_nor_mermaid(said: Callable[..., tuple[int, str]]) -> None:
    name = 'a|b"]<b>\\n`x`'
    for path in (Path("old.yaml"), Path("new.yaml")):
        path.write_text(path.read_text().replace("Orders:", f"{json.dumps(name)}:"))
    text = said("old.yaml", "new.yaml", "--markdown")[1]
    assert '| a\\|b"\\]&lt;b&gt;\\\\n\\`x\\` | code |' in text
    assert 'old["a#124;b#34;#93;#60;b#62;#92;n#96;x#96; now"]' in text


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("comment", "is_accepted"),
    [
        ("# shim: ignore[two-calls-runtime] nobody calls it at night", True),
        ("# shim: ignore[two-calls, two-calls-runtime] nobody calls it", True),
        ("# shim: ignore[two-calls-runtime]", False),
        ("# shim: ignore[invokes-latest] nobody calls it at night", False),
    ],
)
@pytest.mark.parametrize("line", ["Orders:", "Runtime: provided.al2023"])
def test_a_comment_with_a_reason_accepts_a_finding(
    said: Callable[..., tuple[int, str]],
    comment: str,
    line: str,
    is_accepted: bool,  # noqa: FBT001 # a case's
) -> None:
    Path("new.yaml").write_text(NEW.replace(line, f"{line} {comment}"))
    status, text = said("old.yaml", "new.yaml")
    assert status == (0 if is_accepted else 1)
    assert ("[two-calls-runtime]" not in text) is is_accepted


@pytest.mark.usefixtures("here")
def test_a_baseline_leaves_out_what_was_there(said: Callable[..., tuple[int, str]]) -> None:
    assert said("old.yaml", "new.yaml", "--write-baseline", "known.json")[0] == 1
    check_convention(Path("known.json").read_text())
    # Lines may move.
    Path("new.yaml").write_text(f"# a comment\n\n{NEW}")
    status, text = said("old.yaml", "new.yaml", "--baseline", "known.json")
    assert status == 0
    assert text.splitlines()[-1] == "1 function of 1 may change: 2 accepted"
    Path("new.yaml").write_text(NEW.replace("provided.al2023", "provided.al2"))
    assert "runtime-ended" in said("old.yaml", "new.yaml", "--baseline", "known.json")[1]


def git(*words: str) -> None:
    names = {
        f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    environment = {**os.environ, **names, **quiet}
    subprocess.run(["git", *words], check=True, capture_output=True, env=environment)


@pytest.fixture
def checkout(here: Path) -> Path:
    """A checkout whose last commit has the old side, and whose files have the new one."""
    Path("infra").mkdir()
    template = Path("infra/template.yaml")
    template.write_text(OLD.replace("Code: old", "Code: ../old"))
    git("init", "-q")
    git("add", "infra", "old")
    git("commit", "-q", "-m", "old")
    template.write_text(NEW.replace("Code: new", "Code: ../new"))
    return here


@pytest.mark.usefixtures("checkout")
def test_the_old_side_comes_from_git(
    said: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Path(".git/index").read_bytes()
    monkeypatch.chdir("infra")
    for words in ([], ["template.yaml"]):
        status, text = said("--git", "HEAD", *words)
        assert status == 1
        assert "fails: Handler names `orders`" in text
        assert "fails: HEAD:old!/bootstrap is not there, nor in a layer" in text
        assert "  - 5: Runtime: go1.x\n  + 5: Runtime: provided.al2023\n" in text
    assert Path("../.git/index").read_bytes() == index
    document = json.loads(said("--git", "HEAD", "--json")[1])
    assert document["old"] == "HEAD:infra/template.yaml"


@pytest.mark.usefixtures("checkout")
def test_a_link_in_a_commit_leads_nowhere_else(
    said: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    (tmp_path.parent / "outside.yaml").write_text(OLD)
    Path("link.yaml").symlink_to("../outside.yaml")
    git("add", "link.yaml")
    git("commit", "-q", "-m", "a link")
    status, text = said("--git", "HEAD", "link.yaml")
    assert status == 2
    assert "no such file in the project: `HEAD:link.yaml`" in text


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--git", "nonsense", "infra/template.yaml"], "git knows no such commit: `nonsense`"),
        (["--git", "--upload-pack=x", "new.yaml"], "expected one argument"),
        (["--git=--upload-pack=x", "new.yaml"], "git knows no such commit"),
        (["--git", "HEAD", "new.yaml"], "no such file in the project: `HEAD:new.yaml`"),
        (["--git", "HEAD"], "which template?"),
        (["--git", "HEAD", "a", "b"], "with --git the old side comes from there"),
        ([], "what is compared with what?"),
        (["a", "b", "c"], "what is compared with what?"),
        (["old.yaml"], "it has one side of a change: `old.yaml`"),
        (["old.yaml", "nowhere.yaml"], "no such file in the project: `nowhere.yaml`"),
        (["old.yaml", "new.yaml", "--parameter", "x"], "not NAME=VALUE: x"),
        (["old.yaml", "new.yaml", "--layer", "x.zip"], "which layer's zip is it?"),
        (["old.yaml", "new.yaml", "--sarif", "--github"], "not allowed with argument"),
        (["old.yaml", "new.yaml", "--baseline", "new.yaml"], "new.yaml: not JSON"),
    ],
)
def test_bad_input_is_a_sentence(
    said: Callable[..., tuple[int, str]], words: list[str], sentence: str
) -> None:
    status, text = said(*words)
    assert status == 2
    assert sentence in text.splitlines()[0]


@pytest.mark.usefixtures("here")
def test_a_plan_has_both_sides(said: Callable[..., tuple[int, str]]) -> None:
    Path("plan.json").write_text(json.dumps(TERRAFORM))
    status, text = said("plan.json")
    assert status == 0
    assert "one call changes code, architecture" in text


@pytest.mark.usefixtures("here")
def test_a_published_layers_zip_can_be_said(said: Callable[..., tuple[int, str]]) -> None:
    arn = "arn:aws:lambda:eu-west-1:1:layer:audit:1"
    for name in ("old.yaml", "new.yaml"):
        text = OLD.replace("go1.x", "provided.al2023").replace("Code: old", "Code: new")
        layers = f"Layers: [{arn}]" if name == "new.yaml" else "Layers: []"
        arch = "x86_64" if name == "old.yaml" else "arm64"
        path = Path(name)
        path.write_text(
            text.replace("Code:", f"{layers}\n      Architectures: [{arch}]\n      Code:")
        )
    audit = Path("layer/extensions/audit")
    audit.parent.mkdir(parents=True)
    audit.write_bytes(program(Arch.X86_64))
    audit.chmod(0o755)
    Path("new/bootstrap").write_bytes(SCRIPT)
    unknown = said("old.yaml", "new.yaml")[1]
    assert "layers-absent" in unknown or "unknown" in unknown
    status, text = said("old.yaml", "new.yaml", "--layer", f"{arn}=layer")
    assert status == 1
    assert "extensions/audit is built for x86_64, the function runs on arm64" in text
