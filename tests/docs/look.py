"""Looks at the site in a browser: `python -m tests.docs.look SITE [PICTURES]`, with Chromium.

Says of each page, 400 and 1,400 pixels wide, what is wider than the window and can't be scrolled
to, and exits with 1 if anything is. Into PICTURES go the pages that have pictures, at both widths,
light and dark.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.scan.picture import FLAGS, take

WIDTHS = (400, 1400)
HEIGHT = 2400

# In frames: a window of Chromium's can't be as narrow. Cut off is what ends beyond the window's
# right edge, and is in nothing that scrolls.
MEASURE = """
<!DOCTYPE html><body><pre id="found"></pre><script>
const scrolls = box => ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
function inScroller(box) {
  for (let one = box; one; one = one.parentElement) if (scrolls(one)) return true;
  return false;
}
async function measure(page, width) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width: ${width}px; height: 900px; border: 0`;
  frame.src = page;
  document.body.append(frame);
  await new Promise(loaded => frame.onload = loaded);
  const inside = frame.contentDocument;
  const wide = [...inside.querySelectorAll("main *, header *")]
    .filter(box => box.getBoundingClientRect().right > width + 1 && !inScroller(box))
    .map(box => box.outerHTML.slice(0, 100));
  if (inside.documentElement.scrollWidth > width) wide.unshift("the page itself");
  frame.remove();
  return wide.slice(0, 3).map(what => ({page, width, what}));
}
(async () => {
  const found = [];
  for (const page of PAGES)
    for (const width of WIDTHS) found.push(...await measure(page, width));
  document.querySelector("#found").textContent = JSON.stringify(found);
})();
</script></body>
"""


def cut_off(site: Path) -> list[dict[str, str]]:
    """What a reader can't see, on any page."""
    pages = [path.as_uri() for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    script = MEASURE.replace("PAGES", json.dumps(pages)).replace("WIDTHS", str(list(WIDTHS)))
    with TemporaryDirectory() as folder:
        page = Path(folder, "measure.html")
        page.write_text(script)
        words = [
            *("chromium", *FLAGS, f"--user-data-dir={folder}/profile"),
            # Pages of one site, read from files, may look into each other.
            *("--allow-file-access-from-files", "--disable-web-security"),
            *("--virtual-time-budget=600000", "--dump-dom", page.as_uri()),
        ]
        shown = subprocess.run(
            words, check=True, capture_output=True, text=True, timeout=300
        ).stdout
    (found,) = re.findall(r'<pre id="found">(.*?)</pre>', shown, re.DOTALL)
    assert found, "the browser measured nothing"
    answer: list[dict[str, str]] = json.loads(html.unescape(found))
    return answer


def has_picture(page: Path) -> bool:
    """Whether a page shows a picture of its own."""
    return re.search(r'src="[./]*_images/', page.read_text("utf-8")) is not None


def main() -> int:
    """Measure, and take pictures."""
    site = Path(sys.argv[1]).absolute()
    found = cut_off(site)
    for one in found:
        sys.stdout.write(f"{one['page']} at {one['width']}: {one['what']}\n")
    for pictures in map(Path, sys.argv[2:]):
        pictures.mkdir(exist_ok=True)
        for page in filter(has_picture, sorted(site.rglob("*.html"))):
            for width in WIDTHS:
                for is_dark in (False, True):
                    name = f"{page.stem}-{width}-{'dark' if is_dark else 'light'}.png"
                    take(page, pictures / name, width=width, is_dark=is_dark, height=HEIGHT)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
