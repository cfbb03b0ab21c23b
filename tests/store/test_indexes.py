"""`firestore.indexes.json` has what the store's queries need, and no more; fields that no query uses cost nothing.

The emulator needs no index, and deletes nothing by TTL: without these tests a deployment would be the first to tell.
"""

import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient, AsyncDocumentReference, AsyncQuery, Client, DocumentReference, Query
from google.cloud.firestore_v1.async_aggregation import AsyncAggregationQuery
from google.cloud.firestore_v1.base_aggregation import AggregationResult, SumAggregation

from deploy.delete_user import documents_of
from shared.models.account import Account
from shared.models.agent import AgentFields, StoredAgent
from shared.models.audit import AuditRecord
from shared.models.chat import ChatRequest, ChatResult, TicketStatus
from shared.models.demo import DemoFields, StoredDemo
from shared.models.deployment import Deployment
from shared.models.deployment_day import DeploymentDay
from shared.models.hold import Hold
from shared.models.idempotency import KeptRequest
from shared.models.session import ProviderConfig, Session
from shared.models.ticket import Lease, Ticket
from shared.models.turns import Turn, Turns
from shared.models.usage import Entry
from shared.store import (
    accounts,
    agents,
    audit,
    demos,
    deployment_days,
    deployments,
    holds,
    idempotency,
    owned,
    rate_limits,
    sessions,
    tickets,
    turns,
)
from shared.store.transaction import COMMITS
from tests.store.needed_indexes import Index, declared, needed

ROOT = Path(__file__).parents[2]
CONFIG: dict[str, list[dict[str, Any]]] = json.loads((ROOT / "firestore.indexes.json").read_text())
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MODULES = (
    accounts,
    agents,
    audit,
    demos,
    deployment_days,
    deployments,
    holds,
    idempotency,
    owned,
    rate_limits,
    sessions,
    tickets,
    turns,
)

Ask = Callable[[AsyncClient], Awaitable[object]]
QUERIES: dict[str, list[Ask]] = {
    "AccountStore.page": [
        lambda client: accounts.AccountStore(client).page(10, None),
        lambda client: accounts.AccountStore(client).page(10, "u"),
    ],
    "AccountStore.newest_entries": [lambda client: accounts.AccountStore(client).newest_entries("u", 1, 10)],
    "AuditStore.newest": [lambda client: audit.AuditStore(client).newest("u", 10)],
    "DeploymentStore.page": [
        lambda client: deployments.DeploymentStore(client).page("u", 10),
        lambda client: deployments.DeploymentStore(client).page("u", 10, "a", all_owners=True),
    ],
    "HoldStore.list_expired": [lambda client: holds.HoldStore(client).list_expired(NOW, 10)],
    "OwnedStore.usage": [
        lambda client: agents.AgentStore(client).usage("u"),
        lambda client: demos.DemoStore(client).usage("u"),
    ],
    "TicketStore.count_unfinished": [lambda client: tickets.TicketStore(client).count_unfinished("u", 10)],
    "OwnedStore.page": [
        lambda client: agents.AgentStore(client).page("u", 10),
        lambda client: agents.AgentStore(client).page("u", 10, (NOW, "a"), all_owners=True),
        lambda client: demos.DemoStore(client).page("u", 10),
        lambda client: demos.DemoStore(client).page("u", 10, (NOW, "a"), all_owners=True),
    ],
    "TicketStore.list_untouched": [
        lambda client: tickets.TicketStore(client).list_untouched(NOW, 10),
        lambda client: tickets.TicketStore(client).list_untouched(NOW, 10, NOW),
    ],
    "TicketStore.list_parked": [lambda client: tickets.TicketStore(client).list_parked("u", "agent", 10)],
}
"""Every method that makes a query, and how to have it make all that it makes."""


class Writes:
    """Takes what stores write, by collection; in the place of a transaction."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}

    def set(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        self.documents[reference.parent.id] = {**document, COMMITS: ["c"]}

    def create(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        self.documents[reference.parent.id] = {**document, COMMITS: ["c"]}


@pytest.fixture
async def client() -> AsyncClient:
    return AsyncClient(project="demo-indexes", credentials=AnonymousCredentials())


@pytest.fixture
async def asked(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> list[Index]:
    """What every query of the store needs. None is sent."""
    found: list[Index] = []

    async def get(query: AsyncQuery, **_: object) -> list[object]:
        found.extend(needed(query))
        return []

    async def stream(query: AsyncQuery, **_: object) -> AsyncIterator[object]:
        found.extend(needed(query))
        for nothing in ():
            yield nothing

    async def aggregate(aggregation: Any) -> list[list[Any]]:
        sums = [part.field_ref for part in aggregation._aggregations if isinstance(part, SumAggregation)]
        found.extend(needed(aggregation._nested_query, sums))
        return [[AggregationResult(part.alias, 0) for part in aggregation._aggregations]]

    monkeypatch.setattr(AsyncAggregationQuery, "get", aggregate)
    monkeypatch.setattr(AsyncQuery, "get", get)
    monkeypatch.setattr(AsyncQuery, "stream", stream)
    for name, queries in QUERIES.items():
        for query in queries:
            before = len(found)
            await query(client)
            assert len(found) > before, f"{name} makes no query"
    found.extend(_asked_to_delete_a_user(monkeypatch))
    return found


def _asked_to_delete_a_user(monkeypatch: pytest.MonkeyPatch) -> list[Index]:
    """The queries of `deploy/delete_user.py`, which are not the store's."""
    found: list[Index] = []

    def stream(query: Query, **_: object) -> list[object]:
        found.extend(needed(query))
        return []

    def get(_reference: DocumentReference, *_: object) -> SimpleNamespace:
        return SimpleNamespace(exists=False)

    monkeypatch.setattr(Query, "stream", stream)
    monkeypatch.setattr(DocumentReference, "get", get)
    assert not list(documents_of(Client(project="demo-indexes", credentials=AnonymousCredentials()), "u"))
    return found


@pytest.fixture
async def written(client: AsyncClient) -> dict[str, dict[str, Any]]:
    """A document of every collection, with all that it may have."""
    writes: Any = Writes()

    at: dict[str, Any] = {"created_at": NOW, "updated_at": NOW}
    of: dict[str, Any] = {"id": "x", "owner": "u", "rev": "1", **at}
    model = ProviderConfig(provider="openai", model="gpt-4.1-mini")
    ticket = Ticket(
        **{name: value for name, value in of.items() if name != "rev"},
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
    )
    messages: Any = [{"role": "user", "content": "hi"}]
    request = ChatRequest(messages=messages, provider="openai", model="gpt-4.1-mini")
    kept = tickets.TicketStore(client, timedelta(days=1))
    kept.add(ticket, request, writes)
    kept.put(ticket, writes)
    names = {"display_name": "n", "email": "e"}
    account = Account(uid="u", allowance=1, remaining=1, ceiling=1, **names, **at)
    accounts.AccountStore(client).put(account, writes)
    entry = Entry(cause="c", period=1, timestamp=NOW, cost=1, charged=1)
    accounts.AccountStore(client).add_entry("u", entry, writes)
    record = AuditRecord(at=NOW, actor="a", action="b", target="u", before={}, after={})
    audit.AuditStore(client).add(record, writes)
    holds.HoldStore(client).put(Hold(id="h", owner="u", amount=1, expires_at=NOW, deployment_day="d"), writes)
    deployment_days.DeploymentDayStore(client).put(DeploymentDay.open("d", "u", NOW), writes)
    agent = StoredAgent(fields=AgentFields(name="n", code="c"), deployed_as="d", **of)
    agents.AgentStore(client).put(agent, writes)
    demos.DemoStore(client).put(StoredDemo(fields=DemoFields.model_construct(visibility="private"), **of), writes)
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
    request_kept = KeptRequest(
        id="k", owner="u", body_hash="h", made="m", lease_expires_at=NOW, status=200, text="t", expire_at=NOW
    )
    idempotency.IdempotencyStore(client).put(request_kept, writes)
    rate_limits.RateLimitStore(client).put("k", 1.0, writes)
    turn = Turn(ticket_id="t", holder="h", until=NOW)
    turns.TurnStore(client).put(Turns(owner="u", kind="agent", taken=[turn]), writes)
    return writes.documents


def exempted() -> dict[str, set[str]]:
    """Fields without any index of their own, by collection."""
    fields: dict[str, set[str]] = {}
    for override in CONFIG["fieldOverrides"]:
        if not override["indexes"]:
            fields.setdefault(override["collectionGroup"], set()).add(override["fieldPath"])
    return fields


def test_no_query_is_forgotten_here() -> None:
    """Every method of the store that sorts or filters is asked in these tests."""
    making = {
        f"{kind.__name__}.{name}"
        for module in MODULES
        for kind in vars(module).values()
        if inspect.isclass(kind) and kind.__module__ == module.__name__
        for name, method in vars(kind).items()
        if inspect.isfunction(method) and any(part in inspect.getsource(method) for part in (".where(", ".order_by("))
    }
    assert making == QUERIES.keys()
    files = {path.stem for path in (ROOT / "shared/store").glob("*.py")}
    assert files - {Path(module.__file__ or "").stem for module in MODULES} == {
        "__init__",
        "counts",
        "database",
        "priority_lock",
        "pages",
        "transaction",
    }


async def test_every_query_has_its_index(asked: list[Index]) -> None:
    """Else Firestore refuses it, in the cloud alone."""
    for index in asked:
        if index.is_single_field:
            assert not index.fields & exempted().get(index.collection, set()), f"{index}: its own index is switched off"
        else:
            there = [entry for entry in CONFIG["indexes"] if declared(entry, len(index.equal)) == index]
            assert there, f"firestore.indexes.json lacks {index}"


async def test_every_index_has_its_query(asked: list[Index]) -> None:
    """Each costs with every write."""
    for entry in CONFIG["indexes"]:
        assert any(declared(entry, len(index.equal)) == index for index in asked if index.order), entry


async def test_every_stored_field_is_queried_by_or_has_no_index(
    asked: list[Index], written: dict[str, dict[str, Any]]
) -> None:
    """Firestore indexes each field by itself, unless it is exempted. Each index costs with every write; a text is
    indexed by its start; and a collection with an indexed field that only grows, as times do, takes 500 writes a
    second: https://firebase.google.com/docs/firestore/best-practices
    """
    queried = {(index.collection, field) for index in asked if index.is_single_field for field in index.fields}
    stored = {(collection, field) for collection, document in written.items() for field in document}
    off = {(collection, field) for collection, fields in exempted().items() for field in fields}
    undecided = sorted(stored - queried - off)
    assert not undecided, "No query needs these. Add each to fieldOverrides in firestore.indexes.json:\n" + "\n".join(
        json.dumps({"collectionGroup": collection, "fieldPath": field, "indexes": []})
        for collection, field in undecided
    )
    assert not off & queried, f"a query needs its index, take it out of fieldOverrides: {sorted(off & queried)}"
    assert not off - stored, f"not stored (or `written` above does not fill it in): {sorted(off - stored)}"


def test_no_more_overrides_than_a_database_takes() -> None:
    """https://firebase.google.com/docs/firestore/quotas: 200 fields with settings of their own."""
    assert len(CONFIG["fieldOverrides"]) <= 200


async def test_what_expires_is_deleted(written: dict[str, dict[str, Any]]) -> None:
    """By Firestore, in every collection whose documents have an `expire_at`; no query uses that field."""
    expiring = {collection for collection, document in written.items() if "expire_at" in document}
    with_ttl = {entry["collectionGroup"]: entry for entry in CONFIG["fieldOverrides"] if entry.get("ttl")}
    assert with_ttl.keys() == expiring
    assert {(entry["fieldPath"], len(entry["indexes"])) for entry in with_ttl.values()} == {("expire_at", 0)}
