"""Installers write to a log, and their failures are explained."""

import sys
from pathlib import Path

import pytest

from local_platform.console import Problem
from local_platform.tool import explain_failure, run_tool


@pytest.mark.parametrize(
    "output",
    [
        "npm error code ENOTFOUND\nnpm error network request failed",
        "error: Failed to fetch: `x`\n  Caused by: dns error: failed to lookup address information",
        "ERROR: Could not install: Temporary failure in name resolution",
    ],
)
def test_a_missing_network_is_reported(output: str) -> None:
    """The message names the network as the cause, no matter which installer failed."""
    problem = explain_failure("Installing uv", output, Path("setup.log"))
    assert problem.what == "Installing uv failed, because the package registry cannot be reached"
    assert "network connection" in problem.remedy


def test_any_other_failure_shows_the_end_of_the_log(tmp_path: Path) -> None:
    """The message shows only the output of the installer that failed."""
    log = tmp_path / "setup.log"
    log.write_text("an older line\n")
    with pytest.raises(Problem) as caught:
        run_tool("Trying", [sys.executable, "-c", "print('no space left'); exit(3)"], log=log, cwd=tmp_path)
    assert caught.value.what == "Trying failed"
    assert caught.value.remedy.endswith("no space left")
    assert "older" not in caught.value.remedy


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    """If a program cannot be started, the message names it."""
    with pytest.raises(Problem, match="no-such-program cannot be started"):
        run_tool("Trying", ["no-such-program"], log=tmp_path / "log", cwd=tmp_path)
