"""Provides the browser in which tests open pages."""

import json
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from local_platform.layout import LAYOUT


def executable() -> tuple[str, dict[str, str]]:
    """Returns a headless Chromium and its environment. It is the one in `CHROMIUM`, in the npm package, or installed.

    The package contains a compressed build for Linux on x86-64, with the libraries and the font that it needs.
    """
    if configured := os.environ.get("CHROMIUM"):
        return configured, {}
    archives = LAYOUT.root / "node_modules" / "@sparticuz" / "chromium" / "bin"
    if archives.exists() and os.uname().sysname == "Linux" and os.uname().machine == "x86_64":
        folder = unpack(archives, LAYOUT.local / "chromium")
        return str(folder / "chromium"), {
            "LD_LIBRARY_PATH": str(folder / "lib"),
            "FONTCONFIG_PATH": str(folder),
        }
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path, {}
    pytest.skip("no Chromium: run `npm ci` (Linux on x86-64), or set CHROMIUM to the path of a browser")


def unpack(archives: Path, folder: Path) -> Path:
    """Unpacks the package's browser if this version is not unpacked yet, and returns its folder.

    Also writes a font configuration. Without one, form controls would crash the browser, because the default font
    folders may not exist.
    """
    version: str = json.loads((archives.parent / "package.json").read_text())["version"]
    version_file = folder / "version"
    if version_file.exists() and version_file.read_text() == version:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("chromium", "al2023.tar", "fonts.tar", "swiftshader.tar"):
        script = "process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)"
        with (archives / f"{name}.br").open("rb") as source, (folder / name).open("wb") as target:
            subprocess.run(["node", "-e", script], stdin=source, stdout=target, check=True)
        if name.endswith(".tar"):
            subprocess.run(["tar", "xf", folder / name, "-C", folder], check=True)
    (folder / "chromium").chmod(0o755)
    (folder / "fonts.conf").write_text(
        f"<fontconfig><dir>{folder / 'fonts'}</dir><cachedir>{folder / 'fonts-cache'}</cachedir></fontconfig>"
    )
    version_file.write_text(version)
    return folder


@contextmanager
def launch() -> Generator[Browser]:
    """Starts the browser with a new empty profile, which is deleted afterwards."""
    path, environment = executable()
    flags = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync", "--no-sandbox"]
    with sync_playwright() as playwright:
        env: dict[str, str | float | bool] = {**os.environ, **environment}
        browser = playwright.chromium.launch(executable_path=path, args=flags, env=env)
        yield browser
        browser.close()
