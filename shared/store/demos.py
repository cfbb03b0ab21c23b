"""Demos: `demos/{id}`."""

from google.cloud.firestore import AsyncClient

from shared.models.demo import StoredDemo
from shared.store.owned import OwnedStore


class DemoStore(OwnedStore[StoredDemo]):
    """Reads and writes demos."""

    def __init__(self, client: AsyncClient) -> None:
        super().__init__(client, "demos", StoredDemo, "its code")
