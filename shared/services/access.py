"""Access rules for agents and other owned things.

Owners may see and change their own, every user may see shared ones, and administrators may see and change all.
"""

from typing import Protocol, TypeVar

from shared.models.caller import Caller
from shared.models.errors import Forbidden, NotFound


class Owned(Protocol):
    """Something that has an owner, who may share it."""

    @property
    def owner(self) -> str:
        """The owner's user id."""
        ...

    @property
    def visibility(self) -> str:
        """If it is "shared", every user may see it."""
        ...


T = TypeVar("T", bound=Owned)


def is_admin(caller: Caller) -> bool:
    """Returns whether the caller's token makes them an administrator."""
    return caller.claims.get("admin") is True


def can_see(caller: Caller, thing: Owned) -> bool:
    """Returns whether the caller may see it: they own it, it is shared, or they are an administrator."""
    return thing.owner == caller.uid or thing.visibility == "shared" or is_admin(caller)


def require_visible(caller: Caller, thing: T | None, what: str) -> T:
    """Returns the thing. Raises `NotFound` if it is missing or hidden from the caller: the two must look the same.

    `what` names its kind, such as "agent".
    """
    if thing is None or not can_see(caller, thing):
        raise NotFound(f"There is no such {what}.")
    return thing


def refuse_unless_owner(caller: Caller, thing: Owned, what: str) -> None:
    """Raises `Forbidden` for a user who may see the thing but not change it. `what` names its kind, such as "agent"."""
    if thing.owner != caller.uid and not is_admin(caller):
        raise Forbidden(f"This {what} can be changed only by its owner.")
