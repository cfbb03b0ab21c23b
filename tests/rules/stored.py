"""Writes a document to every collection, with the stores themselves, so that the rules can be tested."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.cloud.firestore import AsyncClient, AsyncCollectionReference
from pydantic import SecretStr

from shared.models.account import Account
from shared.models.agent import AgentFields, StoredAgent
from shared.models.api_key import ApiKey
from shared.models.audit import AuditRecord
from shared.models.chat import ChatRequest
from shared.models.delivery import Delivery
from shared.models.demo import CreateDemoRequest, StoredDemo
from shared.models.deployment import Deployment
from shared.models.deployment_day import DeploymentDay
from shared.models.hold import Hold
from shared.models.idempotency import StoredRequest
from shared.models.journal import Segment
from shared.models.owned import StoredResource
from shared.models.part import Delta, Part, PartKind
from shared.models.schedule import ScheduleFields, StoredSchedule
from shared.models.session import ProviderConfig, Session
from shared.models.ticket import Ticket
from shared.models.turns import Turns
from shared.models.usage import Entry
from shared.models.webhook import SigningSecret, StoredWebhook, WebhookEvent
from shared.store import Database, Transaction
from tests.images import PNG, image_part

S = TypeVar("S", bound=StoredResource[Any])
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = {"provider": "openai", "model": "gpt-4.1-mini"}
REQUEST = ChatRequest.model_validate({**MODEL, "messages": [{"role": "user", "content": [image_part()]}]})
DEMO = CreateDemoRequest.model_validate(
    {
        "name": "Page",
        "userPrompt": "a page",
        "selectedApis": [],
        "modelConfig": {**MODEL, "parameters": {}},
        "generatedCode": {"html": "", "css": "", "js": ""},
        "visibility": "shared",
    }
)


async def store_documents_of(database: Database, uid: str, *, disabled: bool = False) -> None:
    """Writes a document to each collection, and shares it where that is possible.

    The ticket's id is `{uid}-ticket`, and its part has the number 1.
    """

    async def write(transaction: Transaction) -> None:
        id_ = f"{uid}-1"
        ticket = Ticket(id=f"{uid}-ticket", owner=uid, provider="p", model="m", created_at=NOW, updated_at=NOW)
        await database.tickets.get(ticket.id, transaction)
        database.tickets.add(ticket, REQUEST, transaction)
        database.tickets.add_images(ticket, PNG, 0, transaction)
        part = Part.of(1, 1, Delta(PartKind.CONTENT, "hi"))
        database.parts.add_in(transaction, ticket.id, [part], NOW)
        database.journals.add_in(transaction, ticket.id, [Segment(n=1, attempt=1, text="{}\n")], NOW)
        await database.accounts.get(uid, transaction)
        account = Account(uid=uid, allowance=1, remaining=1, disabled=disabled, created_at=NOW, updated_at=NOW)
        database.accounts.put(account, transaction)
        await database.accounts.has_entry(uid, "cause", transaction)
        entry = Entry(cause="cause", period=1, timestamp=NOW, cost=1, charged=1)
        database.accounts.add_entry(uid, entry, transaction)
        fields = AgentFields.model_validate({"name": "Echo", "code": "", "visibility": "shared"})
        await database.agents.get(id_, transaction)
        database.agents.put(_build_stored(StoredAgent, id_, uid, fields), transaction)
        await database.demos.get(id_, transaction)
        database.demos.put(_build_stored(StoredDemo, id_, uid, DEMO), transaction)
        await database.schedules.get(id_, transaction)
        schedule_fields = ScheduleFields(agent_id=id_, cron="* * * * *")
        schedule = StoredSchedule(
            id=id_, owner=uid, fields=schedule_fields, rev="1", created_at=NOW, updated_at=NOW, next_due_at=NOW
        )
        database.schedules.put(schedule, transaction)
        await database.deployments.get(id_, transaction)
        database.deployments.put(_build_deployment(id_, uid), transaction)
        key = ApiKey(id=id_, owner=uid, name="k", digest="d", scopes=[], created_at=NOW)
        database.api_keys.add(key, transaction)
        period = key.open_period(NOW)
        await database.key_periods.get(period.id, transaction)
        database.key_periods.put(period, transaction)
        await database.deployment_days.get(id_, transaction)
        database.deployment_days.put(DeploymentDay.open(id_, uid, NOW), transaction)
        await database.idempotency.get(id_, transaction)
        database.idempotency.put(
            StoredRequest(id=id_, owner=uid, body_hash="hash", made=ticket.id, expire_at=NOW), transaction
        )
        await database.holds.get(id_, transaction)
        database.holds.put(Hold(id=id_, owner=uid, amount=1, expires_at=NOW), transaction)
        await database.turns.get(uid, "agent", transaction)
        database.turns.put(Turns(owner=uid, kind="agent"), transaction)
        record = AuditRecord(at=NOW, actor="admin", action="update", target=uid, before={}, after={})
        database.audit.add(record, transaction)
        await database.rate_limits.get(uid, transaction)
        database.rate_limits.put(uid, 1.0, transaction)

        await database.sessions.get(uid, "session", transaction)
        config = ProviderConfig.model_validate(MODEL)
        database.sessions.put(uid, Session(session_id="session", config=config, expire_at=NOW), transaction)
        database.webhooks.add(_build_webhook(id_, uid), transaction)
        database.deliveries.add(_build_delivery(id_, uid), transaction)

    await database.transaction(write)


def _build_stored(kind: type[S], id_: str, uid: str, fields: Any) -> S:
    return kind(id=id_, owner=uid, fields=fields, rev="1", created_at=NOW, updated_at=NOW)


def _build_deployment(name: str, uid: str) -> Deployment:
    return Deployment(
        friendly_name=name,
        agent_id=name,
        owner=uid,
        visibility="shared",
        description="",
        input_schema=None,
        output_schema=None,
        deployed_at=NOW,
    )


def _build_webhook(id_: str, uid: str) -> StoredWebhook:
    return StoredWebhook(
        id=id_,
        owner=uid,
        url="https://a.example",
        events=[WebhookEvent.RUN_FAILED],
        enabled=True,
        secrets=[SigningSecret(secret=SecretStr("whsec_"))],
        rev="1",
        created_at=NOW,
        updated_at=NOW,
    )


def _build_delivery(id_: str, uid: str) -> Delivery:
    return Delivery(
        id=id_,
        webhook_id=id_,
        owner=uid,
        run_id="r",
        event=WebhookEvent.RUN_FAILED,
        body="{}",
        created_at=NOW,
        next_attempt_at=NOW,
    )


async def list_document_paths(project: str) -> list[str]:
    """Returns the paths of all documents in the project."""
    client = AsyncClient(project=project)
    paths = [path async for collection in client.collections() async for path in _list_paths_below(collection)]
    client.close()
    return paths


async def _list_paths_below(collection: AsyncCollectionReference) -> AsyncIterator[str]:
    async for document in collection.list_documents():
        yield document.path
        async for inner in document.collections():
            async for path in _list_paths_below(inner):
                yield path
