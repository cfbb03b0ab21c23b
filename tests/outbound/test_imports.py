"""The modules for outbound requests load libraries only on use, because functions often have cold starts."""

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
def test_modules_load_only_the_libraries_that_they_use(module: str, absent: set[str]) -> None:
    """A module loads only the libraries that it uses. The MCP SDK, which takes most of a second, loads on first use."""
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert not absent & set(loaded)
