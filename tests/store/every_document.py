"""Builds a document of every collection, with the stores themselves, without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from pydantic import SecretStr

from shared.models.account import Account
from shared.models.agent import AgentFields, StoredAgent
from shared.models.agent_run import Step, StepKind, StepStatus
from shared.models.api_key import ApiKey, KeyUse, Scope
from shared.models.audit import AuditRecord
from shared.models.chat import ChatRequest, ChatResult, TicketStatus
from shared.models.delivery import Delivery
from shared.models.demo import DemoFields, StoredDemo
from shared.models.deployment import Deployment
from shared.models.deployment_day import DeploymentDay
from shared.models.hold import Hold
from shared.models.idempotency import StoredRequest
from shared.models.journal import LogLine, Segment
from shared.models.part import Part
from shared.models.schedule import ScheduleFields, StoredSchedule
from shared.models.session import ProviderConfig, Session
from shared.models.ticket import Lease, Ticket
from shared.models.turns import Turn, Turns
from shared.models.usage import Entry
from shared.models.webhook import SigningSecret, StoredWebhook, WebhookEvent
from shared.store import (
    accounts,
    agents,
    api_keys,
    audit,
    deliveries,
    demos,
    deployment_days,
    deployments,
    holds,
    idempotency,
    journals,
    key_periods,
    parts,
    rate_limits,
    schedules,
    sessions,
    tickets,
    turns,
    webhooks,
)
from shared.store.documents import COMMITS
from tests.images import PNG, image_part

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class RecordedWrites:
    """Stands in for a transaction, and collects the documents that stores write, by collection."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}

    def set(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        self.documents[reference.parent.id] = {**document, COMMITS: ["c"]}

    def create(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        self.documents[reference.parent.id] = {**document, COMMITS: ["c"]}


def build_documents(client: AsyncClient) -> dict[str, dict[str, Any]]:
    """Returns the fields of a document of every collection, by collection. It has every field that it can have."""
    writes: Any = RecordedWrites()

    times: dict[str, Any] = {"created_at": NOW, "updated_at": NOW}
    common_fields: dict[str, Any] = {"id": "x", "owner": "u", "rev": "1", **times}
    model = ProviderConfig(provider="openai", model="gpt-4.1-mini")
    ticket = Ticket(
        **{name: value for name, value in common_fields.items() if name != "rev"},
        provider="openai",
        model="gpt-4.1-mini",
        status=TicketStatus.COMPLETED,
        lease=Lease(holder="h", expires_at=NOW),
        result=ChatResult(content="", model="m"),
        error="e",
        request_id="r",
        traceparent="t",
        parked="agent",
        completed_at=NOW,
        key=KeyUse(id="k"),
    )
    messages: Any = [{"role": "user", "content": [image_part()]}]
    request = ChatRequest(messages=messages, provider="openai", model="gpt-4.1-mini")
    ticket_store = tickets.TicketStore(client, timedelta(days=1))
    ticket_store.add(ticket, request, writes)
    ticket_store.add_images(ticket, PNG, 0, writes)
    ticket_store.put(ticket, writes)
    part = Part(n=1, attempt=1, content="c", reasoning="r", tool_calls=[])
    parts.PartStore(client).add_in(writes, "t", [part], NOW)
    line = LogLine(at=NOW, text="t")
    step = Step(n=0, call="1", kind=StepKind.HTTP, name="GET", status=StepStatus.RUNNING, started_at=NOW)
    segment = Segment(n=1, attempt=1, text="t", steps=[step], logs=[line])
    journals.JournalStore(client).add_in(writes, "t", [segment], NOW)
    names = {"display_name": "n", "email": "e"}
    account = Account(uid="u", allowance=1, remaining=1, ceiling=1, **names, **times)
    accounts.AccountStore(client).put(account, writes)
    entry = Entry(cause="c", period=1, timestamp=NOW, cost=1, charged=1)
    accounts.AccountStore(client).add_entry("u", entry, writes)
    record = AuditRecord(at=NOW, actor="a", action="b", target="u", before={}, after={})
    audit.AuditStore(client).add(record, writes)
    hold = Hold(id="h", owner="u", amount=1, expires_at=NOW, deployment_day="d", key_period="k")
    holds.HoldStore(client).put(hold, writes)
    deployment_days.DeploymentDayStore(client).put(DeploymentDay.open("d", "u", NOW), writes)
    agent = StoredAgent(fields=AgentFields(name="n", code="c"), deployed_as="d", **common_fields)
    agents.AgentStore(client).put(agent, writes)
    demos.DemoStore(client).put(
        StoredDemo(fields=DemoFields.model_construct(visibility="private"), **common_fields), writes
    )
    schedule_fields = ScheduleFields(agent_id="a", cron="* * * * *")
    schedules.ScheduleStore(client).put(
        StoredSchedule(fields=schedule_fields, next_due_at=NOW, key=KeyUse(id="k"), **common_fields), writes
    )
    deployment = Deployment(
        friendly_name="f",
        agent_id="a",
        owner="u",
        visibility="shared",
        description="d",
        input_schema={},
        output_schema={},
        deployed_at=NOW,
    )
    deployments.DeploymentStore(client).put(deployment, writes)
    sessions.SessionStore(client).put("u", Session(session_id="s", config=model, expire_at=NOW), writes)
    keyed_request = StoredRequest(
        id="k", owner="u", body_hash="h", made="m", lease_expires_at=NOW, status=200, text="t", expire_at=NOW
    )
    idempotency.IdempotencyStore(client).put(keyed_request, writes)
    rate_limits.RateLimitStore(client).put("k", 1.0, writes)
    turn = Turn(ticket_id="t", holder="h", until=NOW)
    turns.TurnStore(client).put(Turns(owner="u", kind="agent", taken=[turn]), writes)
    webhook = StoredWebhook(
        url="https://a.example",
        events=[WebhookEvent.RUN_FAILED],
        enabled=True,
        secrets=[SigningSecret(secret=SecretStr("s"))],
        **common_fields,
    )
    webhooks.WebhookStore(client).put(webhook, writes)
    delivery = Delivery(
        id="d",
        webhook_id="x",
        owner="u",
        run_id="r",
        event=WebhookEvent.RUN_FAILED,
        body="{}",
        created_at=NOW,
        next_attempt_at=NOW,
    )
    deliveries.DeliveryStore(client).put(delivery, writes)
    key = ApiKey(id="k", owner="u", name="n", digest="d", scopes=list(Scope), created_at=NOW)
    api_keys.ApiKeyStore(client).put(key, writes)
    key_periods.KeyPeriodStore(client).put(key.open_period(NOW), writes)
    return writes.documents
