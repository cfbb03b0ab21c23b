"""Tests that sandbox processes are ended after a test."""

import pytest

from shared.sandbox import Program
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.sandbox.children import find_fork_servers
from tests.sandbox.conftest import LIMITS
from tests.sandbox_workers import end_workers


@pytest.mark.timeout(30)
async def test_no_sandbox_process_outlives_a_test() -> None:
    """`end_workers` ends the fork server, which would otherwise outlive the event loop that started it."""
    before = {server.pid for server in find_fork_servers()}
    program = Program("async def run(input_dict, tools):\n    return 1", {})
    assert (await WasmEngine(1).run(program, NoHostFunctions(), LIMITS)).result == 1
    assert {server.pid for server in find_fork_servers()} != before
    await end_workers()
    assert {server.pid for server in find_fork_servers()} == before
