"""Turns: how many chats of one user are worked on at a time.

A user has a fixed number of turns of each kind. A ticket is worked on while it has one; the others are parked, and the
oldest of them is called when a turn comes free. All changes are functions from one state to the next; the store writes
them in a transaction.
"""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime

from shared.models.wire import SnakeModel

TurnKind = Literal["agent", "model"]


class Turn(SnakeModel):
    """A ticket's turn. `holder`: the delivery that works on it, None while a task for it is on its way to a worker.

    `until`: when it is considered lost. No holder renews it, so it is longer than any delivery may last.
    """

    ticket_id: str
    holder: str | None
    until: AwareDatetime


class Turns(SnakeModel):
    """One user's turns of one kind. `waiting`: tickets may be parked, and a new one has to queue behind them."""

    owner: str
    kind: TurnKind
    taken: list[Turn] = []
    waiting: bool = False

    def has(self, ticket_id: str, now: datetime) -> bool:
        """Whether the ticket has a turn."""
        return any(turn.ticket_id == ticket_id and turn.until > now for turn in self.taken)

    def count_free(self, most: int, now: datetime) -> int:
        """How many of `most` turns are free."""
        return max(0, most - sum(turn.until > now for turn in self.taken))

    def give(self, turn: Turn, now: datetime) -> "Turns":
        """With `turn`, in place of one that its ticket had; without those that are lost."""
        others = [other for other in self.taken if other.until > now and other.ticket_id != turn.ticket_id]
        return self.model_copy(update={"taken": [*others, turn]})

    def take_back(self, ticket_id: str, holder: str | None) -> "Turns":
        """Without the ticket's turn. With a `holder`, only if the turn is that one's."""
        kept = [
            turn for turn in self.taken if turn.ticket_id != ticket_id or (holder is not None and turn.holder != holder)
        ]
        return self.model_copy(update={"taken": kept})
