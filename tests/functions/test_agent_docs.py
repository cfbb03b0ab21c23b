"""Sends the commands in docs/reference/agents.md unchanged, and compares the responses with the documented shapes."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest

import functions.agents.main as agents
import functions.chat.main as chat
import functions.deployments.main as deployments
from shared.services.generation.code_prompt import write_naming_request, write_request
from tests.doubles.model_server import Answer, ModelServer
from tests.functions.conftest import Serve

DOCUMENT = Path(__file__).parents[2] / "docs/reference/agents.md"
DEPLOYMENT_PATHS = re.compile(r"^/api/(deployments|rest/|agents/[^/]+/(deploy|undeploy|deployment)$)")
BLOCKS = re.compile(r"```(sh|json)\n(.*?)```", re.DOTALL)


def shape(value: Any) -> Any:
    """Returns a JSON value with each of its leaves replaced by its type."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value)


@pytest.fixture
def clients(serve: Serve) -> dict[str, httpx.AsyncClient]:
    return {name: serve(module) for name, module in (("a", agents), ("d", deployments), ("c", chat))}


async def send(clients: dict[str, httpx.AsyncClient], command: str) -> httpx.Response:
    """Executes a curl command, and returns the response."""
    _, _, *arguments = shlex.split(command.replace("\\\n", " "))
    method, body, url = "", None, ""
    while arguments:
        match arguments.pop(0):
            case "-X":
                method = arguments.pop(0)
            case "-d":
                body = arguments.pop(0)
            case "-H":
                assert arguments.pop(0) == "Content-Type: application/json"
            case argument:
                url = argument.removeprefix("http://127.0.0.1:8000")
    name = "d" if DEPLOYMENT_PATHS.match(url) else "c" if url == "/api/chat" else "a"
    headers = {"Content-Type": "application/json"}
    return await clients[name].request(method or ("POST" if body else "GET"), url, content=body, headers=headers)


async def test_the_responses_have_the_documented_shapes(
    clients: dict[str, httpx.AsyncClient], model_server: ModelServer
) -> None:
    """The commands succeed in order, with real ids and revisions in place of the placeholders. Deletions are sent
    last."""
    schemas: list[dict[str, Any]] = [{"inputText": "string"}, {"outputText": "string"}]
    prompt = write_request("Says it louder.", schemas[0], schemas[1], {})
    blocks: list[tuple[str, str]] = BLOCKS.findall(DOCUMENT.read_text())
    written = next(json.loads(block) for _, block in blocks if '"say_it_louder"' in block)
    model_server.script(prompt, Answer(written["code"]))
    name = {"friendly_name": written["friendlyName"], "docstring": written["docstring"]}
    model_server.script(write_naming_request(prompt), Answer(json.dumps(name)))
    deletions: list[str] = []
    agent: dict[str, Any] = {}
    for (kind, block), (next_kind, expected) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind == "json":
            continue
        commands = re.split(r"\n(?=curl)", block.strip())
        deletions += [command for command in commands if "DELETE" in command]
        bodies: list[Any] = []
        for command in commands:
            if command not in deletions:
                filled = command.replace("AGENT_ID", agent.get("_id", "")).replace("REV", agent.get("_rev", ""))
                response = await send(clients, filled)
                assert response.is_success, (command, response.text)
                bodies.append(response.json())
        agent = agent or bodies[0]
        if next_kind == "json":
            assert shape(bodies[-1]) == shape(json.loads(expected))
    for command in deletions:
        assert (await send(clients, command.replace("AGENT_ID", agent["_id"]))).status_code == 204
