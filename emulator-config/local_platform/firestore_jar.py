"""Chooses the Firestore emulator: a running one, the gcloud SDK's, or the one that firebase-tools downloads."""

import http.client
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_JAR_IN_SDK = Path("platform") / "cloud-firestore-emulator" / "cloud-firestore-emulator.jar"
_MANIFEST_LINE_BYTES = 72


@dataclass(frozen=True)
class FirestoreSource:
    """A Firestore emulator, running at `host` or installed as `jar`. If neither is set, firebase-tools downloads it."""

    description: str
    host: str | None = None
    jar: Path | None = None
    needs_wrapper: bool = False
    """The gcloud SDK's jar names no main class, so `java -jar`, which firebase-tools uses, cannot start it."""


def choose_firestore(environ: Mapping[str, str]) -> FirestoreSource:
    """Returns the emulator at FIRESTORE_EMULATOR_HOST if it answers, otherwise the gcloud SDK's or the download."""
    host = environ.get("FIRESTORE_EMULATOR_HOST")
    if host and is_answering(host):
        return FirestoreSource(f"the running Firestore emulator at {host}", host=host)
    for sdk in _sdk_roots(environ):
        if (sdk / _JAR_IN_SDK).is_file():
            return FirestoreSource("the gcloud SDK's Firestore emulator", jar=sdk / _JAR_IN_SDK, needs_wrapper=True)
    if downloaded := _newest_download(environ):
        return FirestoreSource("the Firestore emulator that firebase-tools downloaded", jar=downloaded)
    return FirestoreSource("firebase-tools' own Firestore emulator")


def is_answering(host: str) -> bool:
    """Returns whether a Firestore emulator answers at `host` (`name:port`)."""
    try:
        connection = http.client.HTTPConnection(host, timeout=2)
    except http.client.InvalidURL:
        return False
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def write_wrapper(jar: Path, wrapper: Path) -> Path:
    """Writes a jar at `wrapper` that only runs `MAIN_CLASS` from `jar`."""
    lines = ["Manifest-Version: 1.0", f"Main-Class: {MAIN_CLASS}", f"Class-Path: {jar.resolve().as_uri()}"]
    manifest = b"".join(format_manifest_line(line) for line in lines)
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wrapper, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", manifest + b"\r\n")
    return wrapper


def format_manifest_line(line: str) -> bytes:
    """Returns `line` in a manifest's format: lines have at most 72 bytes, and continuation lines begin with a space."""
    remaining = line.encode()
    width = _MANIFEST_LINE_BYTES
    pieces: list[bytes] = []
    while remaining:
        pieces.append(remaining[:width])
        remaining = remaining[width:]
        width = _MANIFEST_LINE_BYTES - 1
    return b"\r\n ".join(pieces) + b"\r\n"


def _sdk_roots(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yields the folders of gcloud SDKs. The one that `gcloud` reports comes last, because reporting takes a second."""
    if root := environ.get("CLOUDSDK_ROOT_DIR"):
        yield Path(root)
    gcloud = shutil.which("gcloud", path=environ.get("PATH", ""))
    if gcloud is None:
        return
    yield Path(gcloud).resolve().parent.parent
    try:
        info = subprocess.run(
            [gcloud, "info", "--format=value(installation.sdk_root)"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=dict(environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    if info.returncode == 0 and info.stdout.strip():
        yield Path(info.stdout.strip())


def _newest_download(environ: Mapping[str, str]) -> Path | None:
    """Returns the newest jar in firebase-tools' cache."""
    default = Path(environ.get("HOME", os.path.expanduser("~"))) / ".cache" / "firebase" / "emulators"
    cache = Path(environ.get("FIREBASE_EMULATORS_PATH", default))
    return max(cache.glob("cloud-firestore-emulator-v*.jar"), key=_version, default=None)


def _version(jar: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", jar.stem))
