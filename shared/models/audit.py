"""Audit records of administrators' actions."""

from typing import Any

from pydantic import AwareDatetime

from shared.models.wire import SnakeModel


class AuditRecord(SnakeModel):
    """An action, its actor and target, and the state before and after. Amounts are millionths of a dollar."""

    at: AwareDatetime
    actor: str
    action: str
    target: str
    before: dict[str, Any]
    after: dict[str, Any]
