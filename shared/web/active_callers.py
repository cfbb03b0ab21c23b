"""Callers who are verified, as in `shared.web.authentication`, and not disabled.

A route whose transaction reads the caller's account anyway takes a `CurrentCaller` instead: its service refuses
disabled users. `tests/functions/test_disabled.py` lists these routes.
"""

from typing import Annotated

from fastapi import Depends

from shared.models.caller import Caller
from shared.services.accounts.disabled_users import DisabledUserService
from shared.store import Database
from shared.web.authentication import CallerIfAny, CurrentCaller
from shared.web.dependencies import CurrentSettings


async def _active_caller(caller: CurrentCaller, settings: CurrentSettings) -> Caller:
    await DisabledUserService(Database(settings)).refuse_disabled(caller.uid)
    return caller


async def _active_caller_if_any(caller: CallerIfAny, settings: CurrentSettings) -> Caller | None:
    if caller is not None:
        await DisabledUserService(Database(settings)).refuse_disabled(caller.uid)
    return caller


ActiveCaller = Annotated[Caller, Depends(_active_caller)]
"""The verified caller. 401 without a valid token, 403 for a disabled user. Costs at most one read."""

ActiveCallerIfAny = Annotated[Caller | None, Depends(_active_caller_if_any)]
"""The verified caller, or None, for routes that are open to everyone but disabled users. Costs at most one read."""
