"""Tests chats through Hosting, the chat function, Firestore, the task queue, the worker and a model."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest

from local_platform.suite import Suite
from tests.doubles.model_server import Answer, BrokenConnection, Fail, ModelServer
from tests.e2e.conftest import Connect, Service

pytestmark = pytest.mark.e2e


@pytest.fixture
def service(local_suite: Suite, connect: Connect) -> Service:
    return connect(local_suite.url)


def test_a_chat_is_answered(service: Service, model_server: ModelServer) -> None:
    """A chat's ticket is created immediately, can be looked up at any time, and finally has content, usage and cost."""
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
    """A chat with the small local model gets a real answer."""
    if not local_suite.local_model:
        pytest.skip("the local model is not installed here; `make setup` installs it")
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


def test_every_path_reaches_the_same_chat(local_suite: Suite, service: Service, connect: Connect) -> None:
    """A chat can be submitted and looked up through Hosting, with and without the prefix, and at the function's
    address."""
    function = connect(local_suite.function_url("chat"))
    ids = [service.chat("paths", path="/chat"), service.chat("paths"), function.chat("paths", path="")]
    for accepted in ids:
        assert accepted.status_code == 200, accepted.text
        ticket_id = accepted.json()["ticket_id"]
        through_hosting = service.client.get(f"/chat/{ticket_id}")
        at_function = function.client.get(f"/{ticket_id}")
        assert through_hosting.json()["ticket_id"] == at_function.json()["ticket_id"] == ticket_id
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
        ("/chat", 200),
        ("/api/chat/unknown", 404),
    ],
)
def test_every_path_responds_in_json_without_caching(service: Service, path: str, status: int) -> None:
    """Hosting sends each path to its function, and unknown paths to `meta`. The worker cannot be reached."""
    response = service.client.get(path)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("application/json")
    assert "no-store" in response.headers["cache-control"]


def test_a_rate_limited_model_is_called_again(service: Service, model_server: ModelServer) -> None:
    """After each 429 from the model, the queue delivers the ticket again after a pause, until it is answered."""
    model_server.script("busy", Fail(429), Fail(429), Answer("at last"))
    ticket = service.finished(service.ticket("busy"))
    assert ticket["status"] == "completed"
    assert ticket["result"]["content"] == "at last"
    assert len(model_server.calls_for("busy")) == 3


def test_a_call_of_a_hanging_model_is_retried(service: Service, model_server: ModelServer) -> None:
    """If a model does not respond, the time limit ends the call, and the next call succeeds."""
    model_server.script("hang", Answer(delay=60), Answer("awake"))
    ticket = service.finished(service.ticket("hang"))
    assert ticket["result"]["content"] == "awake"


def test_an_interrupted_answer_is_retried(service: Service, model_server: ModelServer) -> None:
    """If the connection breaks in the middle of an answer, whether streamed or not, the call is retried."""
    for stream in (False, True):
        prompt = f"cut {stream}"
        model_server.script(prompt, BrokenConnection(), Answer("whole"))
        assert service.finished(service.ticket(prompt, stream=stream))["result"]["content"] == "whole"


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (Fail(401, "Incorrect API key provided."), "key"),
        (Fail(400, "Refused.", "content_policy_violation"), "refused the content"),
    ],
)
def test_a_model_that_refuses_ends_the_ticket(
    service: Service, model_server: ModelServer, step: Fail, text: str
) -> None:
    """If the model refuses a request, the ticket fails immediately, with a message for the user."""
    prompt = f"refuse {step.status}"
    model_server.script(prompt, step)
    ticket = service.finished(service.ticket(prompt))
    assert (ticket["status"], ticket["result"]) == ("failed", None)
    assert text in ticket["error"]
    assert len(model_server.calls_for(prompt)) == 1


def test_another_worker_takes_over_from_a_killed_one(service: Service, model_server: ModelServer) -> None:
    """If a worker is killed during a model call, the queue delivers the ticket again, and there is only one result."""
    model_server.script("killed", Answer("never sent", delay=60), Answer("sent"))
    ticket_id = service.ticket("killed")
    wait_for_call(model_server, "killed")
    for process in workers():
        process.send_signal(signal.SIGKILL)
    ticket = service.finished(ticket_id)
    assert ticket["status"] == "completed"
    assert ticket["result"]["content"] == "sent"
    assert len(model_server.calls_for("killed")) == 2


def workers() -> list[psutil.Process]:
    """Returns the processes of the worker function in this test run's suite."""
    processes: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("FUNCTION_TARGET") == "worker" and "e2e-local" in process.cwd():
                processes.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    assert processes
    return processes


def wait_for_call(model_server: ModelServer, prompt: str) -> None:
    deadline = time.monotonic() + 30
    while not model_server.calls_for(prompt):
        assert time.monotonic() < deadline, "the model was never called"
        time.sleep(0.02)


def test_a_task_that_is_delivered_twice_has_one_result(
    local_suite: Suite, service: Service, model_server: ModelServer
) -> None:
    """If a task is delivered again during its first delivery, the copy gets a 425, and later has no effect."""
    model_server.script("twice", Answer("once", delay=2))
    ticket_id = service.ticket("twice")
    wait_for_call(model_server, "twice")
    copy = {"ticket_id": ticket_id}
    url = local_suite.env["CLOUD_TASKS_EMULATOR_HOST"]
    responses = deliver_copy(url, copy), deliver_copy(url, copy)
    assert all(response.status_code == 200 for response in responses)
    ticket = service.finished(ticket_id)
    time.sleep(3)
    assert service.finished(ticket_id) == ticket
    assert ticket["result"]["content"] == "once"
    assert len(model_server.calls_for("twice")) == 1


def deliver_copy(tasks_host: str, payload: dict[str, str]) -> httpx.Response:
    """Enqueues another, unnamed task for the same ticket, as if the queue delivered its task twice."""
    import base64
    import json

    body = base64.b64encode(json.dumps(payload).encode()).decode()
    queue = "projects/demo-agents/locations/us-central1/queues/worker/tasks"
    task: dict[str, Any] = {"httpRequest": {"url": "", "headers": {}, "body": body}}
    return httpx.post(f"http://{tasks_host}/{queue}", json={"task": task}, trust_env=False)


def test_ten_concurrent_chats_are_all_answered(service: Service, model_server: ModelServer) -> None:
    """If ten chats are sent at the same time, each gets the answer to its own question."""
    prompts = [f"question {number}" for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        ids = list(pool.map(service.ticket, prompts))
        tickets = list(pool.map(service.finished, ids))
    assert [ticket["result"]["content"] for ticket in tickets] == [f"You said: {prompt}" for prompt in prompts]
    assert all(len(model_server.calls_for(prompt)) == 1 for prompt in prompts)


def test_the_suite_runs_this_clone(local_suite: Suite) -> None:
    """The functions run from this suite's folder, and not from another copy of the project."""
    assert all(process.cwd().startswith(str(local_suite.folder)) for process in workers())
    assert os.path.isdir(local_suite.folder)
