"""Connects assistants to the MCP server as the guide to other clients says. Their models are scripted."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from local_platform.layout import LAYOUT
from tests.doubles.model_server import ModelServer, Wire
from tests.doubles.provider_streams import messages_stream
from tests.e2e.openai_door import Door
from tests.e2e.test_other_clients import blocks, with_ports
from tests.e2e.test_other_clients import reader as reader
from tests.functions.mcp_clients import text_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
PACKAGES = LAYOUT.test_clients / "node_modules"
TOOL = "mcp__agents__greeter"


@pytest.fixture
def environ(reader: Door, tmp_path: Path, model_server: ModelServer) -> dict[str, str]:
    """Returns the variables of a program: a home of its own, the key, and no network but this machine."""
    return {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "OPENAI_API_KEY": reader.keys["all"],
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
        "NO_PROXY": "127.0.0.1",
    }


def _say(stop_reason: str, *content: dict[str, Any]) -> Wire:
    """Returns a streamed answer of Anthropic's."""
    document = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }
    return Wire(b"".join(messages_stream(document, lambda text: [text])), content_type="text/event-stream")


def test_claude_code(reader: Door, environ: dict[str, str], tmp_path: Path, model_server: ModelServer) -> None:
    """The guide's command connects it. Its model then sees the agents as tools, and gets what a call returns."""
    (program,) = PACKAGES.glob("@anthropic-ai/claude-code-*/claude")
    (tmp_path / "claude").symlink_to(program)
    environ |= {
        "ANTHROPIC_API_KEY": "unused",
        "ANTHROPIC_BASE_URL": model_server.address,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }

    def run(command: str) -> str:
        completed = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert completed.returncode == 0, completed.stdout + completed.stderr
        return completed.stdout

    run(with_ports(blocks("bash")[1], reader.suite))
    assert re.search(r"^agents: .* Connected$", run("claude mcp list"), re.MULTILINE)
    called = {"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": {"inputText": "Ada"}}
    model_server.script("/v1/messages", _say("tool_use", called), _say("end_turn", {"type": "text", "text": "Done."}))
    assert run(f"claude -p 'Greet Ada.' --allowedTools {TOOL}").strip() == "Done."
    first, second = (call.body for call in model_server.calls)
    (tool,) = (tool for tool in first["tools"] if tool["name"] == TOOL)
    assert tool["description"] == "Greets."
    (result,) = second["messages"][-1]["content"]
    assert (result["tool_use_id"], "Hello, Ada." in json.dumps(result["content"])) == ("toolu_1", True)


async def test_programs_that_start_mcp_remote(reader: Door, environ: dict[str, str]) -> None:
    """Claude Desktop starts a program, and speaks with it through its standard streams. The program is the guide's."""
    (configuration,) = (block for block in blocks("json") if "mcp-remote" in block)
    server = json.loads(with_ports(configuration, reader.suite))["mcpServers"]["agents"]
    key = {name: value.replace("fba_…", reader.keys["all"]) for name, value in server["env"].items()}
    parameters = StdioServerParameters(
        command=server["command"], args=server["args"], env={**environ, **key}, cwd=PACKAGES.parent
    )
    async with Client(stdio_client(parameters)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["greeter"]
        assert text_of(await client.call_tool("greeter", {"inputText": "Ada"})) == "Hello, Ada."
