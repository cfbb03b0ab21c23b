"""Formats the text that the terminal shows when the service is ready: addresses, and commands to paste."""

import json

from local_platform.model_server import ALIAS
from local_platform.suite import Suite

_NEW_USER = {"email": "me@example.com", "password": "a-password", "returnSecureToken": True}
_READ_SIGN_UP = (
    "python3 -c 'import json,sys; response = json.load(sys.stdin); "
    """print(response.get("idToken") or sys.exit(response["error"]["message"]))'"""
)
"""Prints the token, or the error message if sign-up failed, such as `EMAIL_EXISTS` for an existing account."""


def format_announcement(suite: Suite) -> str:
    """Returns the addresses, and curl commands that send a first chat."""
    ports = suite.ports
    lines = [
        f"✓ Ready: {suite.url}   (APP_ENV={suite.app_env})",
        "",
        f"  health     {suite.url}/health",
        f"  API        {suite.url}/docs",
        f"  Firestore  {suite.env['FIRESTORE_EMULATOR_HOST']}",
        f"  Auth       127.0.0.1:{ports.auth}",
        f"  Functions  127.0.0.1:{ports.functions}",
        f"  Tasks      127.0.0.1:{ports.tasks}",
        *([f"  Model      127.0.0.1:{ports.model}/v1   ({ALIAS})"] if suite.local_model else []),
        *([f"  UI         http://127.0.0.1:{ports.ui}"] if suite.ui else []),
        f"  log        {suite.log.path}",
        "",
    ]
    lines += _first_chat(suite)
    lines += ["", "Edits below functions/ and shared/ are reloaded. Ctrl-C saves the data and stops everything."]
    return "\n".join(lines)


def _first_chat(suite: Suite) -> list[str]:
    bearer = ""
    lines: list[str] = []
    if suite.app_env == "firebase":
        sign_up = f"{suite.auth_url}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=any"
        lines += [
            "Sign up at the Auth emulator (the second time, use accounts:signInWithPassword):",
            f"  TOKEN=$(curl -s '{sign_up}' -H 'Content-Type: application/json' \\",
            f"    -d '{json.dumps(_NEW_USER)}' | {_READ_SIGN_UP})",
        ]
        bearer = ' -H "Authorization: Bearer $TOKEN"'
    if not suite.local_model:
        return [
            *lines,
            "The local model is not running. To list the models that can be called:",
            f"  curl -s {suite.url}/providers{bearer}",
        ]
    chat = {
        "provider": "local",
        "model": ALIAS,
        "parameters": {"temperature": 0, "max_tokens": 100},
        "messages": [{"role": "user", "content": "What is the capital of Germany?"}],
    }
    lines += [
        "Send a chat, and poll it until it is answered:",
        f"  TICKET=$(curl -s {suite.url}/chat{bearer} -H 'Content-Type: application/json' \\",
        f"    -d '{json.dumps(chat)}' | {_field('ticket_id')})",
        f"  while curl -s -w '\\n' {suite.url}/chat/$TICKET{bearer} | tee /dev/stderr | "
        """grep -q '"status":"p'; do sleep 1; done""",
    ]
    return lines


def _field(name: str) -> str:
    return f"""python3 -c 'import json,sys; print(json.load(sys.stdin)["{name}"])'"""
