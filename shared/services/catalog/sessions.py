"""Sessions: each stores the model of a conversation. Only its owner can see a session; it ends 30 days after its last
use.
"""

from datetime import timedelta

from shared import clock
from shared.models.caller import Caller
from shared.models.errors import NotFound, TooLarge
from shared.models.session import ProviderConfig, Session, SessionConfigured, SessionDeleted
from shared.services.quotas import QuotaService
from shared.store import Database, Transaction

_PROLONGED_AFTER = timedelta(days=1)
"""Reading prolongs a session at most once a day. Otherwise each read would cost a write."""
LIFETIME = timedelta(days=30) + _PROLONGED_AFTER
MAX_CONFIG_BYTES = 100_000


class SessionService:
    """Manages sessions. Without `quotas`, a user may have any number.

    Raises `NotFound` for a session that is unknown, has ended, or belongs to another user.
    """

    def __init__(self, database: Database, quotas: QuotaService | None = None) -> None:
        self._database = database
        self._quotas = quotas

    async def configure(self, caller: Caller, session_id: str, config: ProviderConfig) -> SessionConfigured:
        """Creates or replaces a session.

        Raises `TooLarge` for a configuration above 100,000 bytes, and if the user has the maximum number of sessions.
        """
        size = len(config.model_dump_json().encode())
        if size > MAX_CONFIG_BYTES:
            raise TooLarge(f"The configuration is {size} bytes long; the limit is {MAX_CONFIG_BYTES}.")
        session = Session(session_id=session_id, config=config, expire_at=clock.now() + LIFETIME)

        async def write(transaction: Transaction) -> None:
            previous = await self._database.sessions.get(caller.uid, session_id, transaction)
            if previous is None and self._quotas:
                await self._quotas.refuse_another_session(caller.uid, transaction)
            self._database.sessions.put(caller.uid, session, transaction)

        await self._database.transaction(write, serialize_on=f"sessions:{caller.uid}")
        return SessionConfigured(session_id=session_id)

    async def get_config(self, caller: Caller, session_id: str) -> ProviderConfig:
        """The session's model configuration. One read, and at most one write a day."""
        now = clock.now()
        async with self._database.raising_unavailable():
            session = await self._database.sessions.get(caller.uid, session_id)
            if session is None or session.expire_at <= now:
                raise NotFound("There is no such session.")
            if session.expire_at < now + LIFETIME - _PROLONGED_AFTER:
                await self._database.sessions.prolong(caller.uid, session_id, now + LIFETIME)
        return session.config

    async def delete(self, caller: Caller, session_id: str) -> SessionDeleted:
        """Deletes the session. One transaction."""

        async def delete(transaction: Transaction) -> bool:
            return await self._database.sessions.delete(caller.uid, session_id, transaction)

        if not await self._database.transaction(delete):
            raise NotFound("There is no such session.")
        return SessionDeleted()
