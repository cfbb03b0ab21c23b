"""Whose a run is, by the names under which the run slots are shared out (`shared.sandbox.slots`)."""


def sharers_of(payer: str, agent: str | None = None) -> tuple[str, ...]:
    """Whoever pays, who is the tenant, too; and the saved agent that was called, if it was one. By their ids."""
    return (f"user:{payer}", *((f"agent:{agent}",) if agent else ()))


def caller_of(payer: str, caller: str) -> str:
    """Who asked for the run: a user's id, an address, or whoever pays.

    By payer, as an address may be that of many people, who call different owners' agents.
    """
    return f"caller:{payer}:{caller}"
