from typing import Literal

Scope = Literal["account", "agents", "chat", "run"]

SCOPE_VALUES: set[Scope] = {
    "account",
    "agents",
    "chat",
    "run",
}


def check_scope(value: str) -> Scope:
    if value in SCOPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {SCOPE_VALUES!r}")
