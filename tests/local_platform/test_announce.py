"""What is printed at the start can be pasted."""

import subprocess

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
    """Quotes and all."""
    text = announcement(Suite(app_env=app_env, environ={}, local_model=True))
    checked = subprocess.run(["sh", "-n"], input=_commands(text), text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_they_sign_up_first_where_tokens_are_demanded() -> None:
    """And send the token with both requests."""
    text = announcement(Suite(app_env="firebase", environ={}, ports=Ports().moved(100)))
    assert "127.0.0.1:9199/identitytoolkit.googleapis.com/v1/accounts:signUp" in text
    assert text.count('-H "Authorization: Bearer $TOKEN"') == 2
    assert "Authorization" not in announcement(Suite(app_env="local", environ={}))
