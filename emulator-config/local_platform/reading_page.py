"""Copies the API page's files from `node_modules` to the folder from which the function `meta` serves them.

The files are 2 MB of third-party code, so they are not part of the repository.
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


def ensure_api_page(layout: Layout) -> bool:
    """Updates the copies from `node_modules`. Returns whether there was anything to do. Raises `Problem` on failure."""
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
