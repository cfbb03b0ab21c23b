"""The commands that are printed at the start can be pasted into a shell."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from local_platform.announce import format_announcement
from local_platform.ports import Ports
from local_platform.suite import Suite


def _extract_commands(text: str) -> str:
    """Returns the commands: every indented line from the first assignment on."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(("  TOKEN=", "  TICKET=")))
    return "\n".join(line for line in lines[first:] if line.startswith("  "))


@pytest.mark.parametrize("app_env", ["local", "firebase"])
def test_the_commands_are_valid_shell(app_env: str) -> None:
    """A shell parses the printed commands, including their quotes, without errors."""
    text = format_announcement(Suite(app_env=app_env, environ={}, local_model=True))
    process = subprocess.run(["sh", "-n"], input=_extract_commands(text), text=True, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr


def test_the_commands_sign_up_first_if_tokens_are_required() -> None:
    """Both requests send the token. If tokens are not required, no command sends one."""
    text = format_announcement(Suite(app_env="firebase", environ={}, ports=Ports().moved(100)))
    assert "127.0.0.1:9199/identitytoolkit.googleapis.com/v1/accounts:signUp" in text
    assert text.count('-H "Authorization: Bearer $TOKEN"') == 2
    assert "Authorization" not in format_announcement(Suite(app_env="local", environ={}))


@pytest.mark.parametrize(
    ("response", "code", "shown"),
    [({"idToken": "a-token"}, 0, "a-token\n"), ({"error": {"message": "EMAIL_EXISTS"}}, 1, "EMAIL_EXISTS\n")],
)
def test_signing_up_twice_is_reported(response: object, code: int, shown: str) -> None:
    """The command prints the token or, without a traceback, the reason for the failure."""
    text = format_announcement(Suite(app_env="firebase", environ={}))
    (reading,) = re.findall(r"python3 -c 'import json,sys; response.*?'(?=\))", text)
    process = subprocess.run(
        ["sh", "-c", reading], input=json.dumps(response), text=True, capture_output=True, check=False
    )
    assert (process.returncode, process.stdout + process.stderr) == (code, shown)


def test_the_chat_is_looked_up_until_it_is_answered(tmp_path: Path) -> None:
    """The printed responses show the progress, and the loop ends when the chat is completed."""
    text = format_announcement(Suite(app_env="local", environ={}, local_model=True))
    (loop,) = re.findall(r"^  (while .*)$", text, re.MULTILINE)
    for name, program in {
        "sleep": "#!/bin/sh\n",
        "curl": '#!/bin/sh\necho x >> calls\ncase $(wc -l < calls) in *1) echo \'{"status":"pending"}\';; '
        '*2) echo \'{"status":"processing"}\';; *) echo \'{"status":"completed"}\';; esac\n',
    }.items():
        (tmp_path / name).write_text(program)
        (tmp_path / name).chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    process = subprocess.run(
        ["sh", "-c", loop], cwd=tmp_path, env=environ, text=True, capture_output=True, check=True, timeout=30
    )
    statuses = [json.loads(line)["status"] for line in process.stderr.splitlines()]
    assert statuses == ["pending", "processing", "completed"]
