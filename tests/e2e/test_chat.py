"""A chat through Hosting, the chat function, Firestore, the task queue, the worker, a model, and back."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest

from local_platform.suite import Suite
from tests.doubles.model_server import Answer, Cut, Fail, ModelServer
from tests.e2e.conftest import Connect, Service

pytestmark = pytest.mark.e2e


@pytest.fixture
def service(local_suite: Suite, connect: Connect) -> Service:
    return connect(local_suite.url)


def test_a_chat_comes_back_with_its_answer(service: Service, model_server: ModelServer) -> None:
    """The ticket at once, a look-up that never misses it, and in the end content, usage and cost."""
    model_server.script("hello", Answer("Hello from the model.", delay=0.3, prompt_tokens=1000, completion_tokens=500))
    ticket_id = service.ticket("hello")
    assert service.client.get(f"/api/chat/{ticket_id}").status_code == 200
    ticket = service.finished(ticket_id)
    assert ticket["status"] == "completed"
    assert ticket["error"] is None
    assert ticket["result"]["content"] == "Hello from the model."
    assert ticket["result"]["model"] == "openai/gpt-4.1-mini"
    assert ticket["result"]["usage"] == {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
    assert ticket["result"]["cost"] > 0
    assert ticket["created_at"] < ticket["completed_at"]


def test_the_local_model_answers(local_suite: Suite, service: Service) -> None:
    """A real model, small as it is."""
    if not local_suite.local_model:
        pytest.skip("the local model is not installed here; `make setup` does that")
    ticket = service.finished(
        service.ticket(
            "What is the capital of Germany?",
            provider="local",
            model="smollm2-135m-instruct",
            parameters={"temperature": 0, "max_tokens": 40},
        )
    )
    assert ticket["status"] == "completed", ticket
    assert "Berlin" in ticket["result"]["content"]
    assert ticket["result"]["cost"] == 0
    assert ticket["result"]["usage"]["completion_tokens"] > 0


def test_every_way_reaches_the_same_chat(local_suite: Suite, service: Service, connect: Connect) -> None:
    """Hosting with prefix and bare; the function's own address, which the platform strips of the function's name."""
    own = connect(local_suite.function_url("chat"))
    ids = [service.chat("ways", path="/chat"), service.chat("ways"), own.chat("ways", path="")]
    for accepted in ids:
        assert accepted.status_code == 200, accepted.text
        ticket_id = accepted.json()["ticket_id"]
        bare = service.client.get(f"/chat/{ticket_id}")
        stripped = own.client.get(f"/{ticket_id}")
        assert bare.json()["ticket_id"] == stripped.json()["ticket_id"] == ticket_id
        service.finished(ticket_id)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/api", 200),
        ("/health", 200),
        ("/api/health", 200),
        ("/providers", 200),
        ("/api/providers", 200),
        ("/providers/openai/models", 200),
        ("/nonsense", 404),
        ("/api/nonsense", 404),
        ("/worker", 404),
        ("/api/worker", 404),
        ("/chat", 405),
        ("/api/chat/unknown", 404),
    ],
)
def test_hosting_answers_in_json_and_lets_nobody_cache(service: Service, path: str, status: int) -> None:
    """Each path by its function, and what is nobody's by `meta`; the worker is not to be reached."""
    response = service.client.get(path)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("application/json")
    assert "no-store" in response.headers["cache-control"]


def test_too_many_requests_are_waited_out(service: Service, model_server: ModelServer) -> None:
    """429 twice, then an answer: the queue brings the ticket again, with pauses."""
    model_server.script("busy", Fail(429), Fail(429), Answer("at last"))
    ticket = service.finished(service.ticket("busy"))
    assert ticket["status"] == "completed"
    assert ticket["result"]["content"] == "at last"
    assert len(model_server.calls_for("busy")) == 3


def test_a_model_that_hangs_is_given_up_and_asked_again(service: Service, model_server: ModelServer) -> None:
    """The time limit ends the call, and the next one answers."""
    model_server.script("hang", Answer(delay=60), Answer("awake"))
    ticket = service.finished(service.ticket("hang"))
    assert ticket["result"]["content"] == "awake"


def test_a_model_that_breaks_off_is_asked_again(service: Service, model_server: ModelServer) -> None:
    """In the middle of an answer, streamed or not."""
    for stream in (False, True):
        prompt = f"cut {stream}"
        model_server.script(prompt, Cut(), Answer("whole"))
        assert service.finished(service.ticket(prompt, stream=stream))["result"]["content"] == "whole"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Fail(401, "Incorrect API key provided."), "key"),
        (Fail(400, "Refused.", "content_policy_violation"), "refused the content"),
    ],
)
def test_a_model_that_refuses_ends_the_ticket(
    service: Service, model_server: ModelServer, step: Fail, words: str
) -> None:
    """At once, with a sentence."""
    prompt = f"refuse {step.status}"
    model_server.script(prompt, step)
    ticket = service.finished(service.ticket(prompt))
    assert (ticket["status"], ticket["result"]) == ("failed", None)
    assert words in ticket["error"]
    assert len(model_server.calls_for(prompt)) == 1


def test_a_worker_that_is_killed_in_the_middle_is_followed_by_another(
    service: Service, model_server: ModelServer
) -> None:
    """SIGKILL while the model thinks: the queue brings the ticket again, and there is one result."""
    model_server.script("killed", Answer("never told", delay=60), Answer("told"))
    ticket_id = service.ticket("killed")
    wait_for_call(model_server, "killed")
    for process in workers():
        process.send_signal(signal.SIGKILL)
    ticket = service.finished(ticket_id)
    assert ticket["status"] == "completed"
    assert ticket["result"]["content"] == "told"
    assert len(model_server.calls_for("killed")) == 2


def workers() -> list[psutil.Process]:
    """The processes of the worker function in this test run's suites."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("FUNCTION_TARGET") == "worker" and "e2e-local" in process.cwd():
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    assert found
    return found


def wait_for_call(model_server: ModelServer, prompt: str) -> None:
    deadline = time.monotonic() + 30
    while not model_server.calls_for(prompt):
        assert time.monotonic() < deadline, "the model was never called"
        time.sleep(0.02)


def test_a_task_delivered_twice_at_once_yields_one_result(
    local_suite: Suite, service: Service, model_server: ModelServer
) -> None:
    """A copy of the task reaches the worker while the first is at work: it is told to come again, and finds it done."""
    model_server.script("twice", Answer("once", delay=2))
    ticket_id = service.ticket("twice")
    wait_for_call(model_server, "twice")
    copy = {"ticket_id": ticket_id}
    url = local_suite.env["CLOUD_TASKS_EMULATOR_HOST"]
    answers = deliver_copy(url, copy), deliver_copy(url, copy)
    assert all(answer.status_code == 200 for answer in answers)
    ticket = service.finished(ticket_id)
    time.sleep(3)
    assert service.finished(ticket_id) == ticket
    assert ticket["result"]["content"] == "once"
    assert len(model_server.calls_for("twice")) == 1


def deliver_copy(tasks_host: str, payload: dict[str, str]) -> httpx.Response:
    """Hands the queue another task for the same ticket, under no name, as a queue that delivers twice would."""
    import base64
    import json

    body = base64.b64encode(json.dumps(payload).encode()).decode()
    queue = "projects/demo-agents/locations/us-central1/queues/worker/tasks"
    task: dict[str, Any] = {"httpRequest": {"url": "", "headers": {}, "body": body}}
    return httpx.post(f"http://{tasks_host}/{queue}", json={"task": task}, trust_env=False)


def test_ten_chats_at_once_all_come_back(service: Service, model_server: ModelServer) -> None:
    """Each with the answer to its own question."""
    prompts = [f"question {number}" for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        ids = list(pool.map(service.ticket, prompts))
        tickets = list(pool.map(service.finished, ids))
    assert [ticket["result"]["content"] for ticket in tickets] == [f"You said: {prompt}" for prompt in prompts]
    assert all(len(model_server.calls_for(prompt)) == 1 for prompt in prompts)


def test_the_suite_runs_what_is_here(local_suite: Suite) -> None:
    """Not another copy of the project: the functions' working folders are this suite's."""
    assert all(process.cwd().startswith(str(local_suite.folder)) for process in workers())
    assert os.path.isdir(local_suite.folder)
