"""What is loaded when: functions start anew all the time."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("shared.outbound", {"httpx", "httpx2", "mcp"}),
        ("shared.outbound.errors", {"httpx", "httpx2", "mcp"}),
        ("shared.outbound.mcp", {"httpx", "httpx2", "mcp"}),
        ("shared.outbound.http", {"httpx", "httpcore", "mcp"}),
    ],
)
def test_libraries_are_loaded_by_those_who_use_them(module: str, absent: set[str]) -> None:
    """The SDK of MCP takes most of a second, and comes with the first call."""
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert not absent & set(loaded)
