"""Runs the programs of the guide to other clients, and of the README, as they are.

Only ports are replaced. The programs have no network but this machine.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_platform.ports import Ports
from local_platform.suite import Suite
from tests.doubles.model_server import Answer, ModelServer
from tests.e2e.openai_door import SCRIPT, Door
from tests.e2e.test_authentication import sign_up

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guides/other-clients.md").read_text()
README = (ROOT / "README.md").read_text()
QUESTION = "What is the capital of Germany?"
PYTHON_OUTPUT = [
    *("Berlin.", "Hello, Ada.", "Berlin."),  # openai-python
    *(
        "Berlin.\nBerlin.\nBerlin.\nHello, Ada.",
        "Berlin.\nHello, Ada.",
        "['greeter']\nHello, Ada.",
    ),  # LangChain, LlamaIndex, MCP
]
NODE_OUTPUT = ["Berlin.\nHello, Ada.", "Berlin.\nHello, Ada."]


def blocks(language: str, document: str = GUIDE) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL)


def with_ports(text: str, suite: Suite) -> str:
    """Returns the text with the suite's ports instead of the default ones."""
    for name, port in Ports().by_name().items():
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{suite.ports.by_name()[name]}")
    return text


@pytest.fixture(scope="module")
def reader(firebase_suite: Suite, _model_server: ModelServer) -> Iterator[Door]:
    """Returns a reader of the guide, who has created a key and published the agent with its commands."""
    door = Door(firebase_suite, _model_server, sign_up(firebase_suite))

    def run_command(number: int) -> Any:
        command = with_ports(blocks("sh")[number], firebase_suite)
        command = command.replace("curl -s", f'curl -s -H "Authorization: Bearer {door.token}"')
        return json.loads(subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout)

    door.keys["all"] = run_command(0)["key"]
    assert run_command(1)["endpoint"] == "/rest/greeter"
    yield door
    (agent,) = door.call("GET", "/agents")
    door.call("DELETE", f"/agents/{agent['_id']}")


@pytest.fixture
def environ(request: pytest.FixtureRequest, reader: Door, model_server: ModelServer) -> dict[str, str]:
    """Returns the variables that the guide sets, with the address of the function unless the test chooses Hosting's."""
    model_server.script(QUESTION, *[Answer("Berlin.")] * 8)
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "OPENAI_API_KEY": reader.keys["all"],
        "OPENAI_BASE_URL": reader.url(getattr(request, "param", "function")),
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
        "NO_PROXY": "127.0.0.1",
    }


def run(command: list[str], program: str, environ: dict[str, str]) -> str:
    completed = subprocess.run(
        command, input=program, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout.strip()


def programs(language: str, outputs: list[str]) -> Any:
    """Parametrizes a test with the programs and what they print, and with the first one at Hosting's address, too."""
    pairs = list(zip(blocks(language), outputs, strict=True))
    cases = [("function", *pair) for pair in pairs] + [("hosting", *pairs[0])]
    return pytest.mark.parametrize(("environ", "program", "expected"), cases, indirect=["environ"])


@programs("python", PYTHON_OUTPUT)
def test_python_programs(reader: Door, environ: dict[str, str], program: str, expected: str) -> None:
    """Each Python program prints the answers of the model and the agent."""
    assert run([sys.executable, "-"], with_ports(program, reader.suite), environ) == expected


@programs("js", NODE_OUTPUT)
def test_node_programs(environ: dict[str, str], program: str, expected: str) -> None:
    """Each JavaScript program prints the answers of the model and the agent."""
    assert run(["node", "--input-type=module", "-"], program, environ) == expected


LANGCHAIN_TOOLS = """
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel


class City(BaseModel):
    name: str


@tool
def get_weather(city: str) -> str:
    \"\"\"Returns the weather.\"\"\"
    return f"rain in {city}"


model = ChatOpenAI(model="openai/gpt-4.1-mini")
bound = model.bind_tools([get_weather])
question = HumanMessage("weather")
called = bound.invoke([question])
print(bound.invoke([question, called, get_weather.invoke(called.tool_calls[0])]).text)
print(model.with_structured_output(City).invoke("JSON of a city"))
"""
VERCEL_TOOLS = """
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, stepCountIs, tool } from "ai";
import { z } from "zod";

const { OPENAI_BASE_URL: baseURL, OPENAI_API_KEY: apiKey } = process.env;
const get_weather = tool({
  description: "Returns the weather.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `rain in ${city}`,
});
const { text } = await generateText({
  model: createOpenAICompatible({ name: "agents", baseURL, apiKey })("openai/gpt-4.1-mini"),
  tools: { get_weather },
  stopWhen: stepCountIs(2),
  prompt: "weather",
});
console.log(text);
"""


@pytest.mark.parametrize(
    ("command", "program", "expected"),
    [
        ([sys.executable, "-"], LANGCHAIN_TOOLS, "It rains.\nname='Bonn'"),
        (["node", "--input-type=module", "-"], VERCEL_TOOLS, "It rains."),
    ],
    ids=["LangChain", "Vercel AI SDK"],
)
def test_tools(
    environ: dict[str, str], model_server: ModelServer, command: list[str], program: str, expected: str
) -> None:
    """Programs with functions of their own have a model call them, and send their results; and get typed answers."""
    model_server.script("weather", SCRIPT["weather"], Answer("It rains."))
    model_server.script("JSON of a city", SCRIPT["JSON of a city"])
    assert run(command, program, environ) == expected
    results = [
        message for message in model_server.calls_for("weather")[-1].body["messages"] if message["role"] == "tool"
    ]
    assert [result["content"] for result in results] == ["rain in Bonn"]


def test_the_curl_command(environ: dict[str, str]) -> None:
    """The command prints a chat completion."""
    completion = json.loads(run(["bash"], blocks("sh")[2], environ))
    assert completion["choices"][0]["message"]["content"] == "Berlin."


def test_the_readmes_program(reader: Door, model_server: ModelServer) -> None:
    """The README's program prints an answer through Hosting, with a key in place of its own."""
    model_server.script(QUESTION, Answer("Berlin."))
    (program,) = blocks("python", README)
    assert program.count("fba_…") == 1
    program = with_ports(program, reader.suite).replace("fba_…", reader.keys["all"])
    assert run([sys.executable, "-"], program, {"PATH": os.environ["PATH"]}) == "Berlin."


def test_the_variables_are_those_of_the_programs() -> None:
    """The guide sets the variables that the tests set, to the address of `make run`."""
    variables, claude_code = blocks("bash")
    assert re.findall(r"export (\w+)=(\S+)", variables) == [
        ("OPENAI_API_KEY", "fba_…"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"),
    ]
    assert "--transport http agents http://127.0.0.1:8000/mcp --header" in claude_code


def test_the_configurations_name_the_server(reader: Door) -> None:
    """Each configuration is JSON, and has the address at which an MCP server answers, and a key for it."""
    configurations: list[dict[str, Any]] = [json.loads(block) for block in blocks("json")]
    assert len(configurations) == 3
    for configuration in configurations:
        (server,) = (configuration.get("mcpServers") or configuration["servers"]).values()
        assert "http://127.0.0.1:8000/mcp" in (server.get("url"), *server.get("args", []))
        assert "Bearer " in json.dumps(server)
    tools = reader.call("POST", "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert [tool["name"] for tool in tools["result"]["tools"]] == ["greeter"]
