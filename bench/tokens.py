"""ID tokens as the Auth emulator issues them: unsigned, so that checking them costs less than in the cloud."""

from tests.tokens import token


def bearer(project: str, uid: str) -> str:
    """Returns the value of the header `Authorization` for a user who has just signed in."""
    return f"Bearer {token(project, uid)}"
