"""The names of a run's sharers and caller, by which run slots are shared out (`shared.sandbox.run_slots`)."""


def sharers_of(payer: str, agent: str | None = None) -> tuple[str, ...]:
    """The payer, who is also the tenant; and the saved agent that was called, if it was one. By their ids."""
    return (f"user:{payer}", *((f"agent:{agent}",) if agent else ()))


def caller_of(payer: str, caller: str) -> str:
    """`caller`, by payer: who asked for the run, as a user's id or an address.

    By payer, since many people may share an address, and call the agents of different owners.
    """
    return f"caller:{payer}:{caller}"
