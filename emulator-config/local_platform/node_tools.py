"""Installs what comes from npm, in the versions that a `package-lock.json` locks."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from local_platform.console import Problem
from local_platform.layout import Layout
from local_platform.tool import run_tool

OLDEST_NODE = 20


def ensure_node_tools(layout: Layout) -> bool:
    """Installs firebase-tools, the type checker and others. Returns whether there was anything to do."""
    check_node()
    return _install_locked(layout.root, "Installing firebase-tools (about 650 MB, a minute or two)", layout.setup_log)


def ensure_test_clients(layout: Layout) -> bool:
    """Installs the programs that only the tests start. Returns whether there was anything to do.

    Their own installation scripts are not run.
    """
    what = "Installing Claude Code and mcp-remote, which the tests connect (about 250 MB)"
    return _install_locked(layout.test_clients, what, layout.setup_log, "--ignore-scripts")


def _install_locked(folder: Path, what: str, log: Path, *options: str) -> bool:
    """Installs the packages that a folder locks into its `node_modules`."""
    if is_current(folder):
        return False
    run_tool(what, ["npm", "ci", "--no-audit", "--no-fund", *options], log=log, cwd=folder)
    return True


def check_node() -> None:
    """Raises `Problem` unless npm and a Node.js that firebase-tools supports are installed."""
    remedy = f"Install Node.js {OLDEST_NODE} or newer (https://nodejs.org), then try again."
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise Problem("The Firebase Emulator Suite needs Node.js with npm, which is not on the PATH", remedy)
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    major = re.match(r"v(\d+)\.", version)
    if major is None or int(major[1]) < OLDEST_NODE:
        raise Problem(f"Node.js {version or 'of unknown version'} is too old for the Firebase Emulator Suite", remedy)


def is_current(root: Path) -> bool:
    """Returns whether every locked package is installed in its locked version.

    npm writes its own record to `node_modules` when it has finished. The record contains neither extraneous packages
    nor optional packages for other machines.
    """
    try:
        locked = _packages(root / "package-lock.json")
        installed = _packages(root / "node_modules" / ".package-lock.json")
    except (OSError, ValueError, KeyError):
        return False
    return all(
        installed.get(path, {}).get("version") == package.get("version")
        for path, package in locked.items()
        if path and not package.get("optional") and not package.get("extraneous")
    )


def _packages(lock: Path) -> dict[str, dict[str, Any]]:
    return json.loads(lock.read_text(encoding="utf-8"))["packages"]
