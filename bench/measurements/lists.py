"""Lists and catalogs of 1,000 and 100,000 documents: a full page must not get slower as its collection grows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from google.cloud.firestore import AsyncClient

from bench.backends import Backends, start_backends
from bench.documents import put_all
from bench.http import write_request
from bench.load import Load
from bench.loop import run
from bench.progress import count_rounds, say
from bench.rows import Row, Target
from bench.served import Served, get_json, serve_floor, serve_function
from bench.statistics import ratios
from bench.watching import MeasurementFailed
from shared.models.caller import LOCAL_USER, Caller
from shared.models.demo import CreateDemoRequest
from shared.services.accounts.users import UserService
from shared.services.demos.demos import DemoService
from shared.settings import Settings
from tests.services.publishing import publish

_SMALL, _LARGE = 1_000, 100_000
"""The sizes of the collections. The small one fills the largest page, so that both pages have the same length."""
_SECONDS = 0.4
"""The least time for the requests of one kind in a round. The emulator needs longer for one page of the large one."""
_PASSWORD = "bench"  # noqa: S105 - of a server that runs for a minute
_ADMIN_SETTINGS = {
    "ADMIN_PANEL_ENABLED": "true",
    "ADMIN_PASSWORD": _PASSWORD,
    "ADMIN_PASSWORD_RATE_PER_MINUTE": "0",
}
_FLAT = Target(1.25)


@dataclass(frozen=True)
class _List:
    """A list's function, route, collection, the field it is sorted by, and the limits of the measured pages.

    The first limit is the default one, which the route is called without.
    """

    function: str
    route: str
    collection: str
    sorted_by: str
    limits: Sequence[int]

    def path(self, limit: int) -> str:
        """The path of a page."""
        return self.route if limit == self.limits[0] else f"{self.route}?limit={limit}"

    def floor_path(self, limit: int) -> str:
        """The path of the same page of the floor."""
        return f"/{self.collection}/{self.sorted_by}/{limit}"


@dataclass(frozen=True)
class Pages:
    """The milliseconds of a page in each round, and of the bare query for it. `cpu`: the function's own CPU time."""

    ours: list[float] = field(default_factory=list[float])
    bare: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])


@dataclass(frozen=True)
class _Side:
    """A collection of one size, with the servers that read it, in the order of the lists."""

    size: int
    functions: Sequence[Served]
    floor: Served


_LISTS = (
    _List("agents", "/agents", "agents", "updated_at", (500, 50)),
    _List("demos", "/demos", "demos", "updated_at", (500, 50)),
    _List("deployments", "/deployments", "deployments", "id", (500, 50)),
    _List("providers", "/providers", "deployments", "id", (1000,)),
    _List("admin", "/admin/users", "users", "id", (100, 50)),
)
_DEMO = {
    "name": "Greetings",
    "userPrompt": "A page that greets me by my name.",
    "selectedApis": [{"friendlyName": "greeter"}],
    "modelConfig": {"provider": "openai", "model": "gpt-4.1-mini", "parameters": {}},
    "generatedCode": {"html": "<p>Hello</p>", "css": "p { color: teal; }", "js": ""},
}


def measure(rounds: int) -> Iterator[Row]:
    """Yields how much a page of each list grows, in time and CPU time, from the small collection to the large one.

    The floor is the growth of the bare query: the emulator reads a whole collection for a page, unlike Firestore. All
    times that are compared are from the same round.
    """
    for collection in dict.fromkeys(each.collection for each in _LISTS):
        yield from _measure_collection(collection, rounds)


def _measure_collection(collection: str, rounds: int) -> Iterator[Row]:
    lists = [each for each in _LISTS if each.collection == collection]
    with ExitStack() as stack:
        backends = stack.enter_context(start_backends(**_ADMIN_SETTINGS))
        small, large = (_start(stack, backends, lists, size) for size in (_SMALL, _LARGE))
        for number, each in enumerate(lists):
            for limit in each.limits:
                what = f"GET {each.route}, {limit} a page"
                _check_page(each, limit, small.functions[number], large.functions[number])
                pages = (Pages(), Pages())
                for _ in count_rounds(rounds, what):
                    for side, times in zip((small, large), pages, strict=True):
                        _time_page(backends, each, limit, side.functions[number], side.floor, times)
                yield from write_growth(what, *pages)


def _start(stack: ExitStack, backends: Backends, lists: Sequence[_List], size: int) -> _Side:
    """Fills a project with one collection, and starts the servers that read it."""
    collection = lists[0].collection
    environ = {**backends.environ, "GOOGLE_CLOUD_PROJECT": f"{backends.project}-{size}"}
    say(f"  storing {size:,} {collection}")
    run(_fill(replace(backends, environ=environ), collection, size))
    functions = [stack.enter_context(serve_function(each.function, environ)) for each in lists]
    return _Side(size, functions, stack.enter_context(serve_floor("page", environ)))


def write_growth(what: str, small: Pages, large: Pages) -> Iterator[Row]:
    """Yields two rows: the growth of a page beside that of the bare query, and of the function's CPU time.

    The second is the more precise one, as it leaves the emulator out, which reads the whole collection.
    """
    ours, bare = (
        f"{median(before):,.1f} and {median(after):,.1f} ms"
        for before, after in ((small.ours, large.ours), (small.bare, large.bare))
    )
    raw = {"milliseconds": {"small": asdict(small), "large": asdict(large)}}
    note = f"{len(large.ours)} rounds; a page takes {ours}, the bare query {bare}"
    growth, bare_growth = ratios(large.ours, small.ours), ratios(large.bare, small.bare)
    yield Row(f"{what}: growth", "×", growth, bare_growth, _FLAT, note, raw)
    note = f"of {_LARGE:,} documents; the floor is the same page of {_SMALL:,}"
    yield Row(f"{what}: CPU time", "ms", large.cpu, small.cpu, _FLAT, note)


def _time_page(backends: Backends, each: _List, limit: int, function: Served, floor: Served, times: Pages) -> None:
    """Appends the times of one round."""
    bare, _ = _flood(backends, floor, write_request("GET", each.floor_path(limit)))
    request = write_request("GET", each.path(limit), {"X-Admin-Password": _PASSWORD})
    ours, cpu = _flood(backends, function, request)
    times.bare.append(bare)
    times.ours.append(ours)
    times.cpu.append(cpu)


def _flood(backends: Backends, function: Served, request: bytes) -> tuple[float, float]:
    """Returns the median duration of some sequential requests, and the function's CPU time per request, in ms."""
    before = function.total_cpu_seconds()
    load: Load = backends.load.call("flood", function.port, [[request]], _SECONDS)
    latencies = load.check().latencies
    return 1000 * median(latencies), 1000 * (function.total_cpu_seconds() - before) / len(latencies)


def _check_page(each: _List, limit: int, *functions: Served) -> None:
    """Raises `MeasurementFailed` unless the page is full in both collections. This warms the functions up, too."""
    for function in functions:
        page = get_json(function, each.path(limit), {"X-Admin-Password": _PASSWORD})
        found = len(page["gofannon"]["models"] if each.function == "providers" else page)
        if found != limit:
            raise MeasurementFailed(f"GET {each.path(limit)} returned {found} documents instead of {limit}")


async def _fill(backends: Backends, collection: str, size: int) -> None:
    """Stores `size` copies of one document, which the service wrote."""
    await _store_first(backends, collection)
    originals = await AsyncClient(project=backends.project).collection(collection).limit(1).get()
    await put_all(backends.project, _copy(collection, originals[0].to_dict() or {}, size - 1))


def _copy(collection: str, original: Mapping[str, Any], copies: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(copies):
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
