"""Published agents as tools that a caller of the MCP server calls. Each call is a run, which its caller pays for.

A call's id is the run's id. Whoever waits for it follows the run, as those do who watch it (`run_following`).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from pydantic import JsonValue
from pydantic_core import from_json

from shared.late_imports import import_late
from shared.mcp_server.model import Call, Report, ToolPage
from shared.models.agent_run import StartRunRequest
from shared.models.caller import Caller
from shared.models.errors import TooManyRequests, Unavailable
from shared.models.events import Event, EventName
from shared.models.wire import JsonObject
from shared.services.agents.agent_tools import to_tool
from shared.services.agents.deployments import DeploymentService
from shared.services.chat.agent_call_results import CallResults
from shared.services.chat.cancelling import CancelService
from shared.services.chat.run_following import follow_run
from shared.services.chat.run_submission import RunSubmission
from shared.services.chat.run_views import RunViews, open_questions
from shared.services.chat.turns import TurnService
from shared.services.request_shares import share
from shared.settings import Settings
from shared.store import Database
from shared.tasks import TaskQueue
from shared.text import shorten

MAX_CALLS = 16
"""The maximum number of one caller's calls that a process waits for. It is less than `feeds.MAX_READERS_PER_USER`."""
PAGE_SIZE = 100
"""The number of tools on a page."""
MAX_REPORT = 300
"""The maximum length of a report, in characters."""
_RETRY_SECONDS = 1.0


class AgentCalls:
    """Lists the tools of one caller, and calls them. See `shared.mcp_server.model.ToolHost`.

    `note_run`: is told the id of the run that a request waits for, for the log.
    """

    def __init__(
        self,
        database: Database,
        make_queue: Callable[[], TaskQueue],
        settings: Settings,
        caller: Caller,
        note_run: Callable[[str], None],
    ) -> None:
        self._database = database
        self._make_queue = make_queue
        self._settings = settings
        self._caller = caller
        self._note_run = note_run
        self._views = RunViews(database, settings)
        self._results = CallResults(database)

    def reserve(self) -> AbstractContextManager[None]:
        """See `ToolHost`. Costs no reads."""
        return share(self._settings.google_cloud_project, "mcp_call", self._caller.uid, MAX_CALLS)

    async def list_tools(self, cursor: str | None) -> ToolPage:
        """See `ToolHost`. One query, and a read per tool."""
        deployments = DeploymentService(self._database, self._settings)
        page = await deployments.list_callable(self._caller, PAGE_SIZE, cursor)
        return ToolPage([to_tool(api) for api in page.items], page.next_token)

    async def start(self, name: str, arguments: JsonObject) -> str:
        """See `ToolHost`. What `RunSubmission.start` costs."""
        submission = RunSubmission(self._database, self._make_queue(), self._settings)
        request = StartRunRequest(friendly_name=name, input=arguments)
        started, _ = await submission.start(self._caller, request, None)
        return started.run_id

    async def look_up(self, call_id: str) -> Call:
        """See `ToolHost`. One read, and another one for a result."""
        return await self._results.to_call(await self._views.get(self._caller, call_id), 0)

    async def wait(self, call_id: str, cursor: int, seconds: float, report: Report) -> Call:
        """See `ToolHost`. A read for each version of the run and each of its journal's segments."""
        self._note_run(call_id)
        watch = _Watch(self._views, self._caller, call_id, cursor, report)
        try:
            async with asyncio.timeout(seconds):
                await watch.run()
        except TimeoutError:
            pass
        return await self._results.to_call(await self._views.get(self._caller, call_id), watch.cursor)

    async def answer(self, call_id: str, answers: Mapping[str, JsonValue]) -> None:
        """See `ToolHost`. What `AnswerService.answer_open` costs."""
        module = await import_late("shared.services.chat.run_answers")
        service = module.AnswerService(self._views, self._make_queue())
        await service.answer_open(self._caller, call_id, answers)

    async def cancel(self, call_id: str) -> None:
        """See `ToolHost`. A read, and what `CancelService.cancel` costs."""
        ticket = await self._views.get(self._caller, call_id)
        turns = TurnService(self._database, self._make_queue, self._settings)
        await CancelService(self._database, turns, self._settings).cancel(self._caller, ticket.id)


class _Watch:
    """Follows a run until it has ended or asks something. `cursor`: what has been reported."""

    def __init__(self, views: RunViews, caller: Caller, run_id: str, cursor: int, report: Report) -> None:
        self._views = views
        self._caller = caller
        self._run_id = run_id
        self._report = report
        self.cursor = cursor

    async def run(self) -> None:
        """Returns when there is something to tell the client. Never if the run goes on without end.

        What a run did before its end is reported, also if it has ended meanwhile. Waits while the database is
        unavailable, or this process has too many readers.
        """
        while True:
            try:
                ticket = await self._views.get(self._caller, self._run_id)
                if open_questions(ticket):
                    return
                async with follow_run(self._views, ticket, self.cursor) as batches:
                    async for batch in batches:
                        if await self._pass_on(batch):
                            return
            except (TooManyRequests, Unavailable):
                await asyncio.sleep(_RETRY_SECONDS)

    async def _pass_on(self, batch: Sequence[Event]) -> bool:
        """Reports what a batch has. Returns whether the client is to be told more than that."""
        for event in batch:
            if event.name is EventName.DONE:
                return True
            if event.name is EventName.STATUS:
                if open_questions(await self._views.get(self._caller, self._run_id)):
                    return True
            elif text := _describe(event):
                await self._report(shorten(text, MAX_REPORT))
            self.cursor = event.id or self.cursor
        return False


def _describe(event: Event) -> str:
    """Returns what the run has printed, or which step has begun or ended."""
    data = from_json(event.data)
    if event.name is EventName.LOG:
        return str(data["text"])
    name = f" {data['name']}" if data.get("name") else ""
    return f"{data['kind']}{name}: {data['status']}"
