"""The OpenAI-compatible endpoints of the running suite, as OpenAI's own Python client sees them.

Everything that the client receives is validated against the library's types, which the client itself does not do.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import openai
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from local_platform import processes
from local_platform.ports import HOST, free_port, http_status
from local_platform.suite import Suite
from tests.doubles.model_server import Answer, Fail, ModelServer, Step
from tests.doubles.openai_streams import CALL, WEATHER, stream_of
from tests.e2e.test_authentication import sign_up

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
MODEL = "openai/gpt-4.1-mini"
TOOLS: list[Any] = [{"type": "function", "function": WEATHER}]
FLAT_TOOLS: list[Any] = [{"type": "function", **WEATHER, "strict": False}]
AGENT_CODE = """
async def run(input_dict, tools):
    print("looking")
    return {"outputText": "Hello, " + input_dict["inputText"] + input_dict.get("mark", ".")}
"""
TOO_LONG = Fail(400, "This model's maximum context length is 8192 tokens.", code="context_length_exceeded")
TIMES = 8
"""How often each prompt of a script can be used."""


SCRIPT: dict[str, Step] = {
    "hi": Answer("Hello.", prompt_tokens=7, completion_tokens=3),
    "count": stream_of(*({"content": f"{number} "} for number in range(5)), pause=0.2),
    "weather": stream_of({"tool_calls": [{"index": 0, **CALL}]}, finish_reason="tool_calls"),
    "JSON of a city": Answer('{"name": "Bonn"}'),
    "think": stream_of({"reasoning_content": "Hm."}, {"content": "Hello."}),
    "cut": stream_of({"content": "Hel"}, finish_reason="length"),
    "long": TOO_LONG,
    "slow": Answer("Late.", delay=3),
    "endless": stream_of({"content": "Hel"}, silent=True),
    "broken": Fail(401, "Incorrect API key provided."),
}
"""What the model answers to each prompt. To others, it answers `You said: …`."""


@dataclass
class Door:
    """The endpoints, with keys of one user. `keys`: by what is special about them. `agent`: its name as a model.

    `limited`: an agent that each user may call once a minute.
    """

    suite: Suite
    model_server: ModelServer
    token: str
    keys: dict[str, str] = field(default_factory=dict[str, str])
    agent: str = ""
    limited: str = ""
    clients: list[openai.OpenAI] = field(default_factory=list[openai.OpenAI])

    def url(self, through: str = "function") -> str:
        """Returns the base URL for OpenAI's clients: of the function itself, through Hosting, or `through` as it is."""
        if through.startswith("http"):
            return through
        root = self.suite.url if through == "hosting" else self.suite.function_url("openai")
        return f"{root}/v1"

    def client(self, key: str = "all", through: str = "function", **options: Any) -> openai.OpenAI:
        http = options.pop("http_client", None) or httpx.Client(trust_env=False)
        settings: dict[str, Any] = {"timeout": 60, **options}
        client = openai.OpenAI(api_key=self.keys[key], base_url=self.url(through), http_client=http, **settings)
        self.clients.append(client)
        return client

    def close(self) -> None:
        """Closes the clients that were connected."""
        while self.clients:
            self.clients.pop().close()

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Calls another part of the service as the user, and returns the JSON of its response."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        response = httpx.request(
            method, f"{self.suite.url}/api{path}", headers=headers, timeout=60, trust_env=False, **options
        )
        assert response.is_success, response.text
        return response.json() if response.content else None

    def create_key(self, **fields: Any) -> dict[str, Any]:
        key: dict[str, Any] = self.call("POST", "/users/me/keys", json={"name": "Test", **fields})
        return key

    def publish(self, name: str, code: str = AGENT_CODE, **policy: Any) -> str:
        """Publishes an agent with this beginning of its name, and returns it as a model."""
        friendly_name = f"{name}-{uuid4().hex[:8]}"
        body = {"name": name, "description": "Greets.", "code": code, "friendlyName": friendly_name}
        agent = self.call("POST", "/agents", json=body)
        self.call("POST", f"/agents/{agent['_id']}/deploy", json=policy)
        return f"gofannon/{friendly_name}"

    def newest_ticket(self) -> dict[str, Any]:
        """Returns the user's newest ticket when it has ended."""
        deadline = time.monotonic() + 30
        while True:
            ticket: dict[str, Any] = self.call("GET", "/chat", params={"limit": 1})[0]
            if ticket["status"] not in ("pending", "processing"):
                return ticket
            assert time.monotonic() < deadline, ticket
            time.sleep(0.1)


@contextmanager
def serve_alone(door: Door) -> Generator[str]:
    """Serves the function in a process beside the suite, and returns its base URL.

    The Functions emulator does not tell a function that its client has gone, as Cloud Run does.
    """
    port = free_port()
    environ = {
        **door.suite.environ,
        **door.suite.env,
        "APP_ENV": "firebase",
        "FUNCTIONS_EMULATOR": "true",
        "FUNCTION_TARGET": "openai",
        "PYTHONPATH": str(ROOT),
    }
    framework = Path(sys.executable).with_name("functions-framework")
    command = [framework, "--target", "openai", "--source", ROOT / "functions/openai/main.py", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--host", HOST], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert processes.wait_for(lambda: http_status(port, "/v1/models") == 401, seconds=60)
            yield f"http://{HOST}:{port}/v1"
        finally:
            process.terminate()


def open_door(suite: Suite, model_server: ModelServer) -> Door:
    """Creates a user with keys and agents."""
    door = Door(suite, model_server, sign_up(suite))
    created = {"all": door.create_key()}  # the function is started by this, so the next key is created in no time
    expires_at = datetime.now(UTC) + timedelta(seconds=2)
    created |= {
        "expired": door.create_key(expiresAt=expires_at.isoformat()),
        "revoked": door.create_key(),
        "chat only": door.create_key(scopes=["chat"]),
        "run only": door.create_key(scopes=["run"]),
        "account only": door.create_key(scopes=["account"]),
        "poor": door.create_key(budget={"amount": 0.000001, "period": "day"}),
    }
    door.call("DELETE", f"/users/me/keys/{created['revoked']['_id']}")
    door.keys = {name: key["key"] for name, key in created.items()}
    door.keys |= {"wrong": "fba_wrong", "an ID token": door.token}
    door.agent, door.limited = door.publish("greeter"), door.publish("limited", ratePerMinute=1)
    time.sleep(max(0.0, (expires_at - datetime.now(UTC)).total_seconds()))
    return door


def check(value: T, kind: Any = None) -> T:
    """Validates strictly that the value has the shape of the library's own type."""
    TypeAdapter(kind or type(value)).validate_json(value.to_json(), strict=True)  # pyright: ignore
    return value


def ask(door: Door, prompt: Any = "hi", client: openai.OpenAI | None = None, **options: Any) -> ChatCompletion:
    """Sends a chat, which is a prompt or a list of messages."""
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    chats: Any = (client or door.client()).chat.completions
    return check(chats.create(**{"model": MODEL, "messages": messages, **options}))


def say(door: Door, prompt: Any = "hi", client: openai.OpenAI | None = None, **options: Any) -> str | None:
    return ask(door, prompt, client, **options).choices[0].message.content


def read_chunks(
    door: Door, prompt: str = "hi", client: openai.OpenAI | None = None, **options: Any
) -> list[ChatCompletionChunk]:
    chats: Any = (client or door.client()).chat.completions
    messages = [{"role": "user", "content": prompt}]
    return [check(chunk) for chunk in chats.create(**{"model": MODEL, "messages": messages, "stream": True, **options})]


def join(chunks: Iterable[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def respond(door: Door, prompt: Any = "hi", client: openai.OpenAI | None = None, **options: Any) -> Response:
    responses: Any = (client or door.client()).responses
    return check(responses.create(**{"model": MODEL, "input": prompt, **options}))


def read_events(stream: Iterable[Any]) -> list[Any]:
    return [check(event, ResponseStreamEvent) for event in stream]


def stream_response(door: Door, prompt: Any = "hi", **options: Any) -> list[Any]:
    responses: Any = door.client().responses
    return read_events(responses.create(**{"model": MODEL, "input": prompt, "stream": True, **options}))


def types_of(events: Iterable[Any]) -> list[str]:
    """Returns the events' types without `response.`, each once in a row."""
    types = [event.type.removeprefix("response.") for event in events]
    return [kind for index, kind in enumerate(types) if index == 0 or types[index - 1] != kind]


def await_end(door: Door, response_id: str) -> Response:
    """Polls a response until it has ended."""
    client, deadline = door.client(), time.monotonic() + 30
    while (response := check(client.responses.retrieve(response_id))).status in ("queued", "in_progress"):
        assert time.monotonic() < deadline, response
        time.sleep(0.2)
    return response


def refuse(call: Callable[[], Any]) -> tuple[str, int, str | None, str | None]:
    """Returns what the client raises: the class, and the status, code and field that it has read."""
    try:
        value = call()
    except openai.APIStatusError as refusal:
        error = refusal
    else:
        raise AssertionError(f"It was not refused: {value!r}")
    fields: Any = error.body
    assert set(fields) == {"message", "type", "param", "code"}
    return type(error).__name__, error.status_code, error.code, error.param
