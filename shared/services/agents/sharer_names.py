"""The names of a run's sharers and caller, among whom run slots are divided (`shared.sandbox.run_slots`)."""


def sharers_of(payer: str, agent: str | None = None) -> tuple[str, ...]:
    """Returns the names of the payer, who is also the tenant, and of the saved agent that was called, if any."""
    return (f"user:{payer}", *((f"agent:{agent}",) if agent else ()))


def caller_of(payer: str, caller: str) -> str:
    """Returns the name of the run's caller, which consists of the payer and the caller's user id or address.

    The payer is included because many people may share an address and call the agents of different owners.
    """
    return f"caller:{payer}:{caller}"
