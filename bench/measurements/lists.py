"""Lists and catalogs of 10, 1,000 and 100,000 documents: a page must not get slower as its collection grows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from statistics import median
from typing import Any

from google.cloud.firestore import AsyncClient

from bench.backends import Backends, start_backends
from bench.documents import put_all
from bench.http import write_request
from bench.load import Load
from bench.loop import run
from bench.rows import Row, Target
from bench.served import Served, serve_floor, serve_function
from bench.statistics import ratios
from shared.models.caller import LOCAL_USER, Caller
from shared.models.demo import CreateDemoRequest
from shared.services.accounts.users import UserService
from shared.services.demos.demos import DemoService
from shared.settings import Settings
from tests.services.publishing import publish

_SIZES = (10, 1_000, 100_000)
_SECONDS = 0.4
_PASSWORD = "bench"  # noqa: S105 - of a server that runs for a minute
_ADMIN_SETTINGS = {
    "ADMIN_PANEL_ENABLED": "true",
    "ADMIN_PASSWORD": _PASSWORD,
    "ADMIN_PASSWORD_RATE_PER_MINUTE": "0",
}
_FLAT = Target(1.25)


@dataclass(frozen=True)
class _List:
    """A list's function, route, collection, the field it is sorted by, and its default limit."""

    function: str
    route: str
    collection: str
    sorted_by: str
    default_limit: int


@dataclass(frozen=True)
class _Pages:
    """The milliseconds per document of pages with so many documents, of the service and of the bare query."""

    documents: int
    ours: list[float]
    bare: list[float]


_LISTS = (
    _List("agents", "/agents", "agents", "updated_at", 500),
    _List("demos", "/demos", "demos", "updated_at", 500),
    _List("deployments", "/deployments", "deployments", "id", 500),
    _List("providers", "/providers", "deployments", "id", 1000),
    _List("admin", "/admin/users", "users", "id", 100),
)
_WITHOUT_LIMIT = "providers"
_DEMO = {
    "name": "Greetings",
    "userPrompt": "A page that greets me by my name.",
    "selectedApis": [{"friendlyName": "greeter"}],
    "modelConfig": {"provider": "openai", "model": "gpt-4.1-mini", "parameters": {}},
    "generatedCode": {"html": "<p>Hello</p>", "css": "p { color: teal; }", "js": ""},
}


def measure(rounds: int) -> Iterator[Row]:
    """Yields how much the time per document of each list's pages grows from 10 documents on.

    The floor is the growth of the bare query: the emulator reads a whole collection for a page, unlike Firestore.
    """
    for collection in dict.fromkeys(each.collection for each in _LISTS):
        yield from _measure_collection(collection, rounds)


def _measure_collection(collection: str, rounds: int) -> Iterator[Row]:
    lists = [each for each in _LISTS if each.collection == collection]
    with ExitStack() as stack:
        backends = stack.enter_context(start_backends(**_ADMIN_SETTINGS))
        functions = [stack.enter_context(serve_function(each.function, backends.environ)) for each in lists]
        floor = stack.enter_context(serve_floor("page", backends.environ))
        first: dict[tuple[str, int], _Pages] = {}
        stored = 0
        for size in _SIZES:
            run(_grow(backends, collection, stored, size))
            stored = size
            for each, function in zip(lists, functions, strict=True):
                for limit in _limits(each):
                    pages = _time_pages(backends, each, function, floor, limit, rounds)
                    base = first.setdefault((each.route, limit), pages)
                    if size != _SIZES[0]:
                        yield _growth_row(f"GET {each.route}, {limit} a page", size, pages, base)


def _growth_row(what: str, size: int, pages: _Pages, base: _Pages) -> Row:
    """The time per document, compared with that at the first size."""
    return Row(
        f"{what}, {_SIZES[0]} to {size:,}",
        "×",
        ratios(pages.ours, base.ours),
        ratios(pages.bare, base.bare),
        _FLAT,
        f"{median(pages.ours) * pages.documents:.1f} ms for {pages.documents} documents, "
        f"the bare query {median(pages.bare) * pages.documents:.1f} ms",
        {"ms_per_document": {"ours": pages.ours, "bare": pages.bare, "ours_at_10": base.ours, "bare_at_10": base.bare}},
    )


def _limits(each: _List) -> Sequence[int]:
    return (each.default_limit,) if each.route.endswith(_WITHOUT_LIMIT) else (each.default_limit, 50)


def _time_pages(backends: Backends, each: _List, function: Served, floor: Served, limit: int, rounds: int) -> _Pages:
    path = each.route if limit == each.default_limit else f"{each.route}?limit={limit}"
    floor_path = f"/{each.collection}/{each.sorted_by}/{limit}"
    documents = _count(function, path, each)
    ours: list[float] = []
    bare: list[float] = []
    for number in range(rounds + 1):
        for port, requested, times in ((floor.port, floor_path, bare), (function.port, path, ours)):
            request = write_request("GET", requested, {"X-Admin-Password": _PASSWORD})
            load: Load = backends.load.call("flood", port, [[request]], _SECONDS)
            if number:
                times.append(1000 * median(load.check().latencies) / documents)
    return _Pages(documents, ours, bare)


def _count(function: Served, path: str, each: _List) -> int:
    """Returns the number of documents on a page."""
    connection = HTTPConnection("127.0.0.1", function.port, timeout=120)
    connection.request("GET", path, headers={"X-Admin-Password": _PASSWORD})
    response = connection.getresponse()
    page: Any = json.loads(response.read())
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"GET {path}: {response.status} {page}")
    return len(page["gofannon"]["models"]) if each.function == "providers" else len(page)


async def _grow(backends: Backends, collection: str, stored: int, size: int) -> None:
    """Copies one document, which the service wrote, until there are `size` of them."""
    client = AsyncClient(project=backends.project)
    if not stored:
        await _store_first(backends, collection)
    originals = await client.collection(collection).limit(1).get()
    original = originals[0].to_dict() or {}
    await put_all(backends.project, _copy(collection, original, max(1, stored), size))


def _copy(
    collection: str, original: Mapping[str, Any], begin: int, end: int
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(begin, end):
        changed = {"updated_at": first + timedelta(seconds=number)} if "updated_at" in original else {}
        yield f"{collection}/copy-{number:06}", {**original, **changed}


async def _store_first(backends: Backends, collection: str) -> None:
    database, caller = backends.database(), Caller(uid=LOCAL_USER)
    if collection == "demos":
        await DemoService(database).create(caller, CreateDemoRequest.model_validate(_DEMO))
    elif collection == "users":
        await UserService(database, Settings.from_environ(backends.environ)).get(caller)
    else:
        await publish(database, caller, "echo")
