"""Uses of OpenAI's Python client. Each line of the tables says what is done, how, and what is expected."""

import os
import time
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel

from tests.e2e.openai_door import (
    FLAT_TOOLS,
    MODEL,
    TOOLS,
    Door,
    ask,
    await_end,
    check,
    join,
    read_chunks,
    read_events,
    refuse,
    respond,
    say,
    stream_response,
    types_of,
)
from tests.images import PNG, data_url

IMAGE: Any = {"type": "image_url", "image_url": {"url": data_url(PNG), "detail": "low"}}
INPUT_IMAGE: Any = {"type": "input_image", "image_url": data_url(PNG), "detail": "low"}
ONE = {"name": "get_weather"}
MARK = {"agent_input": {"mark": "!"}}
MESSAGE_EVENTS = [
    *("created", "in_progress", "output_item.added", "content_part.added", "output_text.delta"),
    *("output_text.done", "content_part.done", "output_item.done", "completed"),
]
Use = tuple[str, Callable[[Door], Any], Any]


class City(BaseModel):
    """What the model's JSON is read as."""

    name: str


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


def text(prompt: str, kind: str = "text") -> dict[str, str]:
    return {"type": kind, "text": prompt}


def sent(door: Door) -> list[tuple[str, Any]]:
    """Returns the roles and contents that the model's provider got at last."""
    return [(message["role"], message["content"]) for message in door.model_server.calls[-1].body["messages"]]


def instruct(door: Door, role: str) -> tuple[str, Any]:
    say(door, [{"role": role, "content": "Be brief."}, *user(text("hi"))])
    return sent(door)[0]


def count_streamed_tokens(door: Door) -> int | None:
    usage = read_chunks(door, "count", stream_options={"include_usage": True})[-1].usage
    return usage and usage.total_tokens


def parse_city(door: Door) -> City | None:
    messages: Any = user(text("JSON of a city"))
    completion = door.client().chat.completions.parse(model=MODEL, messages=messages, response_format=City)
    return completion.choices[0].message.parsed


def parse_response(door: Door) -> City | None:
    return door.client().responses.parse(model=MODEL, input="JSON of a city", text_format=City).output_parsed


def choose(door: Door, choice: Any) -> str:
    return ask(door, "weather", tools=TOOLS, tool_choice=choice).choices[0].finish_reason


def round_trip(door: Door) -> tuple[str, str | None]:
    """Has the model call a function, and sends its result."""
    completion = ask(door, "weather", tools=TOOLS)
    message = completion.choices[0].message
    assert message.tool_calls
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "rain"}
    messages = [{"role": "user", "content": "It is"}, message.to_dict(), result]
    return completion.choices[0].finish_reason, say(door, messages, tools=TOOLS)


def response_round_trip(door: Door) -> tuple[str, str]:
    """Does the same with responses, whose conversation the service stores."""
    first = respond(door, "weather", tools=FLAT_TOOLS)
    (call,) = first.output
    assert call.type == "function_call"
    items = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "rain"},
        *user(text("So", "input_text")),
    ]
    return call.name, respond(door, items, tools=FLAT_TOOLS, previous_response_id=first.id).output_text


def converse(door: Door) -> list[Any]:
    """Returns what the model gets with the second message of a conversation that the service stores."""
    respond(door, "two", previous_response_id=respond(door, "one").id)
    return [content for _, content in sent(door)]


def run_in_background(door: Door) -> str:
    return await_end(door, respond(door, "Ada", model=door.agent, background=True).id).output_text


def continue_stream(door: Door) -> tuple[bool, str]:
    """Leaves a stream in its middle, and gets the rest. Returns whether no event is missing, and the whole text."""
    responses = door.client().responses
    seen: list[Any] = []
    with responses.create(model=MODEL, input="count", background=True, stream=True) as stream:
        for event in stream:
            seen.append(event)
            if event.type == "response.output_text.delta":
                break
    last = seen[-1].sequence_number
    rest = read_events(responses.retrieve(seen[0].response.id, stream=True, starting_after=last))
    numbers = [event.sequence_number for event in (*seen, *rest)]
    return numbers == list(range(len(numbers))), rest[-1].response.output_text


def cancel(door: Door) -> str | None:
    response = respond(door, "endless", background=True)
    time.sleep(1)
    return check(door.client().responses.cancel(response.id)).status


def delete(door: Door) -> tuple[str, int, str | None, str | None]:
    response, client = respond(door), door.client()
    client.responses.delete(response.id)
    return refuse(lambda: client.responses.retrieve(response.id))


def list_inputs(door: Door) -> list[str]:
    items: list[Any] = [{"role": "user", "content": text} for text in ("one", "two", "three")]
    response = respond(door, items)
    pages = door.client().responses.input_items.list(response.id, order="asc", limit=2)
    return [item.content[0].text for item in pages]  # pyright: ignore


def give_up(door: Door) -> str:
    with pytest.raises(openai.APIConnectionError) as raised:
        say(door, "slow", door.client(timeout=1, max_retries=0))
    return type(raised.value).__name__


class LosingTransport(httpx.HTTPTransport):
    """Loses the first response that the service has sent, as a failing proxy does, and says 503 instead."""

    lost: int = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if self.lost:
            return response
        self.lost += 1
        response.read()
        return httpx.Response(503, request=request)


def lose_response(door: Door) -> tuple[str | None, int, int]:
    """Returns the answer of a client that repeats its request, how many were lost, and the calls of the model."""
    transport = LosingTransport()
    client = door.client(http_client=httpx.Client(transport=transport))
    answer = say(door, "once", client, extra_headers={"Idempotency-Key": os.urandom(8).hex()})
    return answer, transport.lost, len(door.model_server.calls_for("once"))


def exceed_rate(door: Door) -> tuple[str, int, bool]:
    """Calls an agent more often than its policy lets a user."""
    client = door.client(max_retries=0)

    def call_often() -> None:
        for _ in range(3):  # the minute may end in between
            say(door, "Ada", client, model=door.limited)

    with pytest.raises(openai.RateLimitError) as raised:
        call_often()
    return str(raised.value.code), raised.value.status_code, 0 < int(raised.value.response.headers["retry-after"]) <= 60


class LimitingTransport(httpx.HTTPTransport):
    """Answers the first request like the service when it limits its callers."""

    limited: int = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.limited:
            return super().handle_request(request)
        self.limited += 1
        return httpx.Response(429, headers={"Retry-After": "1"}, request=request)


def wait_and_retry(door: Door) -> tuple[str | None, int]:
    transport = LimitingTransport()
    return say(door, "hi", door.client(http_client=httpx.Client(transport=transport))), transport.limited


def count_refusals(door: Door) -> tuple[int, int]:
    """Returns the status of a request that a budget does not cover, and how often the client sent it."""
    requests: list[httpx.Request] = []
    http = httpx.Client(trust_env=False, event_hooks={"request": [requests.append]})
    return refuse(lambda: say(door, client=door.client("poor", http_client=http)))[1], len(requests)


NO_KEY = ("AuthenticationError", 401, "invalid_api_key", None)
NO_SCOPE = ("PermissionDeniedError", 403, "permission_denied", None)
NO_MODEL = ("NotFoundError", 404, "model_not_found", "model")
NO_RESPONSE = ("NotFoundError", 404, "response_not_found", "response_id")
SPENT = ("APIStatusError", 402, "insufficient_quota", None)
FAILED = ("InternalServerError", 502, "server_error", None)

CHATS: list[Use] = [
    ("a chat", say, "Hello."),
    ("a chat through Hosting", lambda d: say(d, client=d.client(through="hosting")), "Hello."),
    ("a chat with an ID token", lambda d: say(d, client=d.client("an ID token")), "Hello."),
    ("a chat with the scope", lambda d: say(d, client=d.client("chat only")), "Hello."),
    ("its usage", lambda d: ask(d).usage.to_dict()["total_tokens"], 10),  # pyright: ignore
    ("its reason to end", lambda d: ask(d).choices[0].finish_reason, "stop"),
    ("a limit was reached", lambda d: ask(d, "cut").choices[0].finish_reason, "length"),
    ("thoughts", lambda d: ask(d, "think").choices[0].message.to_dict()["reasoning_content"], "Hm."),
    ("a stream", lambda d: join(read_chunks(d, "count")), "0 1 2 3 4 "),
    ("a stream comes in pieces", lambda d: len(read_chunks(d, "count")) > 4, True),
    ("a stream through Hosting", lambda d: join(read_chunks(d, "hi", d.client(through="hosting"))), "Hello."),
    ("the usage of a stream", count_streamed_tokens, 15),
    ("a function is called, and its result sent", round_trip, ("tool_calls", "You said: It is")),
    ("a function is required", lambda d: choose(d, "required"), "tool_calls"),
    ("one function is chosen", lambda d: choose(d, {"type": "function", "function": ONE}), "tool_calls"),
    ("no function is to be called", lambda d: say(d, tools=TOOLS, tool_choice="none"), "Hello."),
    ("a call is streamed", lambda d: read_chunks(d, "weather", tools=TOOLS)[-1].choices[0].finish_reason, "tool_calls"),
    ("a schema, with parse", parse_city, City(name="Bonn")),
    ("JSON", lambda d: say(d, "JSON of a city", response_format={"type": "json_object"}), '{"name": "Bonn"}'),
    ("an image", lambda d: (say(d, user(text("hi"), IMAGE)), len(sent(d)[0][1])), ("Hello.", 2)),
    ("system messages", lambda d: instruct(d, "system"), ("system", "Be brief.")),
    ("developer messages", lambda d: instruct(d, "developer"), ("system", "Be brief.")),
    ("parameters", lambda d: say(d, temperature=0.5, top_p=0.9, max_tokens=50, seed=1, stop=["X"]), "Hello."),
]
RESPONSES: list[Use] = [
    ("a response", lambda d: respond(d).output_text, "Hello."),
    ("a response through Hosting", lambda d: respond(d, client=d.client(through="hosting")).output_text, "Hello."),
    ("the usage of a response", lambda d: respond(d).usage.total_tokens, 10),  # pyright: ignore
    ("instructions", lambda d: respond(d, instructions="Be brief.").instructions, "Be brief."),
    ("its metadata", lambda d: respond(d, metadata={"a": "b"}).metadata, {"a": "b"}),
    ("a limited response", lambda d: respond(d, "cut").status, "incomplete"),
    ("the events of a stream", lambda d: types_of(stream_response(d)), MESSAGE_EVENTS),
    ("a streamed text", lambda d: stream_response(d, "count")[-1].response.output_text, "0 1 2 3 4 "),
    ("a response in the background", lambda d: respond(d, background=True).status, "queued"),
    ("polling it", lambda d: await_end(d, respond(d, "slow", background=True).id).output_text, "Late."),
    ("retrieving it", lambda d: d.client().responses.retrieve(respond(d).id).output_text, "Hello."),
    ("continuing its stream", continue_stream, (True, "0 1 2 3 4 ")),
    ("cancelling it", cancel, "cancelled"),
    ("deleting it", delete, NO_RESPONSE),
    ("not storing it", lambda d: respond(d, store=False).output_text, "Hello."),
    ("a conversation", converse, ["one", "You said: one", "two"]),
    ("the items of its input", list_inputs, ["one", "two", "three"]),
    ("a response's function", response_round_trip, ("get_weather", "You said: So")),
    ("a response's image", lambda d: respond(d, user(text("hi", "input_text"), INPUT_IMAGE)).output_text, "Hello."),
    ("a response's schema", parse_response, City(name="Bonn")),
    ("a failed response", lambda d: await_end(d, respond(d, "broken", background=True).id).status, "failed"),
]
MODELS_AND_AGENTS: list[Use] = [
    ("the list of models", lambda d: MODEL in {check(model).id for model in d.client().models.list()}, True),
    ("an agent in the list", lambda d: d.agent in {model.id for model in d.client().models.list()}, True),
    ("a model", lambda d: check(d.client().models.retrieve(MODEL)).owned_by, "openai"),
    ("an agent as a model", lambda d: check(d.client().models.retrieve(d.agent)).owned_by, "gofannon"),
    ("a chat with an agent", lambda d: say(d, "Ada", model=d.agent), "Hello, Ada."),
    ("more of its input", lambda d: say(d, "Ada", model=d.agent, extra_body=MARK), "Hello, Ada!"),
    ("a stream of an agent", lambda d: join(read_chunks(d, "Ada", model=d.agent)), "Hello, Ada."),
    ("a response of an agent", lambda d: respond(d, "Ada", model=d.agent).output_text, "Hello, Ada."),
    ("an agent in the background", run_in_background, "Hello, Ada."),
]


def bad(code: str, param: str | None = None) -> tuple[str, int, str, str | None]:
    return "BadRequestError", 400, code, param


def refuse_key(key: str, **options: Any) -> Callable[[Door], Any]:
    return lambda door: refuse(lambda: say(door, client=door.client(key), **options))


def refuse_chat(prompt: str = "hi", **options: Any) -> Callable[[Door], Any]:
    return lambda door: refuse(lambda: say(door, prompt, **options))


ERRORS: list[Use] = [
    ("a wrong key", refuse_key("wrong"), NO_KEY),
    ("a revoked key", refuse_key("revoked"), NO_KEY),
    ("an expired key", refuse_key("expired"), NO_KEY),
    ("a key without the scope", refuse_key("account only"), NO_SCOPE),
    ("a key without the scope of agents", lambda d: refuse_key("chat only", model=d.agent)(d), NO_SCOPE),
    ("a spent budget", refuse_key("poor"), SPENT),
    ("a spent budget is not retried", count_refusals, (402, 1)),
    ("an unknown model", refuse_chat(model="openai/made-up"), NO_MODEL),
    ("an unknown agent", refuse_chat(model="gofannon/made-up"), NO_MODEL),
    ("a model without a provider", refuse_chat(model="gpt-4.1-mini"), NO_MODEL),
    ("a prompt that is too long", refuse_chat("long"), bad("context_length_exceeded", "messages")),
    ("a parameter that is not supported", refuse_chat(logprobs=True), bad("unsupported_parameter", "logprobs")),
    ("a value that is not supported", refuse_chat(n=2), bad("invalid_value", "n")),
    ("a value of the wrong type", refuse_chat(temperature="hot"), bad("invalid_value", "temperature")),
    ("an unknown response", lambda d: refuse(lambda: d.client().responses.retrieve("resp_x")), NO_RESPONSE),
    ("a model that fails", refuse_chat("broken"), FAILED),
    ("too many calls", exceed_rate, ("rate_limit_exceeded", 429, True)),
    ("waiting as Retry-After says", wait_and_retry, ("Hello.", 1)),
    ("a client that gives up", give_up, "APITimeoutError"),
    ("a lost response is charged once", lose_response, ("You said: once", 1, 1)),
]
USES = [*CHATS, *RESPONSES, *MODELS_AND_AGENTS, *ERRORS]
