"""The database: one store for each kind of document, and transactions across the stores."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from google.api_core.exceptions import GoogleAPICallError, InvalidArgument, RetryError
from google.cloud.firestore import AsyncClient

from shared.log import get_logger
from shared.models.errors import NotStarted, Unavailable
from shared.per_loop import per_loop
from shared.settings import Settings
from shared.store.documents import Snapshot
from shared.store.group_commit import CommitGroup
from shared.store.transaction import NOTHING_SEEN, Overtaken, Transaction, run_transaction

if TYPE_CHECKING:
    from shared.store.accounts import AccountStore
    from shared.store.agents import AgentStore
    from shared.store.api_keys import ApiKeyStore
    from shared.store.audit import AuditStore
    from shared.store.deliveries import DeliveryStore
    from shared.store.demos import DemoStore
    from shared.store.deployment_days import DeploymentDayStore
    from shared.store.deployments import DeploymentStore
    from shared.store.holds import HoldStore
    from shared.store.idempotency import IdempotencyStore
    from shared.store.journals import JournalStore
    from shared.store.key_periods import KeyPeriodStore
    from shared.store.parts import PartStore
    from shared.store.rate_limits import RateLimitStore
    from shared.store.schedules import ScheduleStore
    from shared.store.sessions import SessionStore
    from shared.store.tickets import TicketStore
    from shared.store.turns import TurnStore
    from shared.store.webhooks import WebhookStore

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
    """All stores, with one client. It is cheap to create: all instances on one event loop share the client.

    A store is imported when it is first used, with the models that it stores, as each function uses only a few.
    """

    def __init__(self, settings: Settings) -> None:
        self.project = settings.google_cloud_project
        self._client = _client(self.project)
        self._seconds = settings.store_timeout_seconds
        self._settings = settings

    @cached_property
    def tickets(self) -> "TicketStore":
        """See `TicketStore`."""
        from shared.store.tickets import TicketStore

        days = self._settings.ticket_retention_days
        return TicketStore(
            self._client,
            timedelta(days=days) if days else None,
            timedelta(seconds=self._settings.ticket_max_age_seconds),
            timedelta(seconds=self._settings.run_max_age_seconds),
        )

    @cached_property
    def parts(self) -> "PartStore":
        """See `PartStore`."""
        from shared.store.parts import PartStore

        return PartStore(self._client)

    @cached_property
    def journals(self) -> "JournalStore":
        """See `JournalStore`."""
        from shared.store.journals import JournalStore

        return JournalStore(self._client)

    @cached_property
    def accounts(self) -> "AccountStore":
        """See `AccountStore`."""
        from shared.store.accounts import AccountStore

        return AccountStore(self._client)

    @cached_property
    def sessions(self) -> "SessionStore":
        """See `SessionStore`."""
        from shared.store.sessions import SessionStore

        return SessionStore(self._client)

    @cached_property
    def audit(self) -> "AuditStore":
        """See `AuditStore`."""
        from shared.store.audit import AuditStore

        return AuditStore(self._client)

    @cached_property
    def holds(self) -> "HoldStore":
        """See `HoldStore`."""
        from shared.store.holds import HoldStore

        return HoldStore(self._client)

    @cached_property
    def agents(self) -> "AgentStore":
        """See `AgentStore`."""
        from shared.store.agents import AgentStore

        return AgentStore(self._client)

    @cached_property
    def api_keys(self) -> "ApiKeyStore":
        """See `ApiKeyStore`."""
        from shared.store.api_keys import ApiKeyStore

        return ApiKeyStore(self._client)

    @cached_property
    def key_periods(self) -> "KeyPeriodStore":
        """See `KeyPeriodStore`."""
        from shared.store.key_periods import KeyPeriodStore

        return KeyPeriodStore(self._client)

    @cached_property
    def deployments(self) -> "DeploymentStore":
        """See `DeploymentStore`."""
        from shared.store.deployments import DeploymentStore

        return DeploymentStore(self._client)

    @cached_property
    def deployment_days(self) -> "DeploymentDayStore":
        """See `DeploymentDayStore`."""
        from shared.store.deployment_days import DeploymentDayStore

        return DeploymentDayStore(self._client)

    @cached_property
    def demos(self) -> "DemoStore":
        """See `DemoStore`."""
        from shared.store.demos import DemoStore

        return DemoStore(self._client)

    @cached_property
    def schedules(self) -> "ScheduleStore":
        """See `ScheduleStore`."""
        from shared.store.schedules import ScheduleStore

        return ScheduleStore(self._client)

    @cached_property
    def rate_limits(self) -> "RateLimitStore":
        """See `RateLimitStore`."""
        from shared.store.rate_limits import RateLimitStore

        return RateLimitStore(self._client)

    @cached_property
    def idempotency(self) -> "IdempotencyStore":
        """See `IdempotencyStore`."""
        from shared.store.idempotency import IdempotencyStore

        return IdempotencyStore(self._client)

    @cached_property
    def turns(self) -> "TurnStore":
        """See `TurnStore`."""
        from shared.store.turns import TurnStore

        return TurnStore(self._client)

    @cached_property
    def webhooks(self) -> "WebhookStore":
        """See `WebhookStore`."""
        from shared.store.webhooks import WebhookStore

        return WebhookStore(self._client)

    @cached_property
    def deliveries(self) -> "DeliveryStore":
        """See `DeliveryStore`."""
        from shared.store.deliveries import DeliveryStore

        return DeliveryStore(self._client)

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

    async def change(
        self,
        group: str,
        body: Callable[[Transaction], Awaitable[T]],
        seen: Mapping[str, Snapshot] = NOTHING_SEEN,
        *,
        urgent: bool = False,
    ) -> T:
        """Runs `body` in a transaction that may be committed together with others of the same group.

        See `shared.store.group_commit`. `urgent` transactions go first: an amount that has been spent must be recorded,
        however many other transactions are waiting. `seen`: what was read just before, so that it need not be read
        again. If it has changed since, the transaction is repeated. Raises what `transaction` raises.
        """
        commits = _groups().setdefault((self.project, group), CommitGroup(self._client, self._seconds))
        with _Start() as start:
            async with self.raising_unavailable():
                return await commits.run(body, start.mark, seen, urgent=urgent)

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
