"""The database: one store for each kind of document, and transactions across the stores."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from google.api_core.exceptions import GoogleAPICallError, InvalidArgument, RetryError
from google.cloud.firestore import AsyncClient

from shared.log import get_logger
from shared.models.errors import NotStarted, Unavailable
from shared.per_loop import per_loop
from shared.settings import Settings
from shared.store.accounts import AccountStore
from shared.store.agents import AgentStore
from shared.store.audit import AuditStore
from shared.store.demos import DemoStore
from shared.store.deployment_days import DeploymentDayStore
from shared.store.deployments import DeploymentStore
from shared.store.group_commit import CommitGroup
from shared.store.holds import HoldStore
from shared.store.idempotency import IdempotencyStore
from shared.store.rate_limits import RateLimitStore
from shared.store.sessions import SessionStore
from shared.store.tickets import TicketStore
from shared.store.transaction import Overtaken, Transaction, run_transaction
from shared.store.turns import TurnStore

T = TypeVar("T")
_log = get_logger("store")


@per_loop
def _client(project: str) -> AsyncClient:
    return AsyncClient(project=project)


@per_loop
def _locks() -> WeakValueDictionary[tuple[str, str], asyncio.Lock]:
    return WeakValueDictionary()


@per_loop
def _groups() -> WeakValueDictionary[tuple[str, str], CommitGroup]:
    return WeakValueDictionary()


class Database:
    """All stores, with one client. It is cheap to create: all instances on one event loop share the client."""

    def __init__(self, settings: Settings) -> None:
        self.project = settings.google_cloud_project
        self._client = _client(self.project)
        self._seconds = settings.store_timeout_seconds
        days = settings.ticket_retention_days
        self.tickets = TicketStore(
            self._client,
            timedelta(days=days) if days else None,
            timedelta(seconds=settings.ticket_max_age_seconds),
        )
        self.accounts = AccountStore(self._client)
        self.sessions = SessionStore(self._client)
        self.audit = AuditStore(self._client)
        self.holds = HoldStore(self._client)
        self.agents = AgentStore(self._client)
        self.deployments = DeploymentStore(self._client)
        self.deployment_days = DeploymentDayStore(self._client)
        self.demos = DemoStore(self._client)
        self.rate_limits = RateLimitStore(self._client)
        self.idempotency = IdempotencyStore(self._client)
        self.turns = TurnStore(self._client)

    @asynccontextmanager
    async def raising_unavailable(self) -> AsyncGenerator[None]:
        """Turns outages and timeouts of Firestore into `Unavailable`. For database access outside of transactions.

        `InvalidArgument` passes through: a request that Firestore rejects as malformed is a bug in this service.
        """
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except InvalidArgument:
            raise
        except (GoogleAPICallError, RetryError, TimeoutError, Overtaken) as error:
            _log.error("Firestore failed: %s: %s", type(error).__name__, str(error)[:300])
            raise Unavailable("The database cannot be reached right now. Try again.", retry_after=5) from error

    async def transaction(self, body: Callable[[Transaction], Awaitable[T]], serialize_on: str | None = None) -> T:
        """Runs `body` in a transaction: all of its writes take effect, or none. See `run_transaction`.

        Transactions with the same `serialize_on` take turns within this process instead of overtaking each other. It
        should name the document that they all write. Raises `Unavailable` if Firestore cannot be reached or other
        transactions always overtake this one, and `NotStarted` if its turn did not come in time.
        """
        with _Start() as start:
            async with self.raising_unavailable(), self._turn(serialize_on):
                start.mark()
                return await run_transaction(self._client, body, self._seconds)

    async def change(self, group: str, body: Callable[[Transaction], Awaitable[T]], *, urgent: bool = False) -> T:
        """Runs `body` in a transaction that may be committed together with others of the same group.

        See `shared.store.group_commit`. `urgent` transactions go first: an amount that has been spent must be recorded,
        however many other transactions are waiting. Raises what `transaction` raises.
        """
        commits = _groups().setdefault((self.project, group), CommitGroup(self._client, self._seconds))
        with _Start() as start:
            async with self.raising_unavailable():
                return await commits.run(body, start.mark, urgent=urgent)

    def _turn(self, name: str | None) -> AbstractAsyncContextManager[Any]:
        """A turn with the named lock. The lock exists only while something holds it or waits for it."""
        return nullcontext() if name is None else _locks().setdefault((self.project, name), asyncio.Lock())


class _Start:
    """Turns `Unavailable` into `NotStarted` if it is raised before the start is marked."""

    def __init__(self) -> None:
        self._started = False

    def mark(self) -> None:
        self._started = True

    def __enter__(self) -> "_Start":
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Unavailable) and not self._started:
            raise NotStarted(error.message, retry_after=error.retry_after) from error
