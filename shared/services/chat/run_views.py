"""Agents' runs as callers see them: looks them up, lists them, and shows their steps.

A run is a ticket with the provider `gofannon`, whether `POST /runs` or a chat has started it. Only its owner sees it,
except that whoever called a published agent may look up the result: that user or, if the agent was public, anybody who
knows the run's id. What an agent of somebody else prints and calls is never recorded
(`shared.services.agents.program_journal`), so it need not be hidden here.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from shared import clock
from shared.models.agent import ENGINE
from shared.models.agent_run import Run, RunQuestion, Step, summarize_input
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import TicketStatus
from shared.models.errors import NotFound, Unauthenticated
from shared.models.question import Question
from shared.models.ticket import Ticket
from shared.services.chat.tickets import TicketService
from shared.services.pagination import Page, read_moment_token, write_moment_token
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database

MAX_SEGMENTS = 2_000
"""The maximum number of segments whose steps are shown."""
_UNKNOWN = "There is no such run."


@dataclass(frozen=True)
class RunViews:
    """Shows runs."""

    database: Database
    settings: Settings

    async def get(self, caller: Caller, run_id: str) -> Ticket:
        """Returns the run's ticket. Raises `NotFound` if it is unknown, another user's, or not a run. One read."""
        try:
            ticket = await TicketService(self.database).get(caller, run_id)
        except NotFound as error:
            raise NotFound(_UNKNOWN) from error
        if ticket.provider != GOFANNON:
            raise NotFound(_UNKNOWN)
        return ticket

    async def look_up(self, caller: Caller, run_id: str) -> Run:
        """The run's current state. Raises `NotFound`. Three reads, and one for each segment that has log lines."""
        return await self.show(await self.get(caller, run_id))

    async def look_up_public(self, caller: Caller | None, run_id: str, address: str) -> Run:
        """The run's current state or, for the caller of a published agent, its result.

        `address`: where the request comes from; callers without an account are limited by it. Raises `NotFound` and
        `TooManyRequests`, and `Unauthenticated` for a caller without an account unless the agent was public.
        """
        if caller is None:
            await RateLimitService(self.database).acquire(f"runs:{address}", self.settings.rest_rate_per_minute)
        async with self.database.raising_unavailable():
            ticket = await self.database.tickets.get(run_id)
        if ticket is not None and ticket.provider == GOFANNON:
            if caller is not None and ticket.owner == caller.uid:
                return await self.show(ticket)
            if ticket.is_public and (ticket.requester is None or (caller and ticket.requester == caller.uid)):
                return _show_result(ticket)
        if caller is None:
            raise Unauthenticated("Sign in, and send the ID token as 'Authorization: Bearer <ID token>'.")
        raise NotFound(_UNKNOWN)

    async def show(self, ticket: Ticket) -> Run:
        """Returns the run with its input and what it has printed. Two reads, or more with log lines."""
        async with self.database.raising_unavailable():
            body, lines = await asyncio.gather(
                self.database.tickets.get_request(ticket.id), self.database.journals.read_logs(ticket.id)
            )
        update = {
            "input": None if body is None else summarize_input(body),
            "logs": [line.text for line in lines],
        }
        return to_run(ticket).model_copy(update=update)

    async def list(
        self,
        caller: Caller,
        limit: int,
        token: str | None = None,
        status: TicketStatus | None = None,
        agent_id: str | None = None,
    ) -> Page[Run]:
        """The caller's runs without their inputs and logs, the newest first.

        `agent_id` selects the runs that were started with this id or with the name of this agent, but not chats. One
        query, and one read per run. Raises `BadRequest` for an invalid `token`.
        """
        after = None if token is None else read_moment_token(token)
        async with self.database.raising_unavailable():
            tickets, end = await self.database.tickets.page(
                caller.uid, limit, status, after, provider=GOFANNON, agent_id=agent_id
            )
        return Page(tickets, None if end is None else write_moment_token(*end)).convert(to_run)

    async def list_steps(self, caller: Caller, run_id: str) -> "list[Step]":
        """The run's steps, in the order in which they began. Raises `NotFound`.

        One read, and one for each of the journal's segments, of which it shows the first `MAX_SEGMENTS`.
        """
        ticket = await self.get(caller, run_id)
        async with self.database.raising_unavailable():
            segments = await self.database.journals.read_steps(ticket.id, MAX_SEGMENTS)
        steps = NumberedSteps()
        latest = {step.n: step for segment in segments for step in steps.number(segment.steps)}
        return [latest[n] for n in sorted(latest)]


class NumberedSteps:
    """Numbers steps in the order in which their calls first appear, from 1."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, steps: Iterable[Step]) -> list[Step]:
        """Returns the next steps with their numbers. A step keeps the number of an earlier one of the same call."""
        return [
            step.model_copy(update={"n": self._numbers.setdefault(step.call, len(self._numbers) + 1)}) for step in steps
        ]


def to_run(ticket: Ticket) -> Run:
    """Returns the run as its owner sees it, without its input and its logs.

    The cost and the usage of a run without a result are not added up here, so they are 0.
    """
    is_done, result = ticket.status is TicketStatus.COMPLETED, ticket.result
    questions = [] if ticket.status.finished else [_show(question) for question in open_questions(ticket)]
    run = Run(
        run_id=ticket.id,
        agent_id=ticket.agent_id,
        friendly_name=None if ticket.model == ticket.agent_id else ticket.model,
        status=ticket.status,
        result=result.thoughts if is_done and result is not None else None,
        error=ticket.error,
        engine=ENGINE,
        attempts=ticket.attempts,
        question=questions[0] if questions else None,
        questions=questions,
        wake_at=ticket.wake_at,
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        completed_at=ticket.completed_at,
    )
    return run if result is None else run.model_copy(update={"usage": result.usage, "cost": result.cost})


def open_questions(ticket: Ticket) -> list[Question]:
    """Returns the questions that may still be answered."""
    now = clock.now()
    return [
        question
        for question in ticket.questions
        if question.is_open and (question.expires_at is None or question.expires_at > now)
    ]


def _show(question: Question) -> RunQuestion:
    return RunQuestion(
        call=question.call,
        question=question.text,
        choices=question.choices,
        answer_schema=question.read_schema(),
        asked_at=question.asked_at,
        expires_at=question.expires_at,
    )


def _show_result(ticket: Ticket) -> Run:
    """Returns what anybody may see of a published agent's run."""
    hidden = {"agent_id": None, "attempts": 0, "question": None, "questions": [], "wake_at": None}
    error = None if ticket.error is None else "The agent failed. Its owner can see why."
    shown = to_run(ticket.model_copy(update={"questions": []}))
    defaults = {name: Run.model_fields[name].get_default() for name in ("usage", "cost")}
    return shown.model_copy(update={**hidden, **defaults, "error": error})
