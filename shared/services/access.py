"""Who sees and who changes what: the owner's own, what the owner shares, and everything for an administrator."""

from typing import Protocol

from shared.models.caller import Caller
from shared.models.errors import Forbidden


class Owned(Protocol):
    """Something that has an owner, who may share it."""

    @property
    def owner(self) -> str: ...

    @property
    def visibility(self) -> str: ...


def is_admin(caller: Caller) -> bool:
    return caller.claims.get("admin") is True


def sees(caller: Caller, thing: Owned) -> bool:
    return thing.owner == caller.uid or thing.visibility == "shared" or is_admin(caller)


def refuse_unless_owner(caller: Caller, thing: Owned, what: str) -> None:
    """Raises `Forbidden` for a change of what is somebody else's and shared. `what`: "agent"."""
    if thing.owner != caller.uid and not is_admin(caller):
        raise Forbidden(f"Only its owner may change this {what}.")
