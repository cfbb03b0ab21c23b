"""Runs the commands in the documentation against the suite, as a reader would paste them."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local_platform import processes
from local_platform.ports import Ports
from local_platform.suite import Suite
from tests.doubles.api_server import ApiServer
from tests.doubles.model_server import Answer, ModelServer
from tests.e2e.conftest import ADMIN_PASSWORD

if TYPE_CHECKING:
    from tests.doubles.mcp_server import McpServer

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]


def commands(document: str) -> list[str]:
    """Returns the shell commands in a document, in order."""
    return re.findall(r"```sh\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)


def example_responses(document: str) -> list[Any]:
    """Returns the JSON responses in a document, in order."""
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)]


def paste(command: str, suite: Suite) -> str:
    """Runs the command with the suite's ports and folder instead of the default ones, and returns its output."""
    for name, port in Ports().by_name().items():
        command = command.replace(f"127.0.0.1:{port}", f"127.0.0.1:{suite.ports.by_name()[name]}")
    command = command.replace(".local/suite/", f"{suite.folder}/")
    completed = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    return completed.stdout


def test_the_readmes_first_chat(local_suite: Suite) -> None:
    """The README's chat prints a ticket, and its look-up finally prints the local model's answer."""
    if not local_suite.local_model:
        pytest.skip("the local model is disabled here (LOCAL_MODEL=off)")
    start, chat, look_up, providers, test = commands("README.md")
    assert (start.strip(), test.strip()) == ("make run", "make test")
    ticket = json.loads(paste(chat, local_suite))
    assert (set(ticket), ticket["status"]) == ({"ticket_id", "status"}, "pending")
    deadline = time.monotonic() + 60
    while True:
        chat_outcome = json.loads(paste(look_up.replace("TICKET_ID", ticket["ticket_id"]), local_suite))
        if chat_outcome["status"] not in ("pending", "processing"):
            break
        assert time.monotonic() < deadline
        time.sleep(0.5)
    example = example_responses("README.md")[1]
    assert chat_outcome["status"] == "completed"
    assert list(chat_outcome) == list(example)
    assert list(chat_outcome["result"]) == list(example["result"])
    assert chat_outcome["result"]["content"]
    assert "local" in json.loads(paste(providers, local_suite))


def test_the_tutorial(local_suite: Suite) -> None:
    """Each step of the tutorial, from the code to a chat with the agent, has the response that the tutorial shows."""
    start, save, run_code, deploy, call, chat, look_up = commands("docs/tutorial/first-agent.md")
    ran, called = example_responses("docs/tutorial/first-agent.md")
    assert start.strip() == "make run"
    agent = json.loads(paste(save, local_suite))
    assert agent["warnings"] == []
    outcome = json.loads(paste(run_code, local_suite))
    assert {**outcome, "durationMs": ran["durationMs"]} == ran
    paste(deploy.replace("AGENT_ID", agent["_id"]), local_suite)
    assert json.loads(paste(call, local_suite)) == called
    ticket = json.loads(paste(chat, local_suite))
    deadline = time.monotonic() + 60
    look_up = look_up.replace("TICKET_ID", ticket["ticket_id"])
    while (chat_outcome := json.loads(paste(look_up, local_suite)))["status"] in ("pending", "processing"):
        assert time.monotonic() < deadline, chat_outcome
        time.sleep(0.5)
    assert chat_outcome["result"]["content"] == "5 words, 5 of them different"
    paste(f"curl -s -X DELETE http://127.0.0.1:8000/api/agents/{agent['_id']}", local_suite)


def test_the_local_guide(firebase_suite: Suite) -> None:
    """With the guide's commands, a user signs up at the Auth emulator, and gets a token that the service accepts."""
    start, with_token = commands("docs/guides/local.md")
    assert start.strip() == "APP_ENV=firebase make run"
    assert "openai" in json.loads(paste(with_token, firebase_suite))


def test_the_guide_to_the_sandbox(local_suite: Suite) -> None:
    """The guide's code runs, and returns what the guide says, without being saved."""
    (run_code,) = commands("docs/explanation/sandbox.md")
    outcome = json.loads(paste(run_code, local_suite))
    assert (outcome["result"], outcome["logs"], outcome["error"]) == ({"outputText": "HELLO"}, ["working"], None)


@pytest.fixture
def shouter(local_suite: Suite) -> Iterator[str]:
    """Publishes the agent from the guide to agents, and returns its id. tests/functions/test_agent_docs.py tests the
    whole guide."""
    save, change_and_delete, *_ = commands("docs/reference/agents.md")
    (deploy,) = [command for command in commands("docs/reference/agents.md") if command.strip().endswith("/deploy")]
    agent_id: str = json.loads(paste(save, local_suite))["_id"]
    paste(deploy.replace("AGENT_ID", agent_id), local_suite)
    yield agent_id
    paste("curl" + change_and_delete.rpartition("curl")[2].replace("AGENT_ID", agent_id), local_suite)


def test_the_guide_to_demos(local_suite: Suite, model_server: ModelServer, shouter: str) -> None:
    """A page that uses the agent from the guide to agents is generated, saved, and opened."""
    write, save, open_page = commands("docs/reference/demos.md")
    written, saved = example_responses("docs/reference/demos.md")[:2]
    assert "no JSON object" in json.loads(paste(write, local_suite))["detail"], "the double's own answer is not a page"
    prompt = next(call.body["messages"][1]["content"] for call in model_server.calls if len(call.body["messages"]) == 2)
    model_server.script(prompt, Answer(json.dumps({**written, "js": "fetch(`${API_BASE_URL}/rest/shouter`);"})))
    assert set(json.loads(paste(write, local_suite))) == set(written)
    demo = json.loads(paste(save, local_suite))
    assert {name: value for name, value in demo.items() if name[0] != "_" and not name.endswith("At")} == {
        name: value for name, value in saved.items() if name[0] != "_" and not name.endswith("At")
    }
    page = paste(open_page.replace("DEMO_ID", demo["_id"]), local_suite)
    assert page.startswith("HTTP/1.1 200")
    assert "/rest/shouter" in page


def test_the_guide_to_schedules(local_suite: Suite, shouter: str) -> None:
    """A schedule of the agent from the guide to agents is created, disabled and deleted."""
    create, change_and_delete = commands("docs/reference/schedules.md")
    (shown,) = example_responses("docs/reference/schedules.md")
    schedule = json.loads(paste(create.replace("AGENT_ID", shouter), local_suite))
    own = {"agentId", "_id", "_rev", "createdAt", "updatedAt", "nextTimes"}
    assert list(schedule) == list(shown)
    assert {name: schedule[name] for name in schedule.keys() - own} == {
        name: shown[name] for name in shown.keys() - own
    }
    assert len(schedule["nextTimes"]) == 5
    changed = json.loads(paste(change_and_delete.replace("SCHEDULE_ID", schedule["_id"]), local_suite))
    assert (changed["enabled"], changed["nextTimes"]) == (False, [])


def test_the_guide_to_webhooks(local_suite: Suite) -> None:
    """A webhook is created, with a secret. Its notifications are tested with the guide's receiver elsewhere."""
    (create,) = commands("docs/reference/webhooks.md")
    webhook = json.loads(paste(create, local_suite))
    assert webhook["secret"].startswith("whsec_")
    paste(f"curl -s -X DELETE http://127.0.0.1:8000/api/webhooks/{webhook['_id']}", local_suite)


def test_the_guide_to_keys(local_suite: Suite) -> None:
    """A key is created as the guide shows, a chat is sent with it, and it is revoked."""
    create, chat = commands("docs/reference/keys.md")
    (example,) = example_responses("docs/reference/keys.md")
    key = json.loads(paste(create, local_suite))
    assert list(key) == list(example)
    ticket = json.loads(paste(f"KEY={key['key']}\n{chat}", local_suite))
    assert ticket["status"] == "pending"
    paste(f"curl -s -X DELETE http://127.0.0.1:8000/api/users/me/keys/{key['_id']}", local_suite)


def test_the_guide_to_mcp_and_specs(local_suite: Suite, mcp_server: "McpServer", api_server: ApiServer) -> None:
    """The guide's commands work with the tests' servers instead of third-party ones."""
    list_tools, fetch_spec = commands("docs/reference/mcp-and-specs.md")
    listed, spec, *_ = example_responses("docs/reference/mcp-and-specs.md")
    tools = json.loads(paste(list_tools.replace("https://mcp.example.com/mcp", mcp_server.url), local_suite))
    assert set(tools) == set(listed)
    assert "add" in {tool["name"] for tool in tools["tools"]}
    api_server.documents["openapi.yaml"] = (spec["content"].encode(), {"Content-Type": "application/yaml"})
    url = f"{api_server.address}/documents/openapi.yaml"
    assert json.loads(paste(fetch_spec.replace("https://api.example.com/openapi.yaml", url), local_suite)) == spec


def test_the_guide_to_observability(local_suite: Suite, model_server: ModelServer) -> None:
    """A search for the request id that the caller chose finds the log lines of the chat and of the worker."""
    search, chat = commands("docs/guides/observability.md")
    charged = chat.replace('"local"', '"openai"').replace("smollm2-135m-instruct", "gpt-4.1-mini")
    assert charged != chat
    for each in (chat, charged):
        paste(each, local_suite)
    expected = {(line["message"], line["logger"]) for line in example_responses("docs/guides/observability.md")}

    def find_lines() -> set[tuple[str, str]]:
        lines = [json.loads(line.lstrip("> ")) for line in paste(search, local_suite).splitlines()]
        return {(line["message"], line["logger"]) for line in lines}

    assert processes.wait_for(lambda: expected <= find_lines(), seconds=20), expected - find_lines()


def test_the_guide_to_money(local_suite: Suite) -> None:
    """With the guide's commands, a user reads and sets the allowance, and an administrator sees it."""
    read, change, see_all = commands("docs/explanation/money.md")
    allowance = json.loads(paste(read, local_suite))["usageInfo"]["monthlyAllowance"]
    assert json.loads(paste(change, local_suite))["usageInfo"]["monthlyAllowance"] == 50
    paste(change.replace("50", str(allowance)), local_suite)
    users = json.loads(paste(see_all.replace("a-password", ADMIN_PASSWORD.replace("'", "'\\''")), local_suite))
    assert "local-dev-user" in {user["_id"] for user in users}


def test_the_guide_to_chat(local_suite: Suite) -> None:
    """Sending the guide's chat twice with the same idempotency key creates only one ticket. Cancelling it ends it, and
    the list has it."""
    send, cancel, list_tickets = commands("docs/reference/chat.md")
    first, second = (json.loads(paste(send, local_suite)) for _ in range(2))
    assert first["ticket_id"] == second["ticket_id"]
    ended = json.loads(paste(cancel.replace("TICKET_ID", first["ticket_id"]), local_suite))
    assert ended["status"] in ("cancelled", "completed")
    listed = json.loads(paste(list_tickets.replace("completed", ended["status"]), local_suite))
    assert ended["ticket_id"] in [ticket["ticket_id"] for ticket in listed]


def test_the_guide_to_live_answers(local_suite: Suite) -> None:
    """The guide's commands send a chat, show its answer as events until `done`, and the rest after a cursor."""
    send, watch, go_on = commands("docs/guides/live-answers.md")
    ticket_id = json.loads(paste(send, local_suite))["ticket_id"]
    deadline = time.monotonic() + 60
    while "event: done" not in (events := paste(watch.replace("TICKET_ID", ticket_id), local_suite)):
        assert time.monotonic() < deadline, events
    first, *others = [block for block in events.split("\n\n") if "event: delta" in block]
    rest = paste(go_on.replace("TICKET_ID", ticket_id), local_suite)
    assert first.startswith("id: 1\n")
    assert first not in rest
    assert all(block in rest for block in others)
    assert "event: done" in rest


def test_the_guide_to_waiting_for_a_person(local_suite: Suite) -> None:
    """With the guide's commands, an agent's run waits for an answer as the guide shows it, gets it, and completes."""
    save, start, look_up, answer = commands("docs/guides/waiting-for-a-person.md")
    started, waiting = example_responses("docs/guides/waiting-for-a-person.md")
    agent = json.loads(paste(save, local_suite))
    assert agent["warnings"] == []
    response = json.loads(paste(start.replace("AGENT_ID", agent["_id"]), local_suite))
    assert (set(response), response["status"]) == (set(started), started["status"])

    def look_up_until(*statuses: str) -> Any:
        deadline = time.monotonic() + 60
        while (run := json.loads(paste(look_up.replace("RUN_ID", response["run_id"]), local_suite)))[
            "status"
        ] not in statuses:
            assert time.monotonic() < deadline, run
            time.sleep(0.5)
        return run

    asking = look_up_until("waiting", "completed", "failed")
    assert list(asking) == list(waiting)
    varying = {"run_id", "agentId", "question", "questions", "wakeAt", "created_at", "updated_at"}
    assert {name: asking[name] for name in asking if name not in varying} == {
        name: waiting[name] for name in waiting if name not in varying
    }
    times = ("asked_at", "expires_at")
    assert asking["questions"] == [asking["question"]]
    assert {name: asking["question"][name] for name in asking["question"] if name not in times} == {
        name: waiting["question"][name] for name in waiting["question"] if name not in times
    }
    paste(answer.replace("RUN_ID", response["run_id"]), local_suite)
    ended = look_up_until("completed", "failed")
    assert (ended["result"], ended["attempts"], ended["question"]) == ({"outputText": "refunded"}, 2, None)
    paste(f"curl -s -X DELETE http://127.0.0.1:8000/api/agents/{agent['_id']}", local_suite)


def test_every_command_in_the_guides_is_run() -> None:
    """A new guide with commands needs a test in this file, unless the commands are for a Google Cloud project.

    tests/docs/test_commands.py checks that the command line tools support the latter.
    """
    documents = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")]
    with_commands = {str(path.relative_to(ROOT)) for path in documents if "```sh" in path.read_text()}
    run = {
        *(
            "tutorial/first-agent",
            "guides/local",
            "guides/live-answers",
            "guides/observability",
            "guides/other-clients",
            "guides/waiting-for-a-person",
            "explanation/money",
            "explanation/sandbox",
        ),
        *("reference/agents", "reference/chat", "reference/demos", "reference/mcp-and-specs"),
        *("reference/keys", "reference/schedules", "reference/webhooks"),
    }
    cloud = {"docs/guides/deploy.md", "docs/guides/operations.md", "deploy/monitoring/README.md"}
    assert with_commands == {"README.md", *(f"docs/{name}.md" for name in run), *cloud}
