"""The commands that are printed at the start can be pasted."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from local_platform.announce import announcement
from local_platform.ports import Ports
from local_platform.suite import Suite


def _commands(text: str) -> str:
    """The pasted part: every indented line from the first assignment on."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(("  TOKEN=", "  TICKET=")))
    return "\n".join(line for line in lines[first:] if line.startswith("  "))


@pytest.mark.parametrize("app_env", ["local", "firebase"])
def test_the_commands_are_valid_shell(app_env: str) -> None:
    """Including their quotes."""
    text = announcement(Suite(app_env=app_env, environ={}, local_model=True))
    checked = subprocess.run(["sh", "-n"], input=_commands(text), text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_they_sign_up_first_if_tokens_are_required() -> None:
    """They send the token with both requests."""
    text = announcement(Suite(app_env="firebase", environ={}, ports=Ports().moved(100)))
    assert "127.0.0.1:9199/identitytoolkit.googleapis.com/v1/accounts:signUp" in text
    assert text.count('-H "Authorization: Bearer $TOKEN"') == 2
    assert "Authorization" not in announcement(Suite(app_env="local", environ={}))


@pytest.mark.parametrize(
    ("answer", "code", "shown"),
    [({"idToken": "a-token"}, 0, "a-token\n"), ({"error": {"message": "EMAIL_EXISTS"}}, 1, "EMAIL_EXISTS\n")],
)
def test_signing_up_twice_is_reported(answer: object, code: int, shown: str) -> None:
    """Without a traceback."""
    text = announcement(Suite(app_env="firebase", environ={}))
    (reading,) = re.findall(r"python3 -c 'import json,sys; answer.*?'(?=\))", text)
    read = subprocess.run(["sh", "-c", reading], input=json.dumps(answer), text=True, capture_output=True, check=False)
    assert (read.returncode, read.stdout + read.stderr) == (code, shown)


def test_the_chat_is_looked_up_until_it_is_answered(tmp_path: Path) -> None:
    """The printed answers show the progress; an error ends the loop, too."""
    text = announcement(Suite(app_env="local", environ={}, local_model=True))
    (loop,) = re.findall(r"^  (while .*)$", text, re.MULTILINE)
    for name, program in {
        "sleep": "#!/bin/sh\n",
        "curl": '#!/bin/sh\necho x >> calls\ncase $(wc -l < calls) in *1) echo \'{"status":"pending"}\';; '
        '*2) echo \'{"status":"processing"}\';; *) echo \'{"status":"completed"}\';; esac\n',
    }.items():
        (tmp_path / name).write_text(program)
        (tmp_path / name).chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    asked = subprocess.run(
        ["sh", "-c", loop], cwd=tmp_path, env=environ, text=True, capture_output=True, check=True, timeout=30
    )
    assert [json.loads(line)["status"] for line in asked.stderr.splitlines()] == ["pending", "processing", "completed"]
