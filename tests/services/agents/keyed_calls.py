"""Calls of published agents under an `Idempotency-Key`, for tests."""

from typing import Any

from shared.models.caller import Caller
from shared.models.wire import JsonObject
from shared.store import Database

OWNER = Caller(uid="owner")


HI: JsonObject = {"inputText": "hi"}


CLOCK = "from datetime import datetime\n\nasync def run(input_dict, tools):\n    return str(datetime.now())"


TWICE = """
async def run(input_dict, tools):
    await call_llm("openai", "gpt-4.1-mini", "first", {"max_tokens": 100})
    await call_llm("openai", "gpt-4.1-mini", "second", {"max_tokens": 100})
"""


async def kept(database: Database) -> list[Any]:
    """What is remembered: the documents."""
    return await database._client.collection("idempotency").get()  # pyright: ignore[reportPrivateUsage]


async def change_kept(database: Database, **fields: object) -> None:
    for document in await kept(database):
        await document.reference.update(fields)
