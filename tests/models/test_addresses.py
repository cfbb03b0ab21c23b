"""White space around pasted addresses is removed."""

import pytest

from shared.models.agent import CreateAgentRequest, UpdateAgentRequest
from shared.models.mcp import ListToolsRequest
from shared.models.run import RunCodeRequest
from shared.models.spec import FetchSpecRequest

URL = "https://mcp.example.com/mcp"


@pytest.mark.parametrize("pasted", [f" {URL}", f"{URL} ", f"\n{URL}\r\n", f"\t{URL}\u00a0", f"\u3000{URL}"])
def test_addresses_are_trimmed(pasted: str) -> None:
    """White space is removed from the addresses of documents, MCP servers and agents' tools in all requests."""
    assert FetchSpecRequest(url=pasted).url == URL
    assert ListToolsRequest(mcp_url=pasted).mcp_url == URL
    assert list(CreateAgentRequest(name="a", code="", tools={pasted: ["add"]}).tools) == [URL]
    assert list(UpdateAgentRequest(tools={pasted: ["add"]}).changes()["tools"]) == [URL]
    assert list(RunCodeRequest(code="", input_dict={}, tools={pasted: ["add"]}).tools) == [URL]


def test_spellings_of_the_same_server_are_merged() -> None:
    """The tools of two spellings are merged without duplicates. The list of a single spelling does not change."""
    agent = CreateAgentRequest(name="a", code="", tools={URL: ["b", "a"], f"{URL}\n": ["a", "c"], "x": ["d", "d"]})
    assert agent.tools == {URL: ["b", "a", "c"], "x": ["d", "d"]}
