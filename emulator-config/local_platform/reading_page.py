"""The parts of the API's page that come from npm, copied to where the function `meta` serves them from.

They are 2 MB that nobody here wrote, so they are no part of the repository.
"""

import filecmp
import shutil

from local_platform.console import Problem
from local_platform.layout import Layout

_PARTS = (
    "swagger-ui-bundle.js",
    "swagger-ui-bundle.js.LICENSE.txt",
    "swagger-ui.css",
    "favicon-32x32.png",
    "LICENSE",
    "NOTICE",
)


def ensure_reading_page(layout: Layout) -> bool:
    """Makes the copies be what `node_modules` holds. True if there was anything to do. Raises `Problem`."""
    source = layout.root / "node_modules" / "swagger-ui-dist"
    target = layout.page_parts
    missing = [name for name in _PARTS if not (source / name).is_file()]
    if missing:
        raise Problem(
            f"The npm package swagger-ui-dist has no {', '.join(missing)}",
            "Remove node_modules, then run `make setup`.",
        )
    stale = [
        name
        for name in _PARTS
        if not (target / name).is_file() or not filecmp.cmp(source / name, target / name, shallow=False)
    ]
    target.mkdir(exist_ok=True)
    for name in stale:
        shutil.copyfile(source / name, target / name)
    return bool(stale)
