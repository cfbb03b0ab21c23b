"""Takes the README's screenshot: the API's documentation page, as `make run` serves it at /docs, at one operation."""

import sys
from pathlib import Path

from bench.served import serve
from tests.e2e.chromium import launch

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/images/api.png"
OPERATION = "#operations-agents-agents_run_code"


def main() -> int:
    """Serves the function `meta`, opens its page in Chromium, and saves the picture."""
    with serve("meta", ROOT / "functions/meta/main.py") as meta, launch() as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 700}, device_scale_factor=1.5)
        page.goto(f"{meta.url}/docs")
        page.locator(f"{OPERATION} .opblock-summary-control").click()
        page.locator(f"{OPERATION} .opblock-body").wait_for()
        page.evaluate(f"document.querySelector('{OPERATION}').scrollIntoView()")
        PICTURE.parent.mkdir(exist_ok=True)
        page.screenshot(path=PICTURE)
    print(f"Wrote {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
