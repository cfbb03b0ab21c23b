"""Turns: `users/{uid}/turns/{kind}` lists the user's tickets that are being worked on."""

from google.cloud.firestore import AsyncClient, AsyncDocumentReference

from shared.models.turns import TurnKind, Turns
from shared.store.transaction import Transaction, read


class TurnStore:
    """Reads and writes turns.

    The document is written when a turn is taken or released, but not by tickets that find no free turn. A flood of one
    user's tickets therefore only reads it.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _turns(self, owner: str, kind: TurnKind) -> AsyncDocumentReference:
        return self._client.collection("users").document(owner).collection("turns").document(kind)

    async def get(self, owner: str, kind: TurnKind, transaction: Transaction | None = None) -> Turns:
        """Returns the turns. A user without the document has all turns free. One read."""
        document = await read(self._turns(owner, kind), transaction)
        return Turns(owner=owner, kind=kind, **(document or {}))

    def put(self, turns: Turns, transaction: Transaction) -> None:
        """Writes turns that the transaction has read."""
        reference = self._turns(turns.owner, turns.kind)
        transaction.set(reference, turns.model_dump(exclude={"owner", "kind"}))
