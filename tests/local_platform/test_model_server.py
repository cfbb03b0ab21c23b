"""The local model's server limits answers, and stops answering if the caller disconnects."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_platform import model_server, processes
from local_platform.layout import LAYOUT
from local_platform.model_server import MAX_ANSWER_TOKENS, SLOTS
from local_platform.ports import HOST, free_port, http_status

pytestmark = pytest.mark.timeout(600)
PORT = free_port()
LONG = {"max_tokens": 1500, "ignore_eos": True, "stream": True}


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Starts the server as the suite does."""
    python = LAYOUT.model_env / "bin" / "python"
    if not python.exists():
        pytest.skip("the local model is not installed; run `make setup`")
    log = tmp_path_factory.mktemp("model") / "model.log"
    with log.open("wb") as out:
        process = subprocess.Popen([python, Path(model_server.__file__), str(PORT)], stdout=out, stderr=out)
    try:
        assert processes.wait_for(lambda: http_status(PORT, "/health") == 200, seconds=60), log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{HOST}:{PORT}", timeout=500) as client:
        yield client


def _request(question: str, **parameters: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}], "temperature": 0, **parameters}


def _answer(client: httpx.Client, question: str, **parameters: Any) -> tuple[str, str, int]:
    """Returns the answer's text, its finish reason, and its number of tokens."""
    response = client.post("/v1/chat/completions", json=_request(question, **parameters)).json()
    choice = response["choices"][0]
    return choice["message"]["content"], choice["finish_reason"], response["usage"]["completion_tokens"]


def _count_tokens(client: httpx.Client) -> list[int]:
    """Returns the number of tokens that each running answer has so far."""
    return [slot["next_token"][0]["n_decoded"] for slot in client.get("/slots").json() if slot["is_processing"]]


def test_the_first_question_is_answered_as_in_the_readme(client: httpx.Client) -> None:
    """The server's limits do not change a short answer."""
    content, finish_reason, _ = _answer(client, "What is the capital of Germany?")
    assert (content, finish_reason) == ("The capital of Germany is Berlin.", "stop")


def test_an_answer_is_limited_by_default(client: httpx.Client) -> None:
    """An answer has at most `MAX_ANSWER_TOKENS` tokens unless the request sets a higher `max_tokens`."""
    assert _answer(client, "Say hello.", ignore_eos=True)[1:] == ("length", MAX_ANSWER_TOKENS)
    longer = MAX_ANSWER_TOKENS + 20
    assert _answer(client, "Say hello.", ignore_eos=True, max_tokens=longer)[1:] == ("length", longer)


def test_the_model_does_not_repeat_itself_forever(client: httpx.Client) -> None:
    """An answer that would otherwise repeat a sequence forever ends by itself."""
    assert _answer(client, "What is the capital of France?")[1] == "stop"


def test_an_answer_ends_when_its_caller_disconnects(client: httpx.Client) -> None:
    """The next caller does not have to wait for an abandoned answer."""
    with ExitStack() as callers:
        for _ in range(SLOTS):
            streamed = client.stream("POST", "/v1/chat/completions", json=_request("Say hello.", **LONG))
            next(callers.enter_context(streamed).iter_lines())
    assert _answer(client, "What is the capital of Germany?")[0] == "The capital of Germany is Berlin."
    max_tokens = 0

    def have_all_ended() -> bool:
        nonlocal max_tokens
        tokens = _count_tokens(client)
        max_tokens = max(max_tokens, *tokens, 0)
        return not tokens

    assert processes.wait_for(have_all_ended, seconds=60)
    assert max_tokens < LONG["max_tokens"] / 2
