"""The picture of the scan's page in docs/: a served account's, as Chromium shows it.

python -m tests.scan.picture docs/reference/scan.png [--width 1300] [--dark]
"""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from shim.cli.main import main as shim
from tests.aws.wire.server import Cloud, serving
from tests.scan.account import add_foreign, fill

HEIGHT = 900
WORDS = ["scan", "--runtime", "provided.al2023", "--arch", "x86_64", "--arch", "arm64"]
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--hide-scrollbars",
)


def make_page(folder: Path) -> Path:
    """What `shim scan` writes of the account."""
    (folder / "cloud").mkdir()
    page = folder / "scan.html"
    with serving(Cloud(folder=folder / "cloud")) as cloud:
        os.environ |= {**cloud.environment(), "SHIM_CACHE": str(folder / "cache")}
        fill(cloud.account(), folder / "zips")
        add_foreign(cloud.account(), folder / "zips")
        shim([*WORDS, "--html", str(page)])
    return page


def take(page: Path, picture: Path, *, width: int, is_dark: bool, height: int = HEIGHT) -> None:
    """The page as a browser shows it."""
    with TemporaryDirectory() as profile:
        words = [
            *("chromium", *FLAGS, f"--user-data-dir={profile}"),
            f"--blink-settings=preferredColorScheme={0 if is_dark else 1}",
            f"--window-size={width},{height}",
            f"--screenshot={picture.absolute()}",
            page.as_uri(),
        ]
        subprocess.run(words, check=True, capture_output=True, timeout=120)


def main() -> None:
    """Make the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=1300)
    parser.add_argument("--dark", action="store_true")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        page = make_page(Path(folder))
        take(page, arguments.picture, width=arguments.width, is_dark=arguments.dark)


if __name__ == "__main__":
    main()
