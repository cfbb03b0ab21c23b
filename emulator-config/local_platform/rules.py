"""Loads this project's security rules into a running Firestore emulator."""

import http.client
import json

from local_platform.console import Problem
from local_platform.environment import PROJECT


def load_rules(host: str, rules: str, project: str = PROJECT) -> None:
    """Replaces the rules of the emulator at `host` (`name:port`). Raises `Problem` if the emulator rejects them."""
    body = {"rules": {"files": [{"name": "security.rules", "content": rules}]}}
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request(
            "PUT",
            f"/emulator/v1/projects/{project}:securityRules",
            json.dumps(body),
            {"Content-Type": "application/json"},
        )
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise Problem(
            f"The Firestore emulator at {host} does not answer ({error})", "Start it, then try again."
        ) from error
    finally:
        connection.close()
    if response.status != 200:
        raise Problem(f"The Firestore emulator at {host} rejects the security rules", text.strip())
