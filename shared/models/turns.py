"""Turns limit how many chats of one user are worked on at a time.

A user has a fixed number of turns of each kind. A ticket is worked on while it has a turn. The other tickets are
parked, and when a turn becomes free, the oldest ticket gets it. Every change is a function from one state to the next,
and the store writes it in a transaction.
"""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime

from shared.models.wire import SnakeModel

TurnKind = Literal["agent", "model", "called"]
"""`called`: for runs that others start by calling the user's published agents, and that the user pays for."""


class Turn(SnakeModel):
    """A ticket's turn. `holder`: the delivery that works on the ticket, None while its task is not delivered yet.

    `until`: the time after which the turn counts as lost. It is not renewed, so it allows for the longest delivery.
    """

    ticket_id: str
    holder: str | None
    until: AwareDatetime


class Turns(SnakeModel):
    """One user's turns of one kind. `waiting`: whether tickets may be parked, so that new ones queue behind them."""

    owner: str
    kind: TurnKind
    taken: list[Turn] = []
    waiting: bool = False

    def has(self, ticket_id: str, now: datetime) -> bool:
        """Whether the ticket has a turn."""
        return any(turn.ticket_id == ticket_id and turn.until > now for turn in self.taken)

    def count_free(self, limit: int, now: datetime) -> int:
        """Returns how many of `limit` turns are free."""
        return max(0, limit - sum(turn.until > now for turn in self.taken))

    def give(self, turn: Turn, now: datetime) -> "Turns":
        """Adds `turn` in place of its ticket's earlier one, and drops turns that are lost."""
        others = [other for other in self.taken if other.until > now and other.ticket_id != turn.ticket_id]
        return self.model_copy(update={"taken": [*others, turn]})

    def take_back(self, ticket_id: str, holder: str | None) -> "Turns":
        """Removes the ticket's turn. If `holder` is set, remove it only if it belongs to that holder."""
        remaining = [
            turn for turn in self.taken if turn.ticket_id != ticket_id or (holder is not None and turn.holder != holder)
        ]
        return self.model_copy(update={"taken": remaining})
