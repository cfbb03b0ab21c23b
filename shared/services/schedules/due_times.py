"""The times at which a schedule is due: a cron expression, read in a time zone.

cronsim knows which dates and times of day an expression describes. When the clocks change, a time of day may not
exist, or exist twice. As in Debian's cron, what happens then depends on the expression:

- If neither its minute nor its hour begins with `*`, as in `30 2 * * *`, it describes times of day. One that does not
  exist is due when the clocks have gone forward, at 3:00. One that exists twice is due the first time only.
- Otherwise, as in `*/15 * * * *`, it describes an interval. It is due whenever the clock shows such a time: never if
  the time does not exist, and twice if it exists twice.

Every due time is a moment, and no moment is due twice. cronsim's own handling of time zones is not used: it omits times
where clocks change at midnight or by half an hour.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

MAX_MISSED = 2_000
"""The maximum number of missed due times that are counted, which takes about 0.1 s."""
_SHIFT = timedelta(hours=4)
"""More than the clocks are put forward or back anywhere."""
_MINUTE = timedelta(minutes=1)
_MAX_YEARS = 50
"""An expression that is not due for so long is never due. cronsim looks no further."""
_NOT_A_ZONE = re.compile(r"(posix|right)/.*|posixrules|localtime|Factory")
"""Files in an operating system's database that are not names of the IANA database, or not zones."""
_EXAMPLE = (
    "A cron expression has five fields: minute, hour, day of the month, month, day of the week; as in '30 7 * * 1-5'"
)


class DueTimes:
    """The due times of a cron expression in a time zone. Both must be valid (`check_cron`, `find_zone`)."""

    def __init__(self, cron: str, timezone: str) -> None:
        self._cron = cron
        self._zone = find_zone(timezone)
        minute, hour = cron.split()[:2]
        self._is_interval = minute.startswith("*") or hour.startswith("*")

    def next_after(self, moment: datetime) -> datetime | None:
        """Returns the first due time after `moment`, in UTC. None if there is none in the next 50 years."""
        return self._next_interval(moment) if self._is_interval else self._next_time_of_day(moment)

    def preview(self, moment: datetime, count: int = 5) -> list[datetime]:
        """Returns the first `count` due times after `moment`."""
        return list(islice(self._iterate(moment), count))

    def find_latest(self, first: datetime, now: datetime) -> tuple[datetime, int]:
        """Returns the latest due time until `now`, and how many earlier ones there are since `first`, which is due.

        Stops after `MAX_MISSED` due times.
        """
        until_now = takewhile(lambda due: due <= now, self._iterate(first))
        later = list(islice(until_now, MAX_MISSED))
        return (later[-1] if later else first), len(later)

    def _iterate(self, moment: datetime) -> Iterator[datetime]:
        while (due := self.next_after(moment)) is not None:
            yield due
            moment = due

    def _next_time_of_day(self, moment: datetime) -> datetime | None:
        for wall in self._walls(self._to_wall(moment) - _SHIFT):
            existing = wall
            while self._to_wall(self._to_moment(existing)) != existing:
                existing += _MINUTE
            if (due := self._to_moment(existing)) > moment:
                return due
        return None

    def _next_interval(self, moment: datetime) -> datetime | None:
        """Where the clocks change, looks for times that they show with each offset from UTC that applies near there."""
        wall = next(self._walls(self._to_wall(moment)), None)
        if wall is None:
            return None
        due = self._to_moment(wall)
        near = (due + _SHIFT, due, due - _SHIFT, moment + _SHIFT, moment)
        offsets = dict.fromkeys(map(self._find_offset, near))
        if len(offsets) == 1:
            return due
        best: datetime | None = None
        for offset in offsets:
            for wall in self._walls((moment + offset).replace(tzinfo=None)):
                candidate = (wall - offset).replace(tzinfo=UTC)
                if best is not None and candidate >= best:
                    break
                if self._find_offset(candidate) == offset:
                    best = candidate
                    break
        return best

    def _walls(self, start: datetime) -> Iterator[datetime]:
        """Yields the dates and times of day after `start` that the expression describes, whether they exist or not."""
        for wall in CronSim(self._cron, start):
            if wall.year > start.year + _MAX_YEARS:
                return
            yield wall

    def _to_wall(self, moment: datetime) -> datetime:
        """Returns the date and time of day that clocks show at the moment, without a time zone."""
        return moment.astimezone(self._zone).replace(tzinfo=None, fold=0)

    def _to_moment(self, wall: datetime) -> datetime:
        """Returns the first moment at which clocks show this date and time of day, some moment if they never do."""
        return wall.replace(tzinfo=self._zone).astimezone(UTC)

    def _find_offset(self, moment: datetime) -> timedelta:
        return moment.astimezone(self._zone).utcoffset() or timedelta()


@lru_cache(maxsize=1000)
def find_zone(name: str) -> ZoneInfo:
    """Returns the time zone of the IANA database. Raises `ValueError` with a sentence for the user."""
    try:
        if _NOT_A_ZONE.fullmatch(name):
            raise ZoneInfoNotFoundError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            "There is no such time zone. Send a name of the IANA database, such as 'Europe/Berlin' or 'UTC'."
        ) from error


def check_cron(cron: str, timezone: str, now: datetime) -> None:
    """Raises `ValueError` with a sentence for the user if an expression is invalid or never due."""
    fields = cron.split()
    if len(fields) == 6:
        raise ValueError(f"{_EXAMPLE}. There is no field for seconds: a schedule is due at most once a minute.")
    if len(fields) != 5:
        raise ValueError(f"{_EXAMPLE}. This one has {len(fields)}.")
    try:
        CronSim(cron, now)
    except CronSimError as error:  # such as "Bad minute"
        raise ValueError(f"{_EXAMPLE}. The {str(error).removeprefix('Bad ')} is not valid in this one.") from error
    except (ValueError, TypeError, AssertionError) as error:  # cronsim misses some combinations, such as 'MON#2/3'
        raise ValueError(f"{_EXAMPLE}. This one is not valid.") from error
    if DueTimes(cron, timezone).next_after(now) is None:
        raise ValueError("This cron expression is never due.")
