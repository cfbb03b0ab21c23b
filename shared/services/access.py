"""Access rules for agents and other owned resources.

Owners may see and change their own resources. Every user may see shared resources. Administrators may see and change
all resources.
"""

from typing import Protocol, TypeVar

from shared.models.caller import Caller
from shared.models.errors import Forbidden, NotFound


class Owned(Protocol):
    """A resource that has an owner, who may share it."""

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


def can_see(caller: Caller, resource: Owned) -> bool:
    """Returns whether the caller may see the resource: they own it, it is shared, or they are an administrator."""
    return resource.owner == caller.uid or resource.visibility == "shared" or is_admin(caller)


def require_visible(caller: Caller, resource: T | None, what: str) -> T:
    """Returns the resource. Raises `NotFound` if it is missing or hidden from the caller: both cases must look alike.

    `what` names its kind, such as "agent".
    """
    if resource is None or not can_see(caller, resource):
        raise NotFound(f"There is no such {what}.")
    return resource


def refuse_unless_owner(caller: Caller, resource: Owned, what: str) -> None:
    """Raises `Forbidden` for a caller who may see but not change the resource. `what`: its kind, such as "agent"."""
    if resource.owner != caller.uid and not is_admin(caller):
        raise Forbidden(f"This {what} can be changed only by its owner.")
