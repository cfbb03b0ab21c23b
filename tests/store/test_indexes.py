"""Tests that `firestore.indexes.json` has exactly the indexes that the store's queries need.

The emulator needs no indexes and ignores TTLs, so without these tests, a missing entry would be noticed only in the
cloud.
"""

import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient, AsyncQuery, Client, DocumentReference, Query
from google.cloud.firestore_v1.async_aggregation import AsyncAggregationQuery
from google.cloud.firestore_v1.base_aggregation import AggregationResult, SumAggregation

from deploy.delete_user import documents_of
from shared.models.chat import TicketStatus
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
    images,
    journals,
    key_periods,
    owned,
    parts,
    rate_limits,
    schedules,
    sessions,
    targets,
    tickets,
    turns,
    webhooks,
)
from tests.store.every_document import NOW, build_documents
from tests.store.needed_indexes import Index, declared_index, needed_indexes

ROOT = Path(__file__).parents[2]
CONFIG: dict[str, list[dict[str, Any]]] = json.loads((ROOT / "firestore.indexes.json").read_text())
MODULES = (
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
    images,
    journals,
    key_periods,
    owned,
    parts,
    rate_limits,
    schedules,
    sessions,
    targets,
    tickets,
    turns,
    webhooks,
)

CallQuery = Callable[[AsyncClient], Awaitable[object]]
QUERIES: dict[str, list[CallQuery]] = {
    "AccountStore.page": [
        lambda client: accounts.AccountStore(client).page(10, None),
        lambda client: accounts.AccountStore(client).page(10, "u"),
    ],
    "AccountStore.newest_entries": [lambda client: accounts.AccountStore(client).newest_entries("u", 1, 10)],
    "ApiKeyStore.page": [
        lambda client: api_keys.ApiKeyStore(client).page("u", 10),
        lambda client: api_keys.ApiKeyStore(client).page("u", 10, (NOW, "k")),
    ],
    "ApiKeyStore.count": [lambda client: api_keys.ApiKeyStore(client).count("u", 10)],
    "AuditStore.newest": [lambda client: audit.AuditStore(client).newest("u", 10)],
    "DeliveryStore.find_first": [lambda client: deliveries.DeliveryStore(client).find_first("w", "r")],
    "DeliveryStore.list_due": [lambda client: deliveries.DeliveryStore(client).list_due(NOW, 10)],
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
    "ImageStore.delete": [lambda client: images.ImageStore(client, timedelta()).delete("t")],
    "JournalStore.read": [lambda client: journals.JournalStore(client).read("t")],
    "JournalStore.read_steps": [lambda client: journals.JournalStore(client).read_steps("t", 10)],
    "JournalStore.read_logs": [lambda client: journals.JournalStore(client).read_logs("t")],
    "JournalStore.read_after": [lambda client: journals.JournalStore(client).read_after("t", 1, 10)],
    "JournalStore.delete": [lambda client: journals.JournalStore(client).delete("t", 10)],
    "ScheduleStore.page": [
        lambda client: schedules.ScheduleStore(client).page("u", 10),
        lambda client: schedules.ScheduleStore(client).page("u", 10, (NOW, "a")),
    ],
    "ScheduleStore.count": [lambda client: schedules.ScheduleStore(client).count("u", 10)],
    "ScheduleStore.list_due": [lambda client: schedules.ScheduleStore(client).list_due(NOW, 10)],
    "PartStore.list": [lambda client: parts.PartStore(client).list("t", 1, 10)],
    "PartStore.delete": [lambda client: parts.PartStore(client).delete("t", 10)],
    "NumberedTarget.poll": [
        lambda client: targets.NumberedTarget(client.collection("tickets/t/parts"), 1, lambda _: None).poll()
    ],
    "TicketStore.page": [
        lambda client: tickets.TicketStore(client).page("u", 10),
        lambda client: tickets.TicketStore(client).page("u", 10, TicketStatus.FAILED, (NOW, "t")),
        lambda client: tickets.TicketStore(client).page("u", 10, provider="p"),
        lambda client: tickets.TicketStore(client).page("u", 10, TicketStatus.FAILED, provider="p"),
        lambda client: tickets.TicketStore(client).page("u", 10, agent_id="a"),
        lambda client: tickets.TicketStore(client).page("u", 10, TicketStatus.FAILED, agent_id="a"),
    ],
    "TicketStore.list_untouched": [
        lambda client: tickets.TicketStore(client).list_untouched(NOW, 10),
        lambda client: tickets.TicketStore(client).list_untouched(NOW, 10, NOW),
    ],
    "TicketStore.list_due": [lambda client: tickets.TicketStore(client).list_due(NOW, 10)],
    "TicketStore.list_parked": [lambda client: tickets.TicketStore(client).list_parked("u", "agent", 10)],
    "WebhookStore.page": [
        lambda client: webhooks.WebhookStore(client).page("u", 10),
        lambda client: webhooks.WebhookStore(client).page("u", 10, (NOW, "w")),
    ],
    "WebhookStore.list_of": [lambda client: webhooks.WebhookStore(client).list_of("u")],
    "WebhookStore.count": [lambda client: webhooks.WebhookStore(client).count("u", 10)],
}
"""The methods that make queries, each with calls that produce all of its queries."""


@pytest.fixture
async def client() -> AsyncClient:
    return AsyncClient(project="demo-indexes", credentials=AnonymousCredentials())


@pytest.fixture
async def indexes(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> list[Index]:
    """Returns the indexes that all queries of the store need. No query is sent."""
    needed: list[Index] = []

    async def get(query: AsyncQuery, **_: object) -> list[object]:
        needed.extend(needed_indexes(query))
        return []

    async def stream(query: AsyncQuery, **_: object) -> AsyncIterator[object]:
        needed.extend(needed_indexes(query))
        for document in ():
            yield document

    async def aggregate(aggregation: Any) -> list[list[Any]]:
        sums = [part.field_ref for part in aggregation._aggregations if isinstance(part, SumAggregation)]
        needed.extend(needed_indexes(aggregation._nested_query, sums))
        return [[AggregationResult(part.alias, 0) for part in aggregation._aggregations]]

    monkeypatch.setattr(AsyncAggregationQuery, "get", aggregate)
    monkeypatch.setattr(AsyncQuery, "get", get)
    monkeypatch.setattr(AsyncQuery, "stream", stream)
    for name, queries in QUERIES.items():
        for query in queries:
            before = len(needed)
            await query(client)
            assert len(needed) > before, f"{name} makes no query"
    needed.extend(_list_indexes_for_deletion(monkeypatch))
    return needed


def _list_indexes_for_deletion(monkeypatch: pytest.MonkeyPatch) -> list[Index]:
    """Returns the indexes for the queries of `deploy/delete_user.py`, which does not use the store."""
    needed: list[Index] = []

    def stream(query: Query, **_: object) -> list[object]:
        needed.extend(needed_indexes(query))
        return []

    def get(_reference: DocumentReference, *_: object) -> SimpleNamespace:
        return SimpleNamespace(exists=False)

    monkeypatch.setattr(Query, "stream", stream)
    monkeypatch.setattr(DocumentReference, "get", get)
    assert not list(documents_of(Client(project="demo-indexes", credentials=AnonymousCredentials()), "u"))
    return needed


@pytest.fixture
async def documents(client: AsyncClient) -> dict[str, dict[str, Any]]:
    """Returns a document of every collection, with every field that it can have."""
    return build_documents(client)


def exempted_fields() -> dict[str, set[str]]:
    """Returns the fields that have no automatic index, by collection."""
    fields: dict[str, set[str]] = {}
    for override in CONFIG["fieldOverrides"]:
        if not override["indexes"]:
            fields.setdefault(override["collectionGroup"], set()).add(override["fieldPath"])
    return fields


def test_every_query_is_listed_here() -> None:
    """`QUERIES` has every method of the store that sorts or filters."""
    signs = (".where(", ".order_by(", "newest_first(")
    query_methods = {
        f"{kind.__name__}.{name}"
        for module in MODULES
        for kind in vars(module).values()
        if inspect.isclass(kind) and kind.__module__ == module.__name__
        for name, method in vars(kind).items()
        if inspect.isfunction(method) and any(sign in inspect.getsource(method) for sign in signs)
    }
    assert query_methods == QUERIES.keys()
    files = {path.stem for path in (ROOT / "shared/store").glob("*.py")}
    assert files - {Path(module.__file__ or "").stem for module in MODULES} == {
        "__init__",
        "counts",
        "database",
        "deletion",
        "documents",
        "group_commit",
        "listening",
        "pages",
        "reads",
        "transaction",
        "values",
        "watching",
    }


async def test_every_query_has_its_index(indexes: list[Index]) -> None:
    """Every query has its index. Firestore in the cloud refuses a query without one."""
    for index in indexes:
        if index.is_single_field:
            exempted = exempted_fields().get(index.collection, set())
            assert not index.fields & exempted, f"{index}: the automatic index of a field is disabled"
        else:
            matching = [entry for entry in CONFIG["indexes"] if declared_index(entry, len(index.equal)) == index]
            assert matching, f"firestore.indexes.json lacks {index}"


async def test_every_index_has_its_query(indexes: list[Index]) -> None:
    """Every index is used by a query. An unused index would still make every write more expensive."""
    for entry in CONFIG["indexes"]:
        assert any(declared_index(entry, len(index.equal)) == index for index in indexes if index.order), entry


async def test_every_stored_field_is_queried_or_exempted(
    indexes: list[Index], documents: dict[str, dict[str, Any]]
) -> None:
    """A field that no query uses is exempted from Firestore's automatic index.

    Each index makes every write more expensive, and the index of a string contains its beginning. If an indexed field
    only increases, such as a time, its collection is limited to 500 writes per second:
    https://firebase.google.com/docs/firestore/best-practices
    """
    queried = {(index.collection, field) for index in indexes if index.is_single_field for field in index.fields}
    stored = {(collection, field) for collection, document in documents.items() for field in document}
    exempted = {(collection, field) for collection, fields in exempted_fields().items() for field in fields}
    undecided = sorted(stored - queried - exempted)
    assert not undecided, "No query needs these. Add each to fieldOverrides in firestore.indexes.json:\n" + "\n".join(
        json.dumps({"collectionGroup": collection, "fieldPath": field, "indexes": []})
        for collection, field in undecided
    )
    unindexed = sorted(exempted & queried)
    assert not unindexed, f"Queries need the indexes of these fields. Remove them from fieldOverrides: {unindexed}"
    unused = sorted(exempted - stored)
    assert not unused, f"These fields are not stored, or `every_document.py` does not set them: {unused}"


def test_the_number_of_overrides_is_within_the_limit() -> None:
    """A database can have up to 200 field overrides: https://firebase.google.com/docs/firestore/quotas."""
    assert len(CONFIG["fieldOverrides"]) <= 200


async def test_expired_documents_are_deleted(documents: dict[str, dict[str, Any]]) -> None:
    """Every collection whose documents have an `expire_at` has a TTL policy on that field, and no index of it."""
    expiring = {collection for collection, document in documents.items() if "expire_at" in document}
    with_ttl = {entry["collectionGroup"]: entry for entry in CONFIG["fieldOverrides"] if entry.get("ttl")}
    assert with_ttl.keys() == expiring
    assert {(entry["fieldPath"], len(entry["indexes"])) for entry in with_ttl.values()} == {("expire_at", 0)}
