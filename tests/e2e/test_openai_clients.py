"""Uses of OpenAI's own clients, unmodified, against the running suite over real HTTP.

`openai_python_uses.py` and `openai_uses.mjs` have a table of them for each client. What the clients receive is
validated strictly against the types of the Python library.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from local_platform.suite import Suite
from tests.doubles.model_server import ModelServer
from tests.e2e.openai_door import (
    MODEL,
    SCRIPT,
    TIMES,
    Door,
    check,
    open_door,
    say,
    serve_alone,
)
from tests.e2e.openai_python_uses import USES
from tests.images import PNG, data_url

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
NODE_USES = Path(__file__).with_name("openai_uses.mjs")


@pytest.fixture(scope="module")
def opened(firebase_suite: Suite, _model_server: ModelServer) -> Door:
    return open_door(firebase_suite, _model_server)


@pytest.fixture
def door(opened: Door, model_server: ModelServer) -> Iterator[Door]:
    for prompt, step in SCRIPT.items():
        model_server.script(prompt, *[step] * TIMES)
    yield opened
    opened.close()


@pytest.mark.parametrize(("use", "expected"), [pytest.param(use, expected, id=name) for name, use, expected in USES])
def test_a_use_of_the_python_client(door: Door, use: Callable[[Door], Any], expected: Any) -> None:
    """The client gets what the table says, in the shapes of the library's types."""
    assert use(door) == expected


async def test_the_asynchronous_python_client(door: Door) -> None:
    """It gets the same, and needs no more than the two variables of its environment."""
    environ = pytest.MonkeyPatch()
    environ.setenv("OPENAI_BASE_URL", door.url())
    environ.setenv("OPENAI_API_KEY", door.keys["all"])
    try:
        async with openai.AsyncOpenAI(http_client=httpx.AsyncClient(trust_env=False)) as client:
            completion = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])
            assert check(completion).choices[0].message.content == "Hello."
            async with client.responses.stream(model=MODEL, input="count") as stream:
                assert (await stream.get_final_response()).output_text == "0 1 2 3 4 "
    finally:
        environ.undo()


def test_a_client_that_has_gone_is_charged_what_it_used(door: Door) -> None:
    """The ticket of a client that gives up or leaves a stream is cancelled, and charged as far as the model got."""
    with serve_alone(door) as url:
        with pytest.raises(openai.APITimeoutError):
            say(door, "endless", door.client(through=url, timeout=2, max_retries=0))
        assert door.newest_ticket()["status"] == "cancelled"
        messages: Any = [{"role": "user", "content": "endless"}]
        chunks = door.client(through=url).chat.completions.create(model=MODEL, messages=messages, stream=True)
        assert next(chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content) == "Hel"
        chunks.close()
        left = door.newest_ticket()
    assert (left["status"], left["result"]["content"]) == ("cancelled", "Hel")
    assert left["result"]["cost"] > 0


NODE_NAMES = re.findall(r'^  \["(.*?)"', NODE_USES.read_text(), re.MULTILINE)
SHAPES: dict[str, Any] = {
    "ChatCompletion": ChatCompletion,
    "ChatCompletionChunk": ChatCompletionChunk,
    "Response": Response,
    "ResponseStreamEvent": ResponseStreamEvent,
    "Model": Model,
}


@pytest.fixture(scope="module")
def node_reports(opened: Door, _model_server: ModelServer) -> dict[str, Any]:
    """Runs the Node client's uses, and returns what they have reported, by name."""
    _model_server.reset()
    for prompt, step in SCRIPT.items():
        _model_server.script(prompt, *[step] * 5 * TIMES)
    environ = {
        "PATH": os.environ["PATH"],
        "OPENAI_BASE_URL": opened.url(),
        "OPENAI_API_KEY": opened.keys["all"],
        "HOSTING_URL": opened.url("hosting"),
        "KEYS": json.dumps(opened.keys),
        "AGENT": opened.agent,
        "IMAGE": data_url(PNG),
    }
    completed = subprocess.run(["node", NODE_USES], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=240)
    assert completed.returncode == 0, completed.stderr
    return {report["name"]: report for report in map(json.loads, completed.stdout.splitlines())}


@pytest.mark.parametrize("name", NODE_NAMES)
def test_a_use_of_the_node_client(node_reports: dict[str, Any], name: str) -> None:
    """The client gets what its table says, in the shapes of the Python library's types."""
    report = node_reports[name]
    assert report["got"] == report["expected"]
    for shape, value in report["seen"]:
        TypeAdapter(SHAPES[shape]).validate_json(json.dumps(value), strict=True)


def test_there_are_enough_uses() -> None:
    """Each client is used in many ways, and each use has its own name."""
    assert len({name for name, *_ in USES}) == len(USES) >= 60
    assert len(set(NODE_NAMES)) == len(NODE_NAMES) >= 30
