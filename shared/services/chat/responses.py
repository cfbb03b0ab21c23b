"""Tickets in the form in which callers see them."""

from shared.models.chat import ChatResponse
from shared.models.ticket import Ticket


def to_response(ticket: Ticket) -> ChatResponse:
    """Returns the ticket as its owner sees it."""
    return ChatResponse(
        ticket_id=ticket.id,
        status=ticket.status,
        result=ticket.result,
        error=ticket.error,
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        completed_at=ticket.completed_at,
    )
