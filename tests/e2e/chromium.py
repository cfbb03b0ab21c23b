"""The browser in which tests open pages."""

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
    """Returns a headless Chromium and its environment: `CHROMIUM`, or the npm package's, or an installed one.

    The package contains a compressed build for Linux on x86-64 with the libraries and a font that it needs.
    """
    if configured := os.environ.get("CHROMIUM"):
        return configured, {}
    packed = LAYOUT.root / "node_modules" / "@sparticuz" / "chromium" / "bin"
    if packed.exists() and os.uname().sysname == "Linux" and os.uname().machine == "x86_64":
        folder = unpack(packed, LAYOUT.local / "chromium")
        return str(folder / "chromium"), {
            "LD_LIBRARY_PATH": str(folder / "lib"),
            "FONTCONFIG_PATH": str(folder),
        }
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found, {}
    pytest.skip("no Chromium: run `npm ci` (Linux on x86-64), or name a browser in CHROMIUM")


def unpack(packed: Path, folder: Path) -> Path:
    """Unpacks the package's browser, once for each version, and returns its folder.

    The browser needs a font configuration of its own: without one, form controls would crash it, because the default
    font folders do not exist here.
    """
    version: str = json.loads((packed.parent / "package.json").read_text())["version"]
    mark = folder / "version"
    if mark.exists() and mark.read_text() == version:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("chromium", "al2023.tar", "fonts.tar", "swiftshader.tar"):
        script = "process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)"
        with (packed / f"{name}.br").open("rb") as source, (folder / name).open("wb") as target:
            subprocess.run(["node", "-e", script], stdin=source, stdout=target, check=True)
        if name.endswith(".tar"):
            subprocess.run(["tar", "xf", folder / name, "-C", folder], check=True)
    (folder / "chromium").chmod(0o755)
    (folder / "fonts.conf").write_text(
        f"<fontconfig><dir>{folder / 'fonts'}</dir><cachedir>{folder / 'fonts-cache'}</cachedir></fontconfig>"
    )
    mark.write_text(version)
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
