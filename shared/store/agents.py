"""Agents: `agents/{id}`, with what lists are sorted and chosen by as fields, and all that users say as JSON text."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, AsyncQuery, Query
from google.cloud.firestore_v1.base_query import FieldFilter, Or

from shared.models.agent import AgentFields, StoredAgent
from shared.models.errors import TooLarge
from shared.models.wire import is_plain_id
from shared.store.pages import page_of
from shared.store.transaction import Transaction

MAX_BODY_BYTES = 1_000_000
"""How long an agent may be as JSON. Firestore's limit for a document is 1,048,576 bytes with all its names:
https://firebase.google.com/docs/firestore/quotas"""


class AgentStore:
    """Reads and writes agents. Who may, is for the services to say."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _agent(self, agent_id: str) -> AsyncDocumentReference:
        return self._client.collection("agents").document(agent_id)

    async def get(self, agent_id: str, transaction: Transaction | None = None) -> StoredAgent | None:
        """One read; none for what cannot be an id."""
        if not is_plain_id(agent_id):
            return None
        reference = self._agent(agent_id)
        document = await transaction.get(reference) if transaction else (await reference.get()).to_dict()
        return None if document is None else _from_document(agent_id, document)

    async def get_many(self, agent_ids: Sequence[str]) -> list[StoredAgent]:
        """Those that there are, in the order of `agent_ids`. One request, as many reads as ids."""
        wanted = [agent_id for agent_id in dict.fromkeys(agent_ids) if is_plain_id(agent_id)]
        if not wanted:
            return []
        found: dict[str, StoredAgent] = {}
        async for snapshot in self._client.get_all([self._agent(agent_id) for agent_id in wanted]):
            if (document := snapshot.to_dict()) is not None:
                found[snapshot.id] = _from_document(snapshot.id, document)
        return [found[agent_id] for agent_id in wanted if agent_id in found]

    async def page(
        self, uid: str, limit: int, after: tuple[datetime, str] | None = None, everybodys: bool = False
    ) -> tuple[list[StoredAgent], bool]:
        """The user's own and the shared ones, or everybody's; the newest change first, those after `after` (its time
        and id); and whether there may be more. One query, as many reads as agents (see `page_of`).
        """
        query: AsyncQuery = self._client.collection("agents").order_by("updated_at", direction=Query.DESCENDING)
        if not everybodys:
            query = query.where(filter=Or([FieldFilter("owner", "==", uid), FieldFilter("visibility", "==", "shared")]))
        query = query.order_by("__name__", direction=Query.DESCENDING)
        if after is not None:
            query = query.start_after({"updated_at": after[0], "__name__": self._agent(after[1])})
        documents, more = await page_of(query, limit)
        return [_from_document(name, document) for name, document in documents], more

    def put(self, agent: StoredAgent, transaction: Transaction) -> None:
        """Writes an agent that the transaction has read, or looked for in vain. Raises `TooLarge`."""
        transaction.set(self._agent(agent.id), _to_document(agent))

    def remove(self, agent: StoredAgent, transaction: Transaction) -> None:
        """Deletes an agent that the transaction has read."""
        transaction.delete(self._agent(agent.id))


def _to_document(agent: StoredAgent) -> dict[str, Any]:
    body = agent.fields.model_dump_json()
    size = len(body.encode())
    if size > MAX_BODY_BYTES:
        raise TooLarge(
            f"The agent is {size} bytes long; at most {MAX_BODY_BYTES} can be kept. Shorten its code or its specs."
        )
    document = agent.model_dump(exclude={"id", "fields"})
    return {**document, "visibility": agent.fields.visibility, "body": body}


def _from_document(agent_id: str, document: dict[str, Any]) -> StoredAgent:
    kept = {name: value for name, value in document.items() if name not in ("body", "visibility")}
    return StoredAgent(id=agent_id, fields=AgentFields.model_validate_json(document["body"]), **kept)
