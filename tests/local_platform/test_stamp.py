"""A folder is not installed again until its sources change."""

from pathlib import Path

from local_platform.stamp import fingerprint, is_installed, mark_installed, unmark


def test_a_mark_is_valid_until_its_sources_change(tmp_path: Path) -> None:
    """A changed lock file, or another detail such as the path, makes a new installation necessary."""
    lock, folder = tmp_path / "lock.txt", tmp_path / "venv"
    folder.mkdir()
    lock.write_text("a==1\n")
    assert not is_installed(folder, fingerprint([lock], "here"))
    mark_installed(folder, fingerprint([lock], "here"))
    assert is_installed(folder, fingerprint([lock], "here"))
    assert not is_installed(folder, fingerprint([lock], "elsewhere"))
    lock.write_text("a==2\n")
    assert not is_installed(folder, fingerprint([lock], "here"))


def test_an_interrupted_installation_does_not_count(tmp_path: Path) -> None:
    """A folder without its mark, which is set last, does not count as installed."""
    mark_installed(tmp_path, fingerprint([], "x"))
    unmark(tmp_path)
    assert not is_installed(tmp_path, fingerprint([], "x"))


def test_a_fingerprint_depends_on_the_boundaries_of_its_parts() -> None:
    """The fingerprint of the parts "ab" and "c" differs from that of "a" and "bc"."""
    assert fingerprint([], "ab", "c") != fingerprint([], "a", "bc")
