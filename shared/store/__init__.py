"""Access to Firestore. No other package imports google.cloud.firestore. Queries live here; business rules do not."""

from shared.store.database import Database
from shared.store.transaction import Transaction

__all__ = ["Database", "Transaction"]
