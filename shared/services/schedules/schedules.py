"""Schedules: their owners create, read, change and delete them. To anyone else, even an administrator, a schedule does
not exist.
"""

from dataclasses import dataclass
from uuid import uuid4

from shared import clock
from shared.models.caller import Caller
from shared.models.errors import Conflict, InvalidInput, NotFound
from shared.models.schedule import (
    CreateScheduleRequest,
    Schedule,
    ScheduleFields,
    StoredSchedule,
    UpdateScheduleRequest,
    to_schedule,
)
from shared.services.access import require_visible
from shared.services.agents.input_fitting import fit_input
from shared.services.pagination import Page, read_moment_token, write_moment_token
from shared.services.quotas import QuotaService
from shared.services.schedules.due_times import DueTimes, check_cron, find_zone
from shared.store import Database, Transaction

MAX_INPUT_BYTES = 100_000
_TIMES = {"cron", "timezone", "enabled"}
"""The fields that determine the due times."""


@dataclass(frozen=True)
class ScheduleService:
    """Manages schedules."""

    database: Database
    quotas: QuotaService

    async def create(self, caller: Caller, request: CreateScheduleRequest) -> Schedule:
        """Stores a schedule. Its first due time is the first one from now on.

        Raises `InvalidInput` for a cron expression, a time zone or an input that cannot be used, `NotFound` for an
        agent that the caller cannot see, and `TooLarge` if the user has the maximum number of schedules.
        """
        fields = ScheduleFields.model_validate(request.model_dump())
        _check_times(fields)
        await self._check_run(caller, fields)
        id_ = str(uuid4())

        async def write(transaction: Transaction) -> StoredSchedule:
            await self.database.schedules.get(id_, transaction)
            await self.quotas.refuse_another_schedule(caller.uid, transaction)
            now = clock.now()
            schedule = StoredSchedule(
                id=id_,
                owner=caller.uid,
                key=caller.key and caller.key.to_use(),
                fields=fields,
                rev=uuid4().hex,
                created_at=now,
                updated_at=now,
                next_due_at=DueTimes(fields.cron, fields.timezone).next_after(now) if fields.enabled else None,
            )
            self.database.schedules.put(schedule, transaction)
            return schedule

        return _show(await self.database.transaction(write, serialize_on=f"schedules:{caller.uid}"))

    async def list(self, caller: Caller, limit: int, token: str | None = None) -> Page[Schedule]:
        """The caller's schedules, the newest change first. One query.

        Large inputs make a page of fewer than `limit`. Raises `BadRequest` for an invalid `token`.
        """
        after = None if token is None else read_moment_token(token)
        async with self.database.raising_unavailable():
            schedules, more = await self.database.schedules.page(caller.uid, limit, after)
        last = schedules[-1] if more else None
        return Page(schedules, write_moment_token(last.updated_at, last.id) if last else None).convert(_show)

    async def get(self, caller: Caller, schedule_id: str) -> Schedule:
        """One read. Raises `NotFound`."""
        async with self.database.raising_unavailable():
            return _show(_require_own(caller, await self.database.schedules.get(schedule_id)))

    async def update(self, caller: Caller, schedule_id: str, request: UpdateScheduleRequest) -> Schedule:
        """Changes the fields that were sent. If the due times change, the next one is the first one from now on.

        Raises `NotFound`, `Conflict` for a stale `_rev`, and what `create` raises, except for the quota.
        """
        sent = request.changes().keys()
        async with self.database.raising_unavailable():
            seen = _require_own(caller, await self.database.schedules.get(schedule_id))
        if sent & {"cron", "timezone"}:
            _check_times(_merge(seen, request))
        if sent & {"agent_id", "input"}:
            await self._check_run(caller, _merge(seen, request))

        async def write(transaction: Transaction) -> StoredSchedule:
            schedule = _require_own(caller, await self.database.schedules.get(schedule_id, transaction))
            if request.rev is not None and request.rev != schedule.rev:
                raise Conflict(
                    "The schedule has changed in the meantime. Read it again, and repeat the change with its new _rev."
                )
            fields, now, next_due_at = _merge(schedule, request), clock.now(), schedule.next_due_at
            if any(getattr(fields, name) != getattr(schedule.fields, name) for name in _TIMES):
                next_due_at = DueTimes(fields.cron, fields.timezone).next_after(now) if fields.enabled else None
            key = caller.key and caller.key.to_use()
            changed = schedule.model_copy(
                update={"fields": fields, "key": key, "next_due_at": next_due_at, "rev": uuid4().hex, "updated_at": now}
            )
            self.database.schedules.put(changed, transaction)
            return changed

        return _show(await self.database.transaction(write, serialize_on=f"schedule:{schedule_id}"))

    async def delete(self, caller: Caller, schedule_id: str) -> None:
        """Deletes the schedule. Its runs stay. One transaction. Raises `NotFound`."""

        async def write(transaction: Transaction) -> None:
            schedule = _require_own(caller, await self.database.schedules.get(schedule_id, transaction))
            self.database.schedules.remove(schedule, transaction)

        await self.database.transaction(write, serialize_on=f"schedule:{schedule_id}")

    async def _check_run(self, caller: Caller, fields: ScheduleFields) -> None:
        """Raises `NotFound` and `InvalidInput` for a run that could not start. One read.

        Runs start when their owner is not there to prove to be an administrator. So administrators, too, need an agent
        that they own or that is shared.
        """
        size = len(fields.model_dump_json(include={"input"}).encode())
        if size > MAX_INPUT_BYTES:
            raise _invalid("input", f"The input is {size} bytes long; the limit is {MAX_INPUT_BYTES}.")
        async with self.database.raising_unavailable():
            agent = await self.database.agents.get(fields.agent_id)
        await fit_input(require_visible(Caller(caller.uid), agent, "agent"), fields.input)


def _check_times(fields: ScheduleFields) -> None:
    """Raises `InvalidInput` for due times that cannot be found."""
    try:
        find_zone(fields.timezone)
    except ValueError as error:
        raise _invalid("timezone", str(error)) from error
    try:
        check_cron(fields.cron, fields.timezone, clock.now())
    except ValueError as error:
        raise _invalid("cron", str(error)) from error


def _invalid(field: str, message: str) -> InvalidInput:
    return InvalidInput([("value_error", (field,), message)])


def _merge(schedule: StoredSchedule, request: UpdateScheduleRequest) -> ScheduleFields:
    return schedule.fields.model_copy(update=request.changes())


def _require_own(caller: Caller, schedule: StoredSchedule | None) -> StoredSchedule:
    if schedule is None or schedule.owner != caller.uid:
        raise NotFound("There is no such schedule.")
    return schedule


def _show(schedule: StoredSchedule) -> Schedule:
    fields = schedule.fields
    next_times = DueTimes(fields.cron, fields.timezone).preview(clock.now()) if fields.enabled else []
    return to_schedule(schedule, next_times)
