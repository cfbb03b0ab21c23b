"""The costs of lists do not grow with the number of stored documents. The tests count the client's reads."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast

from google.cloud.firestore import AsyncDocumentReference

from shared.llm.catalog import Catalog
from shared.models.agent import AgentFields, StoredAgent
from shared.models.caller import Caller
from shared.models.owned import Visibility
from shared.models.wire import JsonObject
from shared.services.agents.agents import AgentService
from shared.services.agents.deployments import DeploymentService, make_deployment
from shared.services.catalog.providers import ProviderService
from shared.settings import Settings
from shared.store import Database, Transaction
from tests.services.publishing import ECHO

T = TypeVar("T")
CALLER = Caller(uid="owner")
KINDS: tuple[tuple[str, Visibility], ...] = (("owner", "private"), ("other", "shared"), ("other", "private"))
INPUT: JsonObject = {"inputText": "string", "city": "string"}
MANY_AGENTS = 1000
MANY_DEPLOYMENTS = 300
START = datetime(2026, 1, 1, tzinfo=UTC)


class Costs:
    """Counts read requests and the documents that Firestore returns by observing the client's responses."""

    def __init__(self, database: Database) -> None:
        self.requests = 0
        self.documents = 0
        api = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
        for name in ("batch_get_documents", "run_query"):
            setattr(api, name, self._wrap(getattr(api, name)))

    async def measure(self, action: Callable[[], Awaitable[T]]) -> T:
        """Counts only the requests and documents of `action`, and returns its result."""
        self.requests = self.documents = 0
        return await action()

    def _wrap(self, call: Any) -> Any:
        async def count(*args: Any, **kwargs: Any) -> Any:
            self.requests += 1
            responses = await call(*args, **kwargs)

            async def observe() -> Any:
                async for response in responses:
                    self.documents += bool(getattr(response, "found", None) or getattr(response, "document", None))
                    yield response

            return observe()

        return count


class DocumentCollector:
    """Replaces a transaction, and collects the documents that the stores write, to write them in batches."""

    def __init__(self) -> None:
        self.documents: list[tuple[AsyncDocumentReference, dict[str, Any]]] = []

    def set(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        self.documents.append((reference, document))


async def fill(database: Database, agents: int, deployments: int) -> None:
    """Stores agents of the three `KINDS` in turn, and publishes the first `deployments` of them."""
    collector = DocumentCollector()
    transaction = cast(Transaction, collector)
    for number in range(agents):
        owner, visibility = KINDS[number % 3]
        name = f"agent-{number:04}" if number < deployments else None
        fields = AgentFields(name=str(number), code=ECHO, friendly_name=name, visibility=visibility, input_schema=INPUT)
        now = START + timedelta(seconds=number)
        agent = StoredAgent(
            id=f"id-{number}", owner=owner, fields=fields, rev="r", deployed_as=name, created_at=now, updated_at=now
        )
        database.agents.put(agent, transaction)
        if name:
            database.deployments.put(make_deployment(agent, name), transaction)

    async def write(start: int) -> None:
        batch = database._client.batch()  # pyright: ignore[reportPrivateUsage]
        for reference, document in collector.documents[start : start + 400]:
            batch.set(reference, document)
        await batch.commit()

    await asyncio.gather(*(write(start) for start in range(0, len(collector.documents), 400)))


async def test_lists_cost_one_read_for_each_item(database: Database, catalog: Catalog) -> None:
    """A list costs one query, and one document read for each item shown, no matter how many others are stored."""
    agents, deployments = AgentService(database), DeploymentService(database, Settings())
    providers = ProviderService(catalog, lambda: database)
    costs = Costs(database)
    counts: list[tuple[int, int, int]] = []
    for stored, deployed in ((10, 10), (MANY_AGENTS, MANY_DEPLOYMENTS)):
        await fill(database, stored, deployed)
        page = await costs.measure(lambda: agents.list(CALLER, 100))
        count = len(page.items)
        assert (costs.requests, costs.documents) == (1, count)
        apis = await costs.measure(lambda: deployments.list(CALLER, 500))
        assert (costs.requests, costs.documents) == (1, len(apis.items))
        models = (await costs.measure(lambda: providers.list_providers(CALLER)))["gofannon"].models
        assert (costs.requests, costs.documents) == (1, len(models))
        assert len(models) == len(apis.items)
        counts.append((count, len(apis.items), len(models)))
    assert counts == [(7, 7, 7), (100, 200, 200)]


async def test_a_later_page_of_a_list_costs_no_more_than_the_first(database: Database) -> None:
    """The fifth page costs as much as the first, because skipped documents are not read."""
    await fill(database, MANY_AGENTS, 0)
    agents = AgentService(database)
    costs = Costs(database)
    names: list[str] = []
    token: str | None = None
    for _ in range(5):
        page = await costs.measure(partial(agents.list, CALLER, 100, token))
        assert (costs.requests, costs.documents) == (1, 100)
        names += [agent.name for agent in page.items]
        token = page.next_token
    expected = [str(number) for number in reversed(range(MANY_AGENTS)) if number % 3 != 2]
    assert names == expected[:500]


async def test_getting_one_of_many_documents_costs_one_or_two_reads(database: Database, catalog: Catalog) -> None:
    """An agent costs one read, its deployment two, and its model in the catalog one."""
    await fill(database, MANY_AGENTS, MANY_DEPLOYMENTS)
    providers = ProviderService(catalog, lambda: database)
    costs = Costs(database)
    await costs.measure(lambda: AgentService(database).get(CALLER, "id-0"))
    assert (costs.requests, costs.documents) == (1, 1)
    await costs.measure(lambda: DeploymentService(database, Settings()).get(CALLER, "id-0"))
    assert (costs.requests, costs.documents) == (2, 2)
    await costs.measure(lambda: providers.get_model(CALLER, "gofannon", "agent-0000"))
    assert (costs.requests, costs.documents) == (1, 1)
