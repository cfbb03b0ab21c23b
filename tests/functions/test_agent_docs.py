"""The commands of docs/reference/agents.md, sent as they stand there: what is answered has the shape that is shown."""

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
OF_DEPLOYMENTS = re.compile(r"^/api/(deployments|rest/|agents/[^/]+/(deploy|undeploy|deployment)$)")
BLOCKS = re.compile(r"```(sh|json)\n(.*?)```", re.DOTALL)


def shape(value: Any) -> Any:
    """The names in it, and the kinds of values."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value)


@pytest.fixture
def clients(serve: Serve) -> dict[str, httpx.AsyncClient]:
    return {name: serve(module) for name, module in (("a", agents), ("d", deployments), ("c", chat))}


async def sent(clients: dict[str, httpx.AsyncClient], command: str) -> httpx.Response:
    """What curl would be answered."""
    _, _, *words = shlex.split(command.replace("\\\n", " "))
    method, body, url = "", None, ""
    while words:
        match words.pop(0):
            case "-X":
                method = words.pop(0)
            case "-d":
                body = words.pop(0)
            case "-H":
                assert words.pop(0) == "Content-Type: application/json"
            case word:
                url = word.removeprefix("http://127.0.0.1:8000")
    name = "d" if OF_DEPLOYMENTS.match(url) else "c" if url == "/api/chat" else "a"
    headers = {"Content-Type": "application/json"}
    return await clients[name].request(method or ("POST" if body else "GET"), url, content=body, headers=headers)


async def test_the_commands_are_answered_as_shown(
    clients: dict[str, httpx.AsyncClient], model_server: ModelServer
) -> None:
    """One after the other, deleting last; what stands for an id or a revision is put in."""
    schemas: list[dict[str, Any]] = [{"inputText": "string"}, {"outputText": "string"}]
    asked = write_request("Says it louder.", schemas[0], schemas[1], {})
    blocks: list[tuple[str, str]] = BLOCKS.findall(DOCUMENT.read_text())
    written = next(json.loads(block) for _, block in blocks if '"say_it_louder"' in block)
    model_server.script(asked, Answer(written["code"]))
    name = {"friendly_name": written["friendlyName"], "docstring": written["docstring"]}
    model_server.script(write_naming_request(asked), Answer(json.dumps(name)))
    deleting: list[str] = []
    agent: dict[str, Any] = {}
    for (kind, block), (next_kind, shown) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind == "json":
            continue
        commands = re.split(r"\n(?=curl)", block.strip())
        deleting += [command for command in commands if "DELETE" in command]
        answers: list[Any] = []
        for command in commands:
            if command not in deleting:
                filled = command.replace("AGENT_ID", agent.get("_id", "")).replace("REV", agent.get("_rev", ""))
                response = await sent(clients, filled)
                assert response.is_success, (command, response.text)
                answers.append(response.json())
        agent = agent or answers[0]
        if next_kind == "json":
            assert shape(answers[-1]) == shape(json.loads(shown))
    for command in deleting:
        assert (await sent(clients, command.replace("AGENT_ID", agent["_id"]))).status_code == 204
