"""Days of deployments: `deploymentDays/{agent id}.{day}` stores what a deployment's callers spent on that day."""

from google.cloud.firestore import AsyncClient, AsyncDocumentReference

from shared.models.deployment_day import DeploymentDay
from shared.store.transaction import Transaction, read


class DeploymentDayStore:
    """Reads and writes days. Firestore's TTL on `expire_at` deletes past days."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _day(self, day_id: str) -> AsyncDocumentReference:
        return self._client.collection("deploymentDays").document(day_id)

    async def get(self, day_id: str, transaction: Transaction | None = None) -> DeploymentDay | None:
        """Returns the day, None if nothing has been spent on it. One read; none if `day_id` is empty."""
        if not day_id:
            return None
        document = await read(self._day(day_id), transaction)
        return None if document is None else DeploymentDay(id=day_id, **document)

    def put(self, day: DeploymentDay, transaction: Transaction) -> None:
        """Writes a day that the transaction has read."""
        transaction.set(self._day(day.id), day.model_dump(exclude={"id"}))
