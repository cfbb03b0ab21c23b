"""The sandbox's processes end with a test."""

import pytest

from shared.sandbox import Program
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.ending import end_workers
from tests.sandbox.children import fork_servers
from tests.sandbox.conftest import LIMITS


@pytest.mark.timeout(30)
async def test_no_process_of_a_test_is_left() -> None:
    """A fork server outlives the event loop that started it, unless it is ended."""
    before = {server.pid for server in fork_servers()}
    program = Program("async def run(input_dict, tools):\n    return 1", {})
    assert (await WasmEngine(1).run(program, NoHostFunctions(), LIMITS)).result == 1
    assert {server.pid for server in fork_servers()} != before
    await end_workers()
    assert {server.pid for server in fork_servers()} == before
