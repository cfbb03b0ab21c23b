"""An installed Firestore emulator is found and can be started."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from local_platform import processes
from local_platform.firestore_jar import MAIN_CLASS, choose_firestore, format_manifest_line, is_answering, write_wrapper
from local_platform.jdk import OLDEST_FOR_FIRESTORE, find_jdk
from local_platform.layout import LAYOUT
from local_platform.ports import free_port


def _write_sdk(root: Path) -> Path:
    """Writes a gcloud SDK with the emulator, and returns a folder with a link to `gcloud`, as packages install it."""
    jar = root / "sdk" / "platform" / "cloud-firestore-emulator" / "cloud-firestore-emulator.jar"
    gcloud = root / "sdk" / "bin" / "gcloud"
    for file in (jar, gcloud):
        file.parent.mkdir(parents=True)
        file.write_text("#!/bin/sh\nexit 1\n")
        file.chmod(0o755)
    (root / "bin").mkdir()
    (root / "bin" / "gcloud").symlink_to(gcloud)
    return root / "bin"


def test_the_gcloud_sdk_is_found_through_its_program(tmp_path: Path) -> None:
    """The SDK's jar is found through the link to `gcloud`. It needs a wrapper, because it names no main class."""
    source = choose_firestore({"PATH": str(_write_sdk(tmp_path)), "HOME": str(tmp_path)})
    assert source.jar == (tmp_path / "sdk/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")
    assert source.needs_wrapper


def test_the_gcloud_sdk_reports_its_folder_if_it_is_elsewhere(tmp_path: Path) -> None:
    """If `gcloud` is a shim instead of a link into the SDK, the SDK's folder is taken from its output."""
    _write_sdk(tmp_path)
    shim = tmp_path / "shims" / "gcloud"
    shim.parent.mkdir()
    shim.write_text(f"#!/bin/sh\necho {tmp_path / 'sdk'}\n")
    shim.chmod(0o755)
    source = choose_firestore({"PATH": str(shim.parent), "HOME": str(tmp_path)})
    assert source.jar is not None


def test_without_gcloud_the_newest_download_is_used(tmp_path: Path) -> None:
    """Downloads are compared by version number, not alphabetically."""
    cache = tmp_path / ".cache" / "firebase" / "emulators"
    cache.mkdir(parents=True)
    for version in ("1.9.0", "1.22.0"):
        (cache / f"cloud-firestore-emulator-v{version}.jar").touch()
    source = choose_firestore({"PATH": "", "HOME": str(tmp_path)})
    assert source.jar == cache / "cloud-firestore-emulator-v1.22.0.jar"
    assert not source.needs_wrapper


def test_an_emulator_that_does_not_answer_is_not_chosen(tmp_path: Path) -> None:
    """Without another emulator, firebase-tools downloads one."""
    source = choose_firestore({"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1", "PATH": "", "HOME": str(tmp_path)})
    assert source.host is None
    assert source.jar is None


@pytest.mark.parametrize("length", [1, 71, 72, 73, 143, 144, 500])
def test_no_manifest_line_is_longer_than_72_bytes(length: int) -> None:
    """Lines that are longer than Java accepts are split, and can be joined again."""
    text = "é" + "x" * (length - 1)
    manifest = format_manifest_line(text)
    assert all(len(line) <= 72 for line in manifest.split(b"\r\n"))
    assert manifest.removesuffix(b"\r\n").replace(b"\r\n ", b"").decode() == text


def test_the_wrapper_names_the_main_class_and_the_jar(tmp_path: Path) -> None:
    """The wrapper's manifest names the main class, and the jar as a URL with escaped spaces."""
    wrapper = write_wrapper(tmp_path / "a folder" / "emulator.jar", tmp_path / "new" / "wrapper.jar")
    manifest = zipfile.ZipFile(wrapper).read("META-INF/MANIFEST.MF").replace(b"\r\n ", b"").decode()
    assert f"Main-Class: {MAIN_CLASS}\r\n" in manifest
    assert f"Class-Path: file://{tmp_path}/a%20folder/emulator.jar\r\n" in manifest


def test_java_runs_the_wrapper(tmp_path: Path) -> None:
    """`java -jar`, which firebase-tools uses, starts the emulator from the wrapper."""
    source = choose_firestore({**os.environ, "FIRESTORE_EMULATOR_HOST": ""})
    jdk = find_jdk(LAYOUT, os.environ, OLDEST_FOR_FIRESTORE)
    if source.jar is None or jdk is None:
        pytest.skip("the Firestore emulator's jar or Java is missing")
    wrapper = write_wrapper(source.jar, tmp_path / "a rather long folder name, so that lines break" / "wrapper.jar")
    host = f"127.0.0.1:{free_port()}"
    command = [jdk.java, "-jar", wrapper, "--host", "127.0.0.1", "--port", host.partition(":")[2]]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert processes.wait_for(lambda: is_answering(host), 30)
    finally:
        process.kill()
        process.wait()
