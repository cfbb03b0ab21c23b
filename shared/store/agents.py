"""Agents: `agents/{id}`."""

from collections.abc import Sequence

from google.cloud.firestore import AsyncClient

from shared.models.agent import StoredAgent
from shared.models.wire import is_plain_id
from shared.store.owned import OwnedStore


class AgentStore(OwnedStore[StoredAgent]):
    """Reads and writes agents."""

    def __init__(self, client: AsyncClient) -> None:
        super().__init__(client, "agents", StoredAgent, "its code or its specs")

    async def get_many(self, agent_ids: Sequence[str]) -> list[StoredAgent]:
        """Returns the agents that exist, in the order of `agent_ids`. One request, and one read per id."""
        valid_ids = [agent_id for agent_id in dict.fromkeys(agent_ids) if is_plain_id(agent_id)]
        if not valid_ids:
            return []
        agents: dict[str, StoredAgent] = {}
        async for snapshot in self._client.get_all([self._document(agent_id) for agent_id in valid_ids]):
            if (document := snapshot.to_dict()) is not None:
                agents[snapshot.id] = self._read(snapshot.id, document)
        return [agents[agent_id] for agent_id in valid_ids if agent_id in agents]
