"""Schedules on the wire and in the store: an agent's runs at the times that a cron expression describes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from shared.models.api_key import KeyUse
from shared.models.owned import STORED_EXAMPLE
from shared.models.wire import CamelModel, OptionalJsonObject, SnakeModel, with_change_example, with_example

Overlap = Literal["skip", "allow"]
"""`skip`: no run starts while the schedule's previous run has not ended. `allow`: runs may overlap."""
Cron = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]
TimeZone = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)]
AgentId = Annotated[str, StringConstraints(min_length=1, max_length=1500)]


class ScheduleFields(CamelModel):
    """The fields of a schedule that users set.

    `cron`: five fields: minute, hour, day of the month, month, day of the week. `timezone`: a name of the IANA
    database, in which the expression is read.
    """

    agent_id: AgentId
    cron: Cron
    timezone: TimeZone = "UTC"
    input: OptionalJsonObject = {}
    enabled: bool = True
    overlap: Overlap = "skip"


class CreateScheduleRequest(ScheduleFields):
    """The request body of `POST /schedules`."""

    model_config = with_example(
        agentId="5b0a7b2e-8a53-4d4e-9a55-2a0b8f7f6c11",
        cron="30 7 * * 1-5",
        timezone="Europe/Berlin",
        input={"inputText": "Ada"},
        enabled=True,
        overlap="skip",
    )


class UpdateScheduleRequest(CamelModel):
    """The request body of `PUT /schedules/{id}`: only the fields that are sent change.

    `rev`: the revision that the change is based on; it is refused if the schedule has been changed since.
    """

    model_config = with_change_example(cron="0 8 * * 1-5")

    rev: Annotated[str, StringConstraints(max_length=100)] | None = Field(default=None, validation_alias="_rev")
    agent_id: AgentId = ""
    cron: Cron = ""
    timezone: TimeZone = "UTC"
    input: OptionalJsonObject = {}
    enabled: bool = True
    overlap: Overlap = "skip"

    def changes(self) -> dict[str, Any]:
        """Returns the fields that were sent, by their Python names."""
        return {name: getattr(self, name) for name in self.model_fields_set - {"rev"}}


class StoredSchedule(SnakeModel):
    """A schedule as it is stored. `rev` and `updated_at` change with its `fields`, not with its runs.

    `key`: the API key that last changed it, whose budget its runs count against. `next_due_at`: the next due time that
    was not dispatched yet; None while the schedule is disabled. `last_due_at`:
    the last one that was. `last_run_id`: the last run that was started. `last_error`: why the last due time has no
    run, unless it was skipped. `missed`: due times that passed while no sweep ran, and that had a later one by then.
    `skipped`: due times at which the previous run had not ended. Neither kind has a run.
    """

    id: str
    owner: str
    fields: ScheduleFields
    rev: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    next_due_at: AwareDatetime | None
    key: KeyUse | None = None
    last_due_at: AwareDatetime | None = None
    last_run_id: str | None = None
    last_error: str | None = None
    missed: int = 0
    skipped: int = 0

    def move_on(self, due_at: datetime, missed: int, next_due_at: datetime | None) -> "StoredSchedule":
        """Records that a due time was dispatched, `missed` due times after the last one."""
        return self.model_copy(
            update={"last_due_at": due_at, "missed": self.missed + missed, "next_due_at": next_due_at}
        )

    def record_run(self, run_id: str) -> "StoredSchedule":
        """Records that a run was started for the last due time."""
        return self.model_copy(update={"last_run_id": run_id, "last_error": None})

    def record_skip(self) -> "StoredSchedule":
        """Records that the last due time has no run because the previous run had not ended."""
        return self.model_copy(update={"skipped": self.skipped + 1, "last_error": None})

    def record_error(self, error: str) -> "StoredSchedule":
        """Records why the last due time has no run. `error`: a sentence for the user."""
        return self.model_copy(update={"last_error": error})

    def disable(self, rev: str, now: datetime) -> "StoredSchedule":
        """Disables the schedule, as its owner could."""
        fields = self.fields.model_copy(update={"enabled": False})
        return self.model_copy(update={"fields": fields, "next_due_at": None, "rev": rev, "updated_at": now})


class DueSchedule(SnakeModel):
    """The id and the owner of a schedule that is due."""

    id: str
    owner: str


class Schedule(ScheduleFields):
    """A schedule as the API returns it. `nextTimes`: the next five due times; none while it is disabled.

    `lastDueAt`: the last due time that was dispatched. `lastRunId`: the last run that was started. `lastError`: why
    the last due time has no run. `skipped`: how many due times have no run because the previous run had not ended.
    `missed`: how many have none because the service was down, and a later one was due when it was up again.
    """

    model_config = with_example(
        **STORED_EXAMPLE,
        agentId="5b0a7b2e-8a53-4d4e-9a55-2a0b8f7f6c11",
        cron="30 7 * * 1-5",
        timezone="Europe/Berlin",
        input={"inputText": "Ada"},
        enabled=True,
        overlap="skip",
        nextTimes=[
            "2026-11-24T06:30:00Z",
            "2026-11-25T06:30:00Z",
            "2026-11-26T06:30:00Z",
            "2026-11-27T06:30:00Z",
            "2026-11-30T06:30:00Z",
        ],
        lastDueAt="2026-11-23T06:30:00Z",
        lastRunId="0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10",
        lastError=None,
        skipped=0,
        missed=0,
    )

    id: str = Field(serialization_alias="_id")
    rev: str = Field(serialization_alias="_rev")
    created_at: datetime
    updated_at: datetime
    next_times: list[datetime]
    last_due_at: datetime | None
    last_run_id: str | None
    last_error: str | None
    skipped: int
    missed: int


def to_schedule(stored: StoredSchedule, next_times: list[datetime]) -> Schedule:
    """Returns the schedule as the API returns it."""
    user_fields = {name: getattr(stored.fields, name) for name in ScheduleFields.model_fields}
    record = stored.model_dump(exclude={"owner", "fields", "next_due_at"})
    return Schedule(**user_fields, **record, next_times=next_times)
