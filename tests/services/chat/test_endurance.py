"""Many chats, half of them cancelled at random moments, while workers are killed at random: money and states agree."""

from collections.abc import Sequence
from contextlib import ExitStack
from random import Random
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient

from bench.doubles.model_server import COMPLETION_TOKENS, PROMPT_TOKENS, SlowCall, write_tokens
from shared.llm.live import CANCELLED
from shared.models.chat import TicketStatus
from shared.models.ticket import Ticket
from shared.settings import Settings
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.services.chat.enduring import PACE, Deployment, make_plan, start_deployment, to_wall_clock

_PICOS_PER_PROMPT_TOKEN, _PICOS_PER_TOKEN = 400_000, 1_600_000
"""The prices of gpt-4.1-mini, in millionths of a millionth of a dollar."""
_BILL = PROMPT_TOKENS * _PICOS_PER_PROMPT_TOKEN + COMPLETION_TOKENS * _PICOS_PER_TOKEN
"""The price of a complete answer of the model's server."""
_MAX_SECONDS_AFTER_CANCEL = 2.0


@pytest.mark.parametrize("chats", [30, pytest.param(200, marks=pytest.mark.long)])
async def test_cancelled_chats_and_killed_workers_leave_no_trace(
    settings: Settings, cloud_tasks: CloudTasksServer, chats: int
) -> None:
    """Each ticket ends in one state and is charged at most once, all holds are released, the ledger agrees with the
    model's server to the millionth of a dollar, and no call of the model continues for long after its cancel."""
    random = Random(chats)  # noqa: S311 - a plan, not a secret
    with ExitStack() as stack:
        deployment = await start_deployment(stack, settings, cloud_tasks, random)
        await deployment.endure(make_plan(chats, random))
        tickets = await deployment.get_tickets()
    calls = await deployment.model.get_slow_calls()
    await deployment.model.stop()
    assert deployment.kills
    assert len(tickets) == chats
    _check_states(deployment, tickets)
    _check_calls(deployment, tickets, calls)
    await _check_ledger(deployment, tickets, calls)


def _check_states(deployment: Deployment, tickets: Sequence[Ticket]) -> None:
    """Only chats that were to be cancelled are. A state that a cancel has reported is the final one."""
    states = {status: sum(ticket.status is status for ticket in tickets) for status in TicketStatus}
    assert states[TicketStatus.COMPLETED] > 0
    assert states[TicketStatus.CANCELLED] > 0
    assert states[TicketStatus.FAILED] == 0, [ticket.error for ticket in tickets if ticket.error]
    for outcome, ticket in zip(deployment.outcomes, tickets, strict=True):
        assert ticket.lease is None
        if ticket.status is TicketStatus.CANCELLED:
            assert outcome.cancel is not None
        reported = outcome.cancel
        if reported and reported["status"] != "processing":
            assert (reported["status"], reported["completed_at"]) == (
                ticket.status.value,
                ticket.completed_at and ticket.completed_at.isoformat().replace("+00:00", "Z"),
            )


def _check_calls(deployment: Deployment, tickets: Sequence[Ticket], calls: Sequence[SlowCall]) -> None:
    """A result is what the model said, or the beginning of it. No call is open, or was long after its cancel."""
    assert [call for call in calls if call.ended is None] == []
    for outcome, ticket in zip(deployment.outcomes, tickets, strict=True):
        own = [call for call in calls if call.prompt == outcome.chat.prompt]
        if ticket.status is TicketStatus.COMPLETED:
            assert ticket.result
            assert ticket.result.content == write_tokens(PACE.tokens)
            assert any(call.is_complete for call in own)
        elif ticket.result:
            assert ticket.result.thoughts == {"finish_reason": CANCELLED}
            said = [write_tokens(call.sent) for call in own] or [""]  # it may be cancelled before the call
            assert any(text.startswith(ticket.result.content) for text in said), (outcome, ticket.result, own)
        cancelled_at = ticket.cancel_requested_at
        if cancelled_at is None and ticket.status is TicketStatus.CANCELLED:
            cancelled_at = ticket.completed_at
        if cancelled_at is not None:
            late = [to_wall_clock(call.ended or 0.0) - cancelled_at.timestamp() for call in own]
            assert max(late, default=0.0) <= _MAX_SECONDS_AFTER_CANCEL, outcome


async def _check_ledger(deployment: Deployment, tickets: Sequence[Ticket], calls: Sequence[SlowCall]) -> None:
    """The entries are the tickets' costs, once each. Together with the residues, they are exactly what was billed."""
    client = AsyncClient(project=deployment.settings.google_cloud_project)
    total = 0
    for uid in sorted({ticket.owner for ticket in tickets}):
        account = await deployment.database.accounts.get(uid)
        assert account is not None
        entries = {entry.id: entry.to_dict() or {} for entry in await _usage(client, uid).get()}
        charged = {ticket.id for ticket in tickets if ticket.owner == uid and ticket.result and ticket.result.cost}
        assert set(entries) == charged
        assert (account.held, account.unfinished, account.owed) == (0, 0, 0)
        assert account.spent == sum(entry["charged"] for entry in entries.values())
        total += account.spent * 1_000_000 + account.residue
    assert total == sum(_bill(ticket) for ticket in tickets)
    answered = [call.prompt for call in calls if call.is_complete]
    prompts = {outcome.ticket_id: outcome.chat.prompt for outcome in deployment.outcomes}
    assert {prompts[ticket.id] for ticket in tickets if _bill(ticket) == _BILL} <= set(answered)


def _bill(ticket: Ticket) -> int:
    """Returns what the call that ended the ticket cost: the server's price if complete, else that of its tokens."""
    if ticket.status is TicketStatus.COMPLETED:
        return _BILL
    if ticket.result is None:
        return 0
    usage = ticket.result.usage
    return usage.prompt_tokens * _PICOS_PER_PROMPT_TOKEN + usage.completion_tokens * _PICOS_PER_TOKEN


def _usage(client: AsyncClient, uid: str) -> Any:
    return client.collection("users").document(uid).collection("usage")
