"""Shows runs as calls of tools: their state in a sentence, and their results as the tool's schema promises them."""

import asyncio
import json
from dataclasses import dataclass, replace

from pydantic import JsonValue

from shared.json_schema.short_form import to_value_schema
from shared.late_imports import import_late
from shared.mcp_server.model import Asked, Call, CallState
from shared.models.agent_run import Run, RunQuestion
from shared.models.chat import TicketStatus
from shared.models.errors import BadRequest
from shared.models.ticket import Ticket
from shared.models.wire import JsonObject
from shared.services.agents.agent_tools import read_output_schema
from shared.services.chat.run_views import to_run
from shared.store import Database

_STATES = {
    TicketStatus.COMPLETED: CallState.COMPLETED,
    TicketStatus.FAILED: CallState.FAILED,
    TicketStatus.CANCELLED: CallState.CANCELLED,
}


@dataclass(frozen=True)
class CallResults:
    """Shows runs as calls."""

    database: Database

    async def to_call(self, ticket: Ticket, cursor: int) -> Call:
        """Returns the call that is a run. For a result, one read: of the deployment, for its schema."""
        run = to_run(ticket)
        call = Call(
            id=run.run_id,
            state=_STATES.get(run.status, CallState.WORKING),
            created_at=run.created_at,
            updated_at=run.updated_at,
            note=_describe(run),
            cursor=cursor,
            questions=[_to_asked(question) for question in run.questions],
        )
        match call.state:
            case CallState.WORKING:
                return call
            case CallState.COMPLETED:
                return await self._add_result(call, run)
            case CallState.FAILED:
                return replace(call, text=run.error or call.note)
            case CallState.CANCELLED:
                return replace(call, text=call.note)

    async def _add_result(self, call: Call, run: Run) -> Call:
        """Adds the result. One that violates the schema makes the call fail, since clients rely on the schema."""
        text = _write(run.result)
        structured = run.result if isinstance(run.result, dict) else None
        problem = await self._find_problem(run)
        if problem is not None:
            text = f"The agent's result does not fit its output schema: {problem}. The result is: {text}"
            return replace(call, state=CallState.FAILED, text=text)
        return replace(call, text=text, structured=structured)

    async def _find_problem(self, run: Run) -> str | None:
        """Returns how the result violates the schema that its tool has now, if it has one.

        Another agent may have got the tool's name. Its schema says nothing about this run, and may be private.
        """
        async with self.database.raising_unavailable():
            deployment = await self.database.deployments.get(run.friendly_name or "")
        if deployment is None or deployment.agent_id != run.agent_id:
            return None
        schema = read_output_schema(deployment.output_schema)
        return None if schema is None else await _check(schema, run.result)


def _to_asked(question: RunQuestion) -> Asked:
    schema = None if question.answer_schema is None else to_value_schema(question.answer_schema)
    return Asked(question.call, question.question, question.choices, schema)


async def _check(schema: JsonObject, result: JsonValue) -> str | None:
    validation = await import_late("shared.json_schema.validation")
    try:
        problems = await asyncio.to_thread(validation.find_problems, schema, result)
    except BadRequest as error:
        return error.message
    if not problems:
        return None
    path = ".".join(str(part) for part in problems[0].loc)
    return f"{path}: {problems[0].message}" if path else str(problems[0].message)


def _write(result: JsonValue) -> str:
    """Returns the result as text: what the agent says if that is all, otherwise JSON."""
    match result:
        case str():
            return result
        case {"outputText": str(text)} if len(result) == 1:
            return text
        case _:
            return json.dumps(result, ensure_ascii=False)


def _describe(run: Run) -> str:
    match run.status:
        case TicketStatus.COMPLETED:
            return "The agent has finished."
        case TicketStatus.FAILED:
            return "The agent failed."
        case TicketStatus.CANCELLED:
            return "The run was cancelled."
        case TicketStatus.WAITING if run.questions:
            return f"The agent asks: {run.questions[0].question} POST /runs/{run.run_id}/answer answers it."
        case TicketStatus.WAITING:
            return "The agent is waiting, and will continue by itself."
        case TicketStatus.PENDING:
            return "The agent is about to run."
        case TicketStatus.PROCESSING:
            return "The agent is running."
