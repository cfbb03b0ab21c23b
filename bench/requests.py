"""Measures the requests per second of the chat routes, compared with a route that does nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import httpx

from bench.served import ROOT, serve
from local_platform.firestore_emulator import firestore_emulator
from tests.doubles.cloud_tasks import CloudTasksServer

_CLIENTS = 16
_SECONDS = 4.0
_CHAT = {"provider": "ollama", "model": "llama3.1", "messages": [{"role": "user", "content": "hi"}]}


def measure() -> None:
    """Prints each route's rate. The Firestore emulator and the Cloud Tasks server run on the same cores."""
    print(f"Requests per second, {_CLIENTS} at a time for {_SECONDS:.0f} s, with one process for each function")
    tasks = CloudTasksServer()
    tasks.start()
    with firestore_emulator() as host:
        environ = {
            "FIRESTORE_EMULATOR_HOST": host,
            "CLOUD_TASKS_ENDPOINT": tasks.endpoint,
            "GOOGLE_CLOUD_PROJECT": f"demo-bench-{uuid4().hex[:8]}",
        }
        with serve("meta", ROOT / "functions/meta/main.py", environ) as meta:
            baseline = asyncio.run(_rate("GET /health", meta.url, lambda client: client.get("/health"), None))
        with serve("chat", ROOT / "functions/chat/main.py", environ) as chat:
            asyncio.run(_chat(chat.url, baseline))
    tasks.stop()


async def _chat(url: str, baseline: float) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        accepted = await client.post("/chat", json=_CHAT)
    ticket_id = accepted.raise_for_status().json()["ticket_id"]
    await _rate("POST /chat", url, lambda client: client.post("/chat", json=_CHAT), baseline)
    await _rate("GET /chat/{id}", url, lambda client: client.get(f"/chat/{ticket_id}"), baseline)


async def _rate(
    name: str, url: str, request: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]], baseline: float | None
) -> float:
    completed = 0
    deadline = time.perf_counter() + _SECONDS

    async def send_requests(client: httpx.AsyncClient) -> None:
        nonlocal completed
        while time.perf_counter() < deadline:
            (await request(client)).raise_for_status()
            completed += 1

    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        await asyncio.gather(*(send_requests(client) for _ in range(_CLIENTS)))
    rate = completed / _SECONDS
    ratio = "" if baseline is None else f"   x{rate / baseline:.2f} of GET /health"
    print(f"  {name:16} {rate:7.0f}/s{ratio}", flush=True)
    return rate
