"""Builds the Python that agents run in from the sources of this clone. See `tools/build_engine.py`."""

import subprocess

from local_platform.layout import Layout
from local_platform.tool import run_tool

_BUILD = ("-m", "tools.build_engine")


def ensure_agents_python(layout: Layout) -> bool:
    """Builds the agents' Python if it is missing or outdated, and returns whether it did. Raises `Problem`."""
    check = subprocess.run([layout.python, *_BUILD, "--check"], cwd=layout.root, check=False, capture_output=True)
    if check.returncode == 0:
        return False
    run_tool(
        "Building the Python that agents run in (about half a minute)",
        [layout.python, *_BUILD],
        log=layout.setup_log,
        cwd=layout.root,
    )
    return True
