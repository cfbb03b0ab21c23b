"""The names of a run's sharers and caller, among whom run slots are divided (`shared.sandbox.run_slots`)."""


def sharers_of(payer: str, agent: str | None = None) -> tuple[str, ...]:
    """Names the payer, who is also the tenant, and the saved agent that was called, if any, by their ids."""
    return (f"user:{payer}", *((f"agent:{agent}",) if agent else ()))


def caller_of(payer: str, caller: str) -> str:
    """Names the caller who requested the run, a user's id or an address, together with the payer.

    The payer is included because many people may share an address and call the agents of different owners.
    """
    return f"caller:{payer}:{caller}"
