"""`shim diff`: what does this deployment pass through?"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shim.cli import options
from shim.cli.day import today
from shim.errors import ExitCode, InputError

if TYPE_CHECKING:
    import argparse

    from shim.templates.comparison import Comparison
    from shim.templates.findings import Finding
    from shim.templates.read import Side

DESCRIPTION = """\
Compare two sides of a deployment, and say of each function whether one call changes it or two,
which states are between these, whether they start, and who would meet them.

OLD and NEW are templates of CloudFormation or SAM (YAML, JSON), folders `cdk.out` or `.serverless`,
or what `aws lambda get-function` prints. A plan (`terraform show -json`) or a change set
(`aws cloudformation describe-change-set --include-property-values`) has both sides in one file.

examples:
  shim diff old.yaml new.yaml
  shim diff --git origin/main template.yaml
  shim diff cdk.out.main cdk.out
  terraform show -json tfplan > plan.json; shim diff plan.json
  shim diff --git origin/main --markdown | gh pr comment --body-file -
  shim diff old.yaml new.yaml --split steps
  shim diff --git origin/main --fix --dry-run

exit status 0: nothing fails on the way; 1: something does, or that is unknown (--allow-unknown
takes that too); 2: bad usage or input."""

_NAMES = ("template.yaml", "template.yml", "template.json")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    parser.add_argument(
        "sides",
        nargs="*",
        type=options.file_path,
        metavar="OLD NEW",
        help="the two sides; one that has both; or with --git the new one"
        " (default: template.yaml, .yml, .json)",
    )
    parser.add_argument(
        "--git", type=options.text, metavar="BASE", help="take the old side from this commit"
    )
    options.add_template(parser)
    parser.add_argument(
        "--layer",
        action="append",
        default=[],
        type=options.text,
        metavar="ARN=ZIP",
        dest="layers",
        help="where the zip of a published layer lies",
    )
    options.add_allow_unknown(parser)
    parser.add_argument(
        "--baseline",
        type=options.file_path,
        metavar="FILE",
        help="leave out the findings in this file",
    )
    parser.add_argument(
        "--write-baseline",
        type=options.file_path,
        metavar="FILE",
        help="write all findings into such a file",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="with --fix: print what would be written, only"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--fix",
        action="store_true",
        help="write into NEW what mends a finding for certain, print it as a diff, and say what is"
        " left to you (exit status 1 then)",
    )
    form.add_argument(
        "--split",
        type=options.file_path,
        metavar="FOLDER",
        help="write several deployments in the place of this one, each of which changes one call of"
        " a function and passes only through states that start (exit status 1: there are none)",
    )
    form.add_argument(
        "--sarif", action="store_true", help="print SARIF 2.1.0, for code scanning, instead of text"
    )
    form.add_argument(
        "--github", action="store_true", help="print annotations of GitHub Actions instead of text"
    )
    form.add_argument(
        "--markdown", action="store_true", help="print a comment for a pull request instead of text"
    )


def run(arguments: argparse.Namespace) -> ExitCode:
    """Read both sides, compare them, print what was found."""
    # All that reads templates is imported when this command runs.
    from shim.check.findings import Severity
    from shim.package.packages import Packages
    from shim.templates.accepted import is_commented, read_baseline
    from shim.templates.between import Judge
    from shim.templates.comparison import compare

    if arguments.dry_run and not arguments.fix:
        raise InputError("--dry-run goes along with --fix")
    _refuse_two_forms(arguments)
    with ExitStack() as stack:
        sides = _sides(arguments, stack)
        packages = Packages()
        judge = Judge(packages, _layers(arguments.layers), day=today())
        comparison = compare(sides[0].template, sides[1].template, judge, packages)
        if arguments.write_baseline:
            _write_baseline(arguments.write_baseline, comparison)
        known = read_baseline(arguments.baseline) if arguments.baseline else frozenset()
        left = [
            one
            for one in comparison.findings
            if one.key not in known and not is_commented(one, comparison)
        ]
        if arguments.fix:
            from shim.cli.fixing import run_fix

            return run_fix(arguments, comparison, left, judge)
        if arguments.split:
            from shim.cli.splitting import run_split

            return run_split(arguments, sides, comparison, left)
        _print(arguments, comparison, left)
    bad = {Severity.ERROR} if arguments.allow_unknown else {Severity.ERROR, Severity.UNKNOWN}
    return ExitCode.NO if any(one.severity in bad for one in left) else ExitCode.OK


def _refuse_two_forms(arguments: argparse.Namespace) -> None:
    """`--json` has no group of arguments with the others: it goes along with --fix and --split."""
    typed = [name for name in ("json", "sarif", "github", "markdown") if getattr(arguments, name)]
    if len(typed) > 1 and not arguments.configured.intersection(typed):
        raise InputError(f"--{typed[0]} can't go along with --{typed[1]}")


def _sides(arguments: argparse.Namespace, stack: ExitStack) -> tuple[Side, Side]:
    from shim.templates.git import open_commit
    from shim.templates.project import project_of
    from shim.templates.read import Reader

    given = options.template_given(arguments)
    sides: list[Path] = arguments.sides
    if arguments.git is not None:
        if len(sides) > 1:
            raise InputError("with --git the old side comes from there: name the new one only")
        path = sides[0] if sides else _default()
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="shim-")))
        commit = open_commit(arguments.git, path, folder)
        before = Reader(project=commit, given=given)
        after = Reader(project=project_of(path), given=given)
        return before.read_side(commit.there(path)), after.read_side(path)
    if len(sides) not in {1, 2}:
        raise InputError(
            "what is compared with what? `shim diff OLD NEW`, or `shim diff --git BASE`"
        )
    readers = [Reader(project=project_of(path), given=given) for path in sides]
    if len(sides) == 1:
        return readers[0].read_sides(sides[0])
    return readers[0].read_side(sides[0]), readers[1].read_side(sides[1])


def _default() -> Path:
    found = [Path(name) for name in _NAMES if Path(name).is_file()]
    if not found:
        raise InputError(f"which template? none of {', '.join(_NAMES)} is here")
    return found[0]


def _layers(words: list[str]) -> dict[str, Path]:
    found = {}
    for word in words:
        arn, equals, path = word.partition("=")
        if not (arn.startswith("arn:") and equals and path):
            raise InputError(f"which layer's zip is it? `--layer ARN=ZIP`: `{word}`")
        found[arn] = Path(path)
    return found


def _write_baseline(path: Path, comparison: Comparison) -> None:
    from shim.document import encode
    from shim.package.output import new_file
    from shim.templates.accepted import baseline

    with new_file(path) as file:
        file.write(f"{encode(baseline(comparison.findings))}\n".encode())


def _print(arguments: argparse.Namespace, comparison: Comparison, findings: list[Finding]) -> None:
    from shim.document import encode
    from shim.templates.report import as_annotations, as_json, as_markdown, as_sarif

    accepted = len(comparison.findings) - len(findings)
    if arguments.sarif:
        print(encode(as_sarif(findings)))
    elif arguments.github:
        for line in as_annotations(findings):
            print(line)
    elif arguments.markdown:
        print(as_markdown(comparison, findings), end="")
    elif arguments.json:
        print(encode(as_json(comparison, findings, accepted=accepted)))
    else:
        from shim.cli.terminal import open_console
        from shim.cli.text.diff import print_comparison

        console = open_console(no_color=arguments.no_color)
        print_comparison(console, comparison, findings, accepted=accepted)
