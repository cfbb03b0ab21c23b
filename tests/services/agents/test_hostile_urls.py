"""Agent code cannot reach any of the hostile URLs, neither by HTTP nor as an MCP server."""

import socket

import pytest

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.run import RunCodeRequest
from shared.settings import Settings
from tests.functions.test_mcp import resolve_only_table_names
from tests.outbound.conftest import Connections
from tests.outbound.conftest import connections as connections
from tests.outbound.test_hostile_urls import URLS, port_of, untouched
from tests.services.harness import Harness

CODE = """
async def run(input_dict, tools):
    reached, refused = [], []
    for url in input_dict["urls"]:
        for call in (lambda: http_client.get(url), lambda: mcpc[url].list_tools()):
            try:
                await call()
                reached.append(url)
            except Exception as error:
                refused.append(str(error))
    return [reached, refused]
"""


async def test_no_hostile_url_is_reached(
    settings: Settings, catalog: Catalog, caller: Caller, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each URL is refused with an error that reveals no secret, and no connection to its target is opened."""
    harness = Harness(settings.model_copy(update={"run_max_calls": 1000}), catalog)
    with socket.create_server(("127.0.0.1", 0)) as bait:
        bait.setblocking(False)
        urls = [url.replace("{port}", str(port_of(bait))) for url in URLS]
        resolve_only_table_names(monkeypatch)
        request = RunCodeRequest.model_validate(
            {"code": CODE, "inputDict": {"urls": urls}, "tools": {url: ["any"] for url in urls}}
        )
        response = await harness.runs.run_code(caller, request)
        assert isinstance(response.result, list)
        reached, refused = response.result
        assert reached == []
        assert isinstance(refused, list)
        assert len(refused) == 2 * len(urls)
        assert "secret" not in str(refused)
        assert connections.tried == []
        assert untouched(bait)
