"""A published agent that makes one paid model call: as many calls as a few clients can make, and 100 per second."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from statistics import median

from google.cloud.firestore import AsyncClient

from bench.backends import Backends, start_backends
from bench.http import write_request
from bench.load import RESPONSE_SECONDS, Load
from bench.loop import run
from bench.progress import count_rounds, say
from bench.rates import Rates, flood
from bench.rows import Row, Target
from bench.served import serve_function
from bench.statistics import percentile
from bench.tickets import CHARGE, LedgerWrong, check_account
from shared.models.caller import Caller
from tests.services.publishing import publish

_CODE = """
async def run(input_dict, tools):
    content, _ = await call_llm("openai", "gpt-4.1-mini", input_dict["inputText"], {"max_tokens": 1000})
    return {"outputText": content}
"""
_PER_SECOND = 100
_MODEL_SECONDS = 0.05
"""A process runs at most 16 agents of one owner at a time, so a call may take 160 ms in all at this rate."""
_ADDRESSES = 1000
_CLIENTS = 8
_SECONDS = 2.0
_WINDOW_SECONDS = 10
_BODY = json.dumps({"inputText": "hi"}).encode()
_OWNER = Caller(uid="owner")


def measure(rounds: int) -> Iterator[Row]:
    """Yields the rate of a few clients, then the latencies of calls that arrive at a fixed rate.

    They arrive for 12 s times the number of rounds from many addresses, and for a shorter time from one address.
    """
    many = [f"198.51.{number // 250}.{number % 250 + 1}" for number in range(_ADDRESSES)]
    yield from _measure_rate(rounds)
    yield from _measure("many addresses", many, 12 * rounds, REST_RATE_PER_MINUTE="600")
    yield from _measure("one address", ["198.51.100.1"], max(_WINDOW_SECONDS, 3 * rounds))


def _measure_rate(rounds: int) -> Iterator[Row]:
    with start_backends(TRUSTED_PROXIES="1") as backends, serve_function("deployments", backends.environ) as function:
        run(_publish(backends))
        clients = [[_write_call(f"198.51.100.{number + 1}")] for number in range(_CLIENTS)]
        backends.load.call("send_at_once", function.port, clients[0], 1).check()
        backends.model.call("set_delay", _MODEL_SECONDS)
        rates = Rates()
        for number in count_rounds(rounds, warm_up=True):
            load, cpu_seconds = flood(backends, function, clients, _SECONDS)
            if number:
                rates.add(load, cpu_seconds)
        run(_check(backends.project, backends.model.call("take_calls")))
    note = f"the model takes {_MODEL_SECONDS} s; CPU time per call: {median(rates.cpu_milliseconds):.1f} ms"
    yield Row(f"published agent, {_CLIENTS} clients", "/s", rates.per_second, note=note)


def _write_call(address: str) -> bytes:
    return write_request("POST", "/rest/caller", {"X-Forwarded-For": address}, _BODY)


def _measure(callers: str, addresses: Sequence[str], seconds: int, **settings: str) -> Iterator[Row]:
    with ExitStack() as stack:
        backends = stack.enter_context(start_backends(TRUSTED_PROXIES="1", **settings))
        function = stack.enter_context(serve_function("deployments", backends.environ))
        run(_publish(backends))
        requests = [_write_call(addresses[number % len(addresses)]) for number in range(_PER_SECOND * seconds)]
        for request in requests[:5]:  # the first call imports litellm and starts the sandbox
            backends.load.call("send_at_once", function.port, [request], 1).check()
        backends.model.call("set_delay", _MODEL_SECONDS)
        say(f"  {_PER_SECOND} calls per second for {seconds} s, {callers}")
        before = function.total_cpu_seconds()
        load: Load = backends.load.call(
            "arrive", function.port, requests, _PER_SECOND, timeout=seconds + 2 * RESPONSE_SECONDS
        )
        cpu = 1000 * (function.total_cpu_seconds() - before) / len(requests)
        what = f"published agent, {_PER_SECOND}/s for {seconds} s, {callers}"
        if load.latencies:
            yield _latency_row(what, load, cpu)
        yield Row(
            f"{what}: calls that failed",
            ours=[float(load.failed)],
            target=Target(0),
            note=load.errors[0] if load.errors else "",
            raw={"errors": dict(Counter(error.partition(" ")[0] for error in load.errors))},
        )
        yield from _ledger_row(what, backends, load)


def _latency_row(what: str, load: Load, cpu_milliseconds: float) -> Row:
    beside = [1000 * (latency - _MODEL_SECONDS) for latency in load.latencies]
    windows: dict[int, list[float]] = {}
    for milliseconds, arrival in zip(beside, load.arrivals, strict=True):
        windows.setdefault(int(arrival // _WINDOW_SECONDS), []).append(milliseconds)
    note = (
        f"p95 of each {_WINDOW_SECONDS} s, less the model's {_MODEL_SECONDS} s, from when a call was due; overall: "
        f"median {percentile(beside, 50):.0f}, p95 {percentile(beside, 95):.0f}, longest {max(beside):.0f} ms; "
        f"{cpu_milliseconds:.1f} ms of CPU time per call"
    )
    p95s = [percentile(window, 95) for _, window in sorted(windows.items())]
    return Row(f"{what}: p95", "ms", p95s, target=Target(250), note=note, raw={"milliseconds": beside})


def _ledger_row(what: str, backends: Backends, load: Load) -> Iterator[Row]:
    """Yields the number of charges less the number of model calls. Raises `LedgerWrong` if the sums do not agree."""
    calls: int = backends.model.call("take_calls")
    run(_check(backends.project, calls))
    if not load.failed and calls != len(load.latencies) + 5:
        raise LedgerWrong(f"{len(load.latencies) + 5} calls succeeded, but the model was called {calls} times.")
    note = f"{calls} model calls, {calls} entries of {CHARGE} millionths, nothing held"
    yield Row(f"{what}: wrong charges", ours=[0.0], target=Target(0), note=note)


async def _check(project: str, calls: int) -> None:
    client = AsyncClient(project=project)
    await check_account(client, _OWNER.uid, calls)
    days = [day.to_dict() or {} for day in await client.collection("deploymentDays").get()]
    spent, held = (sum(day[name] for day in days) for name in ("spent", "held"))
    if (spent, held) != (calls * CHARGE, 0):
        raise LedgerWrong(f"The deployment's days record {spent} spent and {held} held after {calls} calls.")


async def _publish(backends: Backends) -> None:
    await publish(backends.database(), _OWNER, "caller", _CODE)
