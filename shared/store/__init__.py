"""Access to Firestore. No other package imports google.cloud.firestore. Contains queries, but no business rules."""

from shared.store.database import Database
from shared.store.transaction import Transaction

__all__ = ["Database", "Transaction"]
