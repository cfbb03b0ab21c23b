"""The documents' commands, run as a reader would paste them, against the running suite."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from local_platform.ports import Ports
from local_platform.suite import Suite

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]


def commands(document: str) -> list[str]:
    """The shell blocks of a document, in order."""
    return re.findall(r"```sh\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)


def paste(command: str, suite: Suite) -> str:
    """What the command prints, with the suite's ports in the place of the default ones."""
    for name, port in Ports().by_name().items():
        command = command.replace(f"127.0.0.1:{port}", f"127.0.0.1:{suite.ports.by_name()[name]}")
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_the_readmes_first_chat(local_suite: Suite) -> None:
    """The chat prints a ticket, and the look-up, in the end, the local model's answer."""
    if not local_suite.local_model:
        pytest.skip("the local model is left out here (LOCAL_MODEL=off)")
    start, chat, look_up, providers, test = commands("README.md")
    assert (start.strip(), test.strip()) == ("make run", "make test")
    ticket = json.loads(paste(chat, local_suite))
    assert (set(ticket), ticket["status"]) == ({"ticket_id", "status"}, "pending")
    deadline = time.monotonic() + 60
    while True:
        answer = json.loads(paste(look_up.replace("TICKET_ID", ticket["ticket_id"]), local_suite))
        if answer["status"] not in ("pending", "processing"):
            break
        assert time.monotonic() < deadline
        time.sleep(0.5)
    shown = json.loads(re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1])
    assert answer["status"] == "completed"
    assert list(answer) == list(shown)
    assert list(answer["result"]) == list(shown["result"])
    assert answer["result"]["content"]
    assert "local" in json.loads(paste(providers, local_suite))


def test_the_token_of_the_local_guide(firebase_suite: Suite) -> None:
    """Signing up at the Auth emulator gives a token that the service takes."""
    start, with_token = commands("docs/local.md")
    assert start.strip() == "APP_ENV=firebase make run"
    assert "openai" in json.loads(paste(with_token, firebase_suite))
