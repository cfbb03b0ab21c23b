"""A worker that answers deliveries of runs, each in a process of its own, which may kill itself at a boundary.

It reads a delivery in JSON from each line of its standard input, and writes how its process ended, and before that
whether it stalls. It has imported
everything, and the sandbox's fork server is running, so that a delivery's process starts in a few milliseconds. It
imports no client of a model provider: the models are scripted, and their calls are noted in the trace's folder.
"""

import asyncio
import gc
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import google.cloud.tasks_v2

import shared.json_schema.validation
import shared.outbound.http
import shared.outbound.mcp_session
from shared import clock
from shared.llm.catalog import Catalog, ModelRoute
from shared.llm.failures import ModelFailure
from shared.models.chat import ChatRequest, ChatResult, Usage
from shared.models.errors import TooEarly
from shared.models.money import to_dollars
from shared.sandbox import fork_server, forking
from shared.sandbox.engine import create_engine
from shared.sandbox.fork_server import CONTROL, main
from shared.services import model_calls
from shared.services.agents.runs import RunService
from shared.services.chat.agent_chat import AgentChatService
from shared.services.chat.answering import AnsweringService
from shared.services.chat.turns import TurnService
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from tests.services.runs.boundaries import Boundaries

COST = 100
"""What each call of a model costs, in millionths of a dollar."""
_FOLDER = Path(fork_server.__file__).parents[1] / fork_server.FOLDER
_imported = (google.cloud.tasks_v2, shared.json_schema.validation, shared.outbound.http, shared.outbound.mcp_session)


class ScriptedModel:
    """Repeats prompts. A prompt can contain a `delay` in seconds, or begin with `fail`. Notes each call in a file."""

    def __init__(self, calls: Path) -> None:
        self._calls = calls

    async def __call__(
        self, route: ModelRoute, request: ChatRequest, timeout: float, live: object = None
    ) -> ChatResult:
        prompt = str(request.messages[-1].content)
        with self._calls.open("a") as calls:
            calls.write(json.dumps(prompt) + "\n")
        if delay := re.search(r"delay=([0-9.]+)", prompt):
            await asyncio.sleep(float(delay[1]))
        if prompt.startswith("fail"):
            raise ModelFailure("The model is not in the mood.", transient=False)
        usage = Usage(prompt_tokens=1000, completion_tokens=100, total_tokens=1100)
        return ChatResult(content=f"You said: {prompt}", model=route.model, usage=usage, cost=to_dollars(COST))


class SharedForkServer:
    """A fork server of the sandbox that serves one process after the other."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            subprocess.Popen(
                [
                    sys.executable,
                    *main.COMMAND,
                    forking._find_site_packages(),  # pyright: ignore[reportPrivateUsage]
                    str(_FOLDER),
                    str(theirs.fileno()),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
            )
        assert len(self._control.recv(CONTROL.size, socket.MSG_WAITALL)) == CONTROL.size
        self._control.setblocking(False)
        self._users = itertools.count(1)

    def use_next(self) -> None:
        """Gives its next user numbers of its own for the sandbox's processes."""
        self._user = next(self._users)

    async def start(self) -> Any:
        """Replaces `_Process.start`."""
        process: Any = forking._Process(_Unlogged(), self._control)  # pyright: ignore
        process._ready.set_result(None)
        process._forked = self._user * 1000
        return process


class _Unlogged:
    """Takes the place of the fork server's process, which writes nothing unless it fails."""

    def __init__(self) -> None:
        self.stderr = asyncio.StreamReader()


async def deliver(delivery: dict[str, Any], settings: Settings, catalog: Catalog) -> None:
    """Answers a ticket once, as the worker does, and then waits for the calls of models that continue."""
    database = Database(settings)
    complete = ScriptedModel(Path(delivery["trace"] + ".models"))
    runs = RunService(
        database, ModelCallService.create(database, catalog, complete, settings), create_engine(settings), settings
    )
    answer_by_agent = AgentChatService(database, runs, settings).answer
    turns = TurnService(database, lambda: task_queue(settings), settings)
    answering = AnsweringService(database, catalog, complete, answer_by_agent, settings, turns)
    try:
        await answering.answer(delivery["ticket"])
    except TooEarly as error:
        sys.stderr.write(f"{delivery['ticket']} is too early: {error.message}\n")
    while under_way := model_calls._under_way:  # pyright: ignore[reportPrivateUsage]
        await asyncio.wait(set(under_way))


def work(delivery: dict[str, Any], settings: Settings, catalog: Catalog) -> None:
    """Answers a delivery in this process, and ends it."""
    status = 1
    try:
        moved = delivery["clock"]
        clock.time = lambda: time.time() + moved
        Boundaries(Path(delivery["trace"]), delivery["stop_at"], delivery["signal"]).install()
        asyncio.run(deliver(delivery, settings, catalog))
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)


def serve(settings: Settings) -> None:
    """Answers deliveries, one after the other, until the standard input is closed."""
    server = SharedForkServer()
    forking._Process.start = server.start  # pyright: ignore
    catalog = Catalog.load({"OPENAI_API_KEY": "sk-" + "0" * 32})
    gc.collect()
    gc.freeze()  # keeps the memory shared with the deliveries' processes
    for line in sys.stdin:
        delivery = json.loads(line)
        server.use_next()
        pid = os.fork()
        if not pid:
            work(delivery, settings, catalog)
        _, status = os.waitpid(pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            _report(stalled=pid)
            _, status = os.waitpid(pid, 0)
        _report(status=os.waitstatus_to_exitcode(status))


def _report(**report: int) -> None:
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(Settings.model_validate_json(sys.argv[1]))
