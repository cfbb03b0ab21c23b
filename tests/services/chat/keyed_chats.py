"""Chats under an `Idempotency-Key`, for tests."""

from shared.models.caller import Caller
from shared.models.chat import ChatRequest
from shared.store import Database
from tests.services.chat.test_submission import request

KEY = "0b1f7a52-8e1c-4c53-9c2b-0d6a3a0f1f11"


HELD = {"max_tokens": 100}


def asking(text: str = "hi", **fields: object) -> ChatRequest:
    return request(messages=[{"role": "user", "content": text}], parameters=HELD, **fields)


async def held(database: Database, caller: Caller) -> int:
    account = await database.accounts.get(caller.uid)
    return account.held if account else 0


async def kept(database: Database) -> int:
    """How many requests are remembered."""
    return len(await database._client.collection("idempotency").get())  # pyright: ignore[reportPrivateUsage]
