"""Calls published agents with an `Idempotency-Key`, and reads and changes the documents that such calls store."""

from typing import Any

from shared.models.caller import Caller
from shared.models.wire import JsonObject
from shared.services.agents.published import PublishedService
from shared.services.agents.stored_runs import PublishedAnswer
from shared.store import Database
from tests.services.harness import Harness

KEY = "0b1f7a52-8e1c-4c53-9c2b-0d6a3a0f1f11"
OWNER = Caller(uid="owner")
HI: JsonObject = {"inputText": "hi"}
CLOCK = "from datetime import datetime\n\nasync def run(input_dict, tools):\n    return str(datetime.now())"
TWO_CALLS = """
async def run(input_dict, tools):
    await call_llm("openai", "gpt-4.1-mini", "first", {"max_tokens": 100})
    await call_llm("openai", "gpt-4.1-mini", "second", {"max_tokens": 100})
"""


async def call(published: PublishedService, name: str, input_dict: JsonObject = HI, key: str = KEY) -> PublishedAnswer:
    return await published.call(name, input_dict, "1.1.1.1", key)


def create_impatient_service(harness: Harness, seconds: float = 2.0) -> PublishedService:
    """Returns a service that has its own database client and waits at most `seconds` during an outage."""
    settings = harness.settings.model_copy(update={"store_timeout_seconds": seconds})
    return PublishedService(Database(settings), harness.runs, settings)


async def get_key_documents(database: Database) -> list[Any]:
    """Returns the documents that are stored for idempotency keys."""
    return await database._client.collection("idempotency").get()  # pyright: ignore[reportPrivateUsage]


async def change_key_documents(database: Database, **fields: object) -> None:
    for document in await get_key_documents(database):
        await document.reference.update(fields)
