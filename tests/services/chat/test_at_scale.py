"""What lists cost when much is stored: queries and documents read, counted at the client."""

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
    """Counts the requests that read, and the documents that Firestore sends, by listening to the client's answers."""

    def __init__(self, database: Database) -> None:
        self.requests = 0
        self.documents = 0
        api = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
        for name in ("batch_get_documents", "run_query"):
            setattr(api, name, self._counting(getattr(api, name)))

    async def of(self, act: Callable[[], Awaitable[T]]) -> T:
        """What it gives; counted are its requests and documents alone."""
        self.requests = self.documents = 0
        return await act()

    def _counting(self, call: Any) -> Any:
        async def counted(*args: Any, **kwargs: Any) -> Any:
            self.requests += 1
            answers = await call(*args, **kwargs)

            async def listened() -> Any:
                async for answer in answers:
                    self.documents += bool(getattr(answer, "found", None) or getattr(answer, "document", None))
                    yield answer

            return listened()

        return counted


class Written:
    """Takes the place of a transaction: keeps what the stores make of things, to be written in batches."""

    def __init__(self) -> None:
        self.documents: list[tuple[AsyncDocumentReference, dict[str, Any]]] = []

    def set(self, reference: AsyncDocumentReference, document: dict[str, Any]) -> None:
        self.documents.append((reference, document))


async def fill(database: Database, upto: int, deployments: int) -> None:
    """Agents in turn the caller's own, somebody else's and shared, somebody else's and private; the first deployed."""
    written = Written()
    transaction = cast(Transaction, written)
    for number in range(upto):
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
        for reference, document in written.documents[start : start + 400]:
            batch.set(reference, document)
        await batch.commit()

    await asyncio.gather(*(write(start) for start in range(0, len(written.documents), 400)))


async def test_lists_cost_what_they_show(database: Database, catalog: Catalog) -> None:
    """One query each, and a document read for each that is shown, however many others are stored."""
    agents, deployments = AgentService(database), DeploymentService(database, Settings())
    providers = ProviderService(catalog, lambda: database)
    costs = Costs(database)
    seen: list[tuple[int, int, int]] = []
    for upto, deployed in ((10, 10), (MANY_AGENTS, MANY_DEPLOYMENTS)):
        await fill(database, upto, deployed)
        page = await costs.of(lambda: agents.list(CALLER, 100))
        shown = len(page.items)
        assert (costs.requests, costs.documents) == (1, shown)
        apis = await costs.of(lambda: deployments.list(CALLER, 500))
        assert (costs.requests, costs.documents) == (1, len(apis.items))
        models = (await costs.of(lambda: providers.list_providers(CALLER)))["gofannon"].models
        assert (costs.requests, costs.documents) == (1, len(models))
        assert len(models) == len(apis.items)
        seen.append((shown, len(apis.items), len(models)))
    assert seen == [(7, 7, 7), (100, 200, 200)]


async def test_a_page_deep_in_the_list_costs_no_more(database: Database) -> None:
    """The fifth page costs as much as the first: what was skipped is not read again."""
    await fill(database, MANY_AGENTS, 0)
    agents = AgentService(database)
    costs = Costs(database)
    names: list[str] = []
    token: str | None = None
    for _ in range(5):
        page = await costs.of(partial(agents.list, CALLER, 100, token))
        assert (costs.requests, costs.documents) == (1, 100)
        names += [agent.name for agent in page.items]
        token = page.next_token
    wanted = [str(number) for number in reversed(range(MANY_AGENTS)) if number % 3 != 2]
    assert names == wanted[:500]


async def test_one_of_many_costs_one_read(database: Database, catalog: Catalog) -> None:
    """An agent costs one read, its deployment two, a model of the catalog one."""
    await fill(database, MANY_AGENTS, MANY_DEPLOYMENTS)
    providers = ProviderService(catalog, lambda: database)
    costs = Costs(database)
    await costs.of(lambda: AgentService(database).get(CALLER, "id-0"))
    assert (costs.requests, costs.documents) == (1, 1)
    await costs.of(lambda: DeploymentService(database, Settings()).get(CALLER, "id-0"))
    assert (costs.requests, costs.documents) == (2, 2)
    await costs.of(lambda: providers.get_model(CALLER, "gofannon", "agent-0000"))
    assert (costs.requests, costs.documents) == (1, 1)
