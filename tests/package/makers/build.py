"""Makes packages as a project's own build does: build.py TOOL MAKER FOLDER OUTPUT TOOLS.

A project is written around a copy of FOLDER, the tool is run in it, and OUTPUT is what it left
there, a zip or a folder. Nothing is asked of AWS: where a tool uploads, it does so to this process.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path

SECONDS = 250
GO = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("started") }\n'


class Project:
    """A folder in which one tool is run; what is to be packed lies in `source`."""

    def __init__(self, root: Path, folder: Path, tools: Path) -> None:
        self.root, self.tools, self.source = root, tools, root / "source"
        shutil.copytree(folder, self.source, symlinks=True)

    def write(self, name: str, text: str) -> None:
        """Write one file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(
        self, *words: str | Path, at: str = ".", variables: dict[str, str] | None = None
    ) -> None:
        """Run the tool to its end, with npm's and PyPI's own before the machine's."""
        path = f"{self.tools}/pip/bin:{self.tools}/npm/node_modules/.bin:{os.environ['PATH']}"
        subprocess.run(
            words,
            cwd=self.root / at,
            env={**os.environ, "PATH": path, **(variables or {})},
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=SECONDS,
        )

    def made(self, pattern: str) -> Path:
        """The one file or folder of this shape."""
        (path,) = self.root.glob(pattern)
        return path


def serverless(project: Project, maker: str) -> Path:
    """`sls package`, version 3, which wants no login."""
    config = {
        "service": "orders",
        "provider": {"name": "aws", "runtime": "provided.al2023"},
        "package": {"individually": maker == "individually", "patterns": ["**"]},
        "functions": {"orders": {"handler": "orders"}},
    }
    (project.source / "serverless.yml").write_text(json.dumps(config))
    quiet = {"SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off"}
    quiet |= {"HOME": str(project.root)}
    project.run("serverless", "package", at="source", variables=quiet)
    return project.made("source/.serverless/*.zip")


def sam(project: Project, maker: str) -> Path:
    """`sam build` by a makefile or of a Go program, and what `sam package` uploads of it."""
    function = {"CodeUri": "source", "Handler": "orders", "Runtime": "provided.al2023"}
    kind, method = "AWS::Serverless::Function", "go1.x" if maker.endswith("go") else "makefile"
    resource = {"Type": kind, "Metadata": {"BuildMethod": method}, "Properties": function}
    document = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Orders": resource}}
    project.write("template.yaml", json.dumps(document))
    if method == "go1.x":
        shutil.rmtree(project.source)
        project.write("source/go.mod", "module orders\n")
        project.write("source/main.go", GO)
    else:
        project.write("source/Makefile", "build-Orders:\n\tcp -r . $(ARTIFACTS_DIR)\n")
    quiet = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-west-1"}
    project.run("sam", "build", variables=quiet)
    if maker.startswith("build"):
        return project.made(".aws-sam/build/Orders")
    with Bucket(project.root / "uploaded.zip") as address:
        keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "none")
        words = ("package", "--s3-bucket", "bucket", "--output-template-file", "packaged.yaml")
        project.run("sam", *words, variables=quiet | keys | {"AWS_ENDPOINT_URL": address})
    return project.made("uploaded.zip")


def cdk(project: Project, maker: str) -> Path:
    """`cdk synth` of `Code.fromAsset`, and the zip that cdk-assets makes of the asset."""
    modules = project.tools / "npm" / "node_modules"
    project.root.joinpath("node_modules").symlink_to(modules)
    project.write("app.js", CDK_APP)
    words = ("synth", "--quiet", "--no-notices", "--no-version-reporting", "--app", "node app.js")
    quiet = {"HOME": str(project.root), "CDK_DISABLE_CLI_TELEMETRY": "true"}
    project.run("cdk", *words, variables=quiet)
    asset = project.made("cdk.out/asset.*")
    if maker == "asset":
        return asset
    archive = modules / "@aws-cdk" / "cdk-assets-lib" / "lib" / "private" / "archive.js"
    project.run("node", "-e", CDK_ZIP, archive, asset, project.root / "asset.zip")
    return project.made("asset.zip")


CDK_APP = """\
const { App, Stack, aws_lambda } = require("aws-cdk-lib");
new aws_lambda.Function(new Stack(new App(), "Orders"), "Orders", {
  runtime: aws_lambda.Runtime.PROVIDED_AL2023,
  handler: "orders",
  code: aws_lambda.Code.fromAsset("source"),
});
"""
CDK_ZIP = """\
const [archive, folder, output] = process.argv.slice(1);
require(archive).zipDirectory(folder, output, () => {});
"""


def cargo_lambda(project: Project, maker: str) -> Path:
    """`cargo lambda build` of a program that needs no other crate."""
    project.write("Cargo.toml", '[package]\nname = "orders"\nversion = "0.1.0"\nedition = "2021"\n')
    project.write("src/main.rs", 'fn main() {\n    println!("started");\n}\n')
    words = ["lambda", "build", "--release", "--output-format"]
    words += ["binary"] if maker == "binary" else ["zip"]
    if maker == "arm64":
        # The machine's own cargo, whose library for arm64 is a Debian package; zig links.
        own = {"PATH": f"{project.tools}/pip/bin:/usr/bin:/bin"}
        project.run("cargo-lambda", *words, "--arm64", variables=own)
    else:
        project.run("cargo-lambda", *words)
    return project.made(f"target/lambda/orders{'' if maker == 'binary' else '/bootstrap.zip'}")


def ant(project: Project, maker: str) -> Path:
    """Ant's zip task, whose files are 0644 unless it is told otherwise."""
    files = 'filemode="755"' if maker == "filemode" else ""
    files = f'<zipfileset dir="source" {files}/>'
    task = f'<zip destfile="out.zip" encoding="UTF-8">{files}</zip>'
    project.write(
        "build.xml", f'<project default="all"><target name="all">{task}</target></project>'
    )
    project.run("ant", "-q")
    return project.made("out.zip")


def maven(project: Project, maker: str) -> Path:
    """Maven's assembly plugin, of Debian's repository."""
    project.write("pom.xml", MAVEN_POM)
    project.write("assembly.xml", MAVEN_ASSEMBLY.format(format=maker))
    repository = "-Dmaven.repo.local=/usr/share/maven-repo"
    project.run("mvn", "-o", "-q", repository, "assembly:single")
    return project.made(f"target/*.{maker}")


MAVEN_POM = """\
<project><modelVersion>4.0.0</modelVersion>
<groupId>orders</groupId><artifactId>orders</artifactId><version>1</version>
<packaging>pom</packaging>
<build><plugins><plugin><artifactId>maven-assembly-plugin</artifactId>
<configuration><descriptors><descriptor>assembly.xml</descriptor></descriptors></configuration>
</plugin></plugins></build></project>
"""
MAVEN_ASSEMBLY = """\
<assembly><id>all</id><formats><format>{format}</format></formats>
<includeBaseDirectory>false</includeBaseDirectory><fileSets>
<fileSet><directory>source</directory><outputDirectory>/</outputDirectory></fileSet>
</fileSets></assembly>
"""


def gradle(project: Project, maker: str) -> Path:
    """Gradle's Zip task."""
    more = "preserveFileTimestamps = false; reproducibleFileOrder = true"
    more = more if maker == "reproducible" else ""
    project.write(
        "build.gradle",
        f'task pack(type: Zip) {{ from "source"; archiveName "out.zip"\n'
        f'destinationDir file("."); {more} }}\n',
    )
    project.run("gradle", "--offline", "--no-daemon", "-q", "-g", project.root / "home", "pack")
    return project.made("out.zip")


def dotnet(project: Project, maker: str) -> Path:
    """.NET Core's classes, by the runtime that `dotnetcore2` brings."""
    command = Path(str(import_module("dotnetcore2").__file__)).parent / "bin" / "dotnet"
    command.chmod(0o755)
    framework = {"name": "Microsoft.NETCore.App", "version": "3.1.0"}
    settings = {"System.Globalization.Invariant": True}
    options = {"framework": framework, "configProperties": settings}
    project.write("runtimeconfig.json", json.dumps({"runtimeOptions": options}))
    config = ("--runtimeconfig", project.root / "runtimeconfig.json")
    program = project.tools / "Make.exe"
    project.run(command, "exec", *config, program, maker, project.source, project.root / "out.zip")
    return project.made("out.zip")


def zipapp(project: Project, maker: str) -> Path:
    """Python's archives that are programs: with a `#!` line before the zip."""
    output, source = project.root / "out.zip", project.source
    project.write("source/main.py", 'def start():\n    print("started")\n')
    main, python = ("main:start", "/usr/bin/python3")
    commands = {
        "zipapp": ("python3", "-m", "zipapp", source, "-p", python, "-m", main),
        "shiv": ("shiv", "--site-packages", source, "-p", python, "-e", main),
        "pex": ("pex", "-D", source, "-e", main, "--python-shebang", python),
    }
    project.run(*commands[maker], "-o", output)
    return output


def wheel(project: Project, maker: str) -> Path:  # noqa: ARG001 - there is one way
    """A wheel that hatchling builds."""
    names = [path.name for path in project.source.iterdir()]
    project.write(
        "source/pyproject.toml",
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "orders"\nversion = "1"\n'
        f"[tool.hatch.build.targets.wheel]\nonly-include = {json.dumps(names)}\n",
    )
    project.run("pyproject-build", "--wheel", "--no-isolation", "source")
    return project.made("source/dist/*.whl")


class Bucket:
    """What answers as S3 does to an upload, and keeps it as a file; entered, its address."""

    def __init__(self, path: Path) -> None:
        class Answers(BaseHTTPRequestHandler):
            """One request: nothing is there before it is sent."""

            def do_HEAD(self) -> None:
                self.send_response(404)
                self.end_headers()

            def do_PUT(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                path.write_bytes(data)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()


if __name__ == "__main__":
    tool, maker, given, output, tools = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="shim-build-") as name:
        made = globals()[tool](Project(Path(name), Path(given), Path(tools)), maker)
        shutil.move(made, output)
