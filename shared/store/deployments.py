"""Deployments: `deployments/{friendly name}`. The document's id ensures that a name belongs to only one agent."""

from collections.abc import Sequence
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, AsyncQuery
from pydantic import TypeAdapter

from shared.models.deployment import Deployment
from shared.models.wire import JsonObject, is_plain_id
from shared.store.owned import seen_by
from shared.store.pages import page_of
from shared.store.transaction import Transaction, read

_schema = TypeAdapter[JsonObject | None](JsonObject | None)
_SCHEMAS = ("input_schema", "output_schema")


class DeploymentStore:
    """Reads and writes deployments. The services check permissions."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _deployment(self, friendly_name: str) -> AsyncDocumentReference:
        return self._client.collection("deployments").document(friendly_name)

    async def get(self, friendly_name: str, transaction: Transaction | None = None) -> Deployment | None:
        """Returns the deployment. One read; none if the name is not valid."""
        if not is_plain_id(friendly_name):
            return None
        document = await read(self._deployment(friendly_name), transaction)
        return None if document is None else _from_document(friendly_name, document)

    async def find_taken(self, friendly_names: Sequence[str]) -> set[str]:
        """Returns which of the names are in use. One request, and one read per name."""
        references = [self._deployment(name) for name in friendly_names]
        return {snapshot.id async for snapshot in self._client.get_all(references, field_paths=[]) if snapshot.exists}

    async def page(
        self,
        uid: str,
        limit: int,
        after: str | None = None,
        all_owners: bool = False,
        max_bytes: int | None = None,
    ) -> tuple[list[Deployment], bool]:
        """Lists the user's own and the shared deployments, or those of all users, sorted by name.

        `after`: the name that the previous page ended with. `max_bytes`: see `page_of`. Also returns whether there may
        be more. One query, and one read per deployment.
        """
        query: AsyncQuery = self._client.collection("deployments").order_by("__name__")
        query = seen_by(query, uid, all_owners)
        if after is not None:
            query = query.start_after({"__name__": self._deployment(after)})
        documents, more = await page_of(query, limit, max_bytes)
        return [_from_document(name, document) for name, document in documents], more

    def put(self, deployment: Deployment, transaction: Transaction) -> None:
        """Writes a deployment. The transaction must have read its document before."""
        document = deployment.model_dump(exclude={"friendly_name", *_SCHEMAS})
        texts = {name: _schema.dump_json(getattr(deployment, name)).decode() for name in _SCHEMAS}
        transaction.set(self._deployment(deployment.friendly_name), {**document, **texts})

    def remove(self, friendly_name: str, transaction: Transaction) -> None:
        """Deletes a deployment that the transaction has read."""
        transaction.delete(self._deployment(friendly_name))


def _from_document(friendly_name: str, document: dict[str, Any]) -> Deployment:
    schemas: dict[str, Any] = {name: _schema.validate_json(document[name]) for name in _SCHEMAS}
    return Deployment(friendly_name=friendly_name, **{**document, **schemas})
