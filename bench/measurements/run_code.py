"""Runs of a one-line agent over HTTP, from eight clients, each run in a fresh instance of the sandbox."""

import json
import tempfile
from collections.abc import Iterator

from bench.backends import start_backends
from bench.http import write_request
from bench.progress import count_rounds
from bench.rates import flood
from bench.rows import Row, Target
from bench.served import serve_function

CODE = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText'].upper()}"
BODY = json.dumps({"code": CODE, "inputDict": {"inputText": "hello"}, "tools": {}}).encode()
_CLIENTS = 8
_SECONDS = 3.0
_WARM_UP_SECONDS = 4.0


def measure(rounds: int) -> Iterator[Row]:
    """Yields the rate of `POST /agents/run-code`."""
    with (
        tempfile.TemporaryDirectory() as folder,
        start_backends(TMPDIR=folder) as backends,
        serve_function("agents", backends.environ) as agents,
    ):
        clients = [[write_request("POST", "/agents/run-code", body=BODY)]] * _CLIENTS
        rates: list[float] = []
        for number in count_rounds(rounds, warm_up=True):
            seconds = _SECONDS if number else _WARM_UP_SECONDS
            load, _ = flood(backends, agents, clients, seconds)
            if number:
                rates.append(load.per_second)
    note = "a fresh instance for each run"
    yield Row(f"run-code, one line, {_CLIENTS} clients", "/s", rates, target=Target(600, at_least=True), note=note)
