"""Answers the questions of runs. Each question is answered once, and has its run continue."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from shared import clock
from shared.models.agent_run import AnswerRequest
from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.errors import Conflict, InvalidInput, NotFound
from shared.models.question import Question
from shared.models.ticket import Ticket
from shared.services.agents.questions import find_problem
from shared.services.chat.run_pause import enqueue_wake_up
from shared.services.chat.run_views import RunViews, open_questions
from shared.store import Transaction
from shared.tasks import TaskQueue

MAX_ANSWER_BYTES = 65_536
"""The maximum size of an answer as JSON. All answers of a run are stored in its ticket until it continues."""
MAX_ANSWERS_BYTES = 500_000
"""The maximum size of all answers that are stored at once, so that the ticket fits into a document."""
_RETRY_SECONDS = 1


@dataclass(frozen=True)
class AnswerService:
    """Accepts answers."""

    views: RunViews
    queue: TaskQueue

    async def answer(self, caller: Caller, run_id: str, request: AnswerRequest) -> Ticket:
        """Stores the answer, queues the run, and returns its ticket. If the queue refuses it, the sweep queues it.

        Raises `NotFound`, `InvalidInput` for an answer that is too large or does not fit the question, and `Conflict`
        if the run does not ask this, or not any more. While a worker still has the run, the error says when to try
        again. One read, and one transaction.
        """
        question = _find(await self.views.get(caller, run_id), request.call)
        answer = await _fit(question, request.answer)

        async def write(transaction: Transaction) -> Ticket:
            ticket = await self._get(run_id, transaction)
            answered = ticket.answer({_find(ticket, question.call).call: answer}, clock.now())
            self.views.database.tickets.put(answered, transaction)
            return answered

        ticket = await self.views.database.change(f"user:{caller.uid}", write, urgent=True)
        await enqueue_wake_up(self.queue, ticket, None)
        return ticket

    async def answer_open(self, caller: Caller, run_id: str, answers: Mapping[str, JsonValue]) -> None:
        """Stores answers by their questions' calls, all at once, because the run takes none while it continues.

        Ignores answers to questions that are not open, or not any more. Raises `NotFound` and, after the other answers
        have been stored, `InvalidInput` for those that do not fit. Costs what `answer` costs.
        """
        asked = {question.call: question for question in open_questions(await self.views.get(caller, run_id))}
        fitting: dict[str, str] = {}
        problems: list[tuple[str, tuple[str | int, ...], str]] = []
        size = 0
        for call, question in asked.items():
            if call not in answers:
                continue
            try:
                text = await _fit(question, answers[call])
            except InvalidInput as error:
                problems += error.problems
                continue
            size += len(text.encode())
            if size > MAX_ANSWERS_BYTES:
                message = f"The answers are too long together; the limit is {MAX_ANSWERS_BYTES} bytes."
                problems.append(("too_large", ("answer",), message))
                break
            fitting[call] = text

        async def write(transaction: Transaction) -> Ticket | None:
            ticket = await self._get(run_id, transaction)
            is_waiting = ticket.status is TicketStatus.WAITING
            still_open = {question.call for question in open_questions(ticket)} if is_waiting else set[str]()
            accepted = {call: answer for call, answer in fitting.items() if call in still_open}
            if not accepted:
                return None
            answered = ticket.answer(accepted, clock.now())
            self.views.database.tickets.put(answered, transaction)
            return answered

        if fitting:
            ticket = await self.views.database.change(f"user:{caller.uid}", write, urgent=True)
            if ticket is not None:
                await enqueue_wake_up(self.queue, ticket, None)
        if problems:
            raise InvalidInput(problems)

    async def _get(self, run_id: str, transaction: Transaction) -> Ticket:
        ticket = await self.views.database.tickets.get(run_id, transaction)
        if ticket is None:  # deleted in the meantime
            raise NotFound("There is no such run.")
        return ticket


def _find(ticket: Ticket, call: str | None) -> Question:
    """Returns the question to answer, the first one by default. Raises `Conflict` if the run does not ask it now."""
    if ticket.status.finished:
        raise Conflict(f"This run is {ticket.status}, so it asks nothing.")
    if ticket.status is not TicketStatus.WAITING:
        raise Conflict(
            f"This run is {ticket.status}. It takes answers while it is waiting.", retry_after=_RETRY_SECONDS
        )
    questions = open_questions(ticket)
    if question := next((question for question in questions if call in (None, question.call)), None):
        return question
    asked = [question for question in ticket.questions if call in (None, question.call)]
    if any(question.is_open for question in asked):
        raise Conflict("The question has expired.")
    raise Conflict("The question has been answered already." if asked else "This run asks no such question.")


async def _fit(question: Question, answer: JsonValue) -> str:
    """Returns the answer as JSON text. Raises `InvalidInput` if it is too large, or does not fit the question."""
    text = json.dumps(answer, ensure_ascii=False)
    size = len(text.encode())
    if size > MAX_ANSWER_BYTES:
        message = f"The answer is {size} bytes long; the limit is {MAX_ANSWER_BYTES}."
        raise InvalidInput([("too_large", ("answer",), message)])
    if (problem := await find_problem(question, answer)) is not None:
        raise InvalidInput([("answer", ("answer",), problem)])
    return text
