"""What AWS CDK and Serverless make of functions, beside the template by hand."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.examples.tools import install
from tests.templates.builders import reader
from tests.templates.facts import differences
from tests.templates.tools.functions import as_serverless, by_hand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.templates.tools.functions import Wanted

APP = Path(__file__).with_name("app.py")
COMMANDS = {
    "cdk": ("cdk", "synth", "--quiet", "--app", "python3 app.py", "--output", "cdk.out"),
    "serverless": ("serverless", "package"),
}
BUILT = {"cdk": "cdk.out", "serverless": ".serverless"}


def compare(tool: str, functions: Sequence[Wanted], folder: Path, cache: Path) -> list[str]:
    """Where the model read of what the tool leaves is another than that of the template by hand."""
    (folder / "shop.zip").write_bytes(b"any")
    shutil.copy(APP, folder)
    documents = {
        "functions.json": [asdict(one) for one in functions],
        "serverless.yml": as_serverless(functions),
        "by-hand.json": by_hand(functions, has_aliases=tool == "cdk"),
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document))
    environment = install(tool, cache).environment()
    done = subprocess.run(
        COMMANDS[tool], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    read = reader(folder).read_one
    return list(differences(read(folder / BUILT[tool]), read(folder / "by-hand.json")))
