"""Users: the caller's own profile, allowance and spending."""

from shared.startup import finish_startup

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from functions_framework import aio
from pydantic import AfterValidator, WithJsonSchema

from shared.models.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from shared.models.user import AccountChange, AllowanceResetDate, MonthlyAllowance, SpendRemaining, UsageReport, User
from shared.services.accounts.users import UserService
from shared.settings import Settings
from shared.store import Database
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.authentication import CurrentCaller
from shared.web.error_responses import Responses, error_responses, headers

REPLAYED = "Idempotent-Replayed"
router = APIRouter(
    route_class=StrictJsonRoute, prefix="/users/me", responses=error_responses(Unauthenticated, Forbidden, Unavailable)
)
_REPORT_HEADERS: Responses = {200: headers({REPLAYED: "`true` if this report was charged before."})}
_CHANGE_ERRORS = error_responses(Conflict, TooLarge, InvalidInput)


async def _user_service(settings: CurrentSettings) -> UserService:
    return UserService(Database(settings), settings)


def _check_key(value: str) -> str:
    if not (0 < len(value) <= 255 and value.isprintable()):
        raise ValueError("An Idempotency-Key must have 1 to 255 printable characters.")
    return value


IdempotencyKey = Annotated[
    Annotated[str, AfterValidator(_check_key), WithJsonSchema({"type": "string", "pattern": "^[ -~]{1,255}$"})] | None,
    Header(
        description="Identifies the report, in 1 to 255 printable characters. A report that is repeated with the same "
        "key is not charged again."
    ),
]
Users = Annotated[UserService, Depends(_user_service)]


@router.get("")
async def me(caller: CurrentCaller, service: Users) -> User:
    """Returns the caller's profile, with the newest usage entries of the current period."""
    return await service.get(caller)


@router.put("/monthly-allowance", responses=_CHANGE_ERRORS)
async def set_monthly_allowance(body: MonthlyAllowance, caller: CurrentCaller, service: Users) -> User:
    """Sets the amount that each period begins with. If more than this remains, lowers the remainder as well."""
    return await service.change(caller, AccountChange(rev=body.rev, monthly_allowance=body.monthly_allowance))


@router.put("/allowance-reset-date", responses=_CHANGE_ERRORS)
async def set_allowance_reset_date(body: AllowanceResetDate, caller: CurrentCaller, service: Users) -> User:
    """Sets the time at which the next period begins; 0 means never."""
    return await service.change(caller, AccountChange(rev=body.rev, allowance_reset_date=body.allowance_reset_date))


@router.put("/spend-remaining", responses=_CHANGE_ERRORS)
async def set_spend_remaining(body: SpendRemaining, caller: CurrentCaller, service: Users) -> User:
    """Sets the amount that is left of this period's allowance."""
    return await service.change(caller, AccountChange(rev=body.rev, spend_remaining=body.spend_remaining))


@router.post("/usage", responses=_REPORT_HEADERS | error_responses(Conflict, TooLarge, InvalidInput, TooManyRequests))
async def report_usage(
    body: UsageReport,
    caller: CurrentCaller,
    service: Users,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> User:
    """Charges the caller for spending elsewhere, only once for the same `Idempotency-Key`.

    A key that was used with a different report gets 409.
    """
    result = await service.report(caller, body, idempotency_key)
    if result.replayed:
        response.headers[REPLAYED] = "true"
    return result.user


@router.post("/reset-allowance")
async def reset_allowance(caller: CurrentCaller, service: Users) -> User:
    """Begins a new period immediately."""
    return await service.reset(caller)


app = create_app("users", router, Settings.from_environ())
finish_startup()


@aio.http
async def users(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
