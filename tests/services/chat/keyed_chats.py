"""Sends chats with an `Idempotency-Key`, and reads the holds and keys that they store."""

from datetime import UTC, datetime

from shared.models.caller import Caller
from shared.models.chat import Accepted, ChatRequest
from shared.services.chat.submission import ChatService
from shared.store import Database, Transaction

KEY = "0b1f7a52-8e1c-4c53-9c2b-0d6a3a0f1f11"


def chat_request(**fields: object) -> ChatRequest:
    body = {"messages": [{"role": "user", "content": "hi"}], "provider": "openai", "model": "gpt-4.1-mini", **fields}
    return ChatRequest.model_validate(body)


def limited_request(text: str = "hi", **fields: object) -> ChatRequest:
    """Returns a request with a limited answer length, so that its hold is small."""
    return chat_request(messages=[{"role": "user", "content": text}], parameters={"max_tokens": 100}, **fields)


async def submit_once(
    chat: ChatService, caller: Caller, text: str = "hi", key: str | None = KEY, **fields: object
) -> tuple[Accepted, bool]:
    """Sends a chat with `key`, and returns its ticket and whether the response is a replay."""
    return await chat.submit_once(caller, limited_request(text, **fields), key)


async def get_held(database: Database, caller: Caller) -> int:
    account = await database.accounts.get(caller.uid)
    return account.held if account else 0


async def count_stored_keys(database: Database) -> int:
    return len(await database._client.collection("idempotency").get())  # pyright: ignore[reportPrivateUsage]


async def take(database: Database, ticket_id: str) -> None:
    """Leases a ticket, as a worker does when it begins to answer it."""

    async def lease(transaction: Transaction) -> None:
        ticket = await database.tickets.get(ticket_id, transaction)
        assert ticket is not None
        database.tickets.put(ticket.lease_to("worker", datetime.now(UTC), 60), transaction)

    await database.transaction(lease)
