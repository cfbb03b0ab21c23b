"""Creates unsigned ID tokens, as the Auth emulator does."""

import base64
import json
import time
from typing import Any


def token(project: str, uid: str, header: dict[str, Any] | None = None, signature: str = "", **claims: Any) -> str:
    """Returns a token of the user `uid` in `project` that is valid for an hour. `claims` replace or add to its
    claims."""
    now = int(time.time())
    payload = {
        "iss": f"https://securetoken.google.com/{project}",
        "aud": project,
        "sub": uid,
        "user_id": uid,
        "iat": now - 10,
        "auth_time": now - 10,
        "exp": now + 3600,
        **claims,
    }
    return f"{part(header or {'alg': 'none', 'typ': 'JWT'})}.{part(payload)}.{signature}"


def part(data: Any) -> str:
    """Encodes a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()
