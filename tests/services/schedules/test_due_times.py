"""Due times: cron expressions in time zones, through both changes of the clocks, compared with a walk by the minute."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.services.schedules.due_times import MAX_MISSED, DueTimes, check_cron, find_zone

CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),  # by half an hour
    "America/Santiago": (date(2026, 4, 5), date(2026, 9, 6)),  # at midnight
    "Africa/Cairo": (date(2026, 4, 24), date(2026, 10, 30)),  # at midnight
    "America/Havana": (date(2026, 3, 8), date(2026, 11, 1)),  # at midnight
    "Antarctica/Troll": (date(2026, 3, 29), date(2026, 10, 25)),  # by two hours
    "Asia/Kathmandu": (date(2026, 3, 29), date(2026, 10, 25)),  # never, but 5:45 ahead of UTC
}
BERLIN_SPRING, BERLIN_AUTUMN = CHANGES["Europe/Berlin"]
NEW_YORK_SPRING, NEW_YORK_AUTUMN = CHANGES["America/New_York"]


def list_due(cron: str, timezone: str, day: date, days: int = 1) -> list[str]:
    """Returns the due times from the beginning of the day, as clocks there show them, with the offset from UTC."""
    zone = ZoneInfo(timezone)
    start = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - timedelta(minutes=1)
    end = day + timedelta(days=days)
    shown: list[str] = []
    times, moment = DueTimes(cron, timezone), start
    while (due := times.next_after(moment)) is not None and due.astimezone(zone).date() < end:
        assert due > moment
        shown.append(f"{due.astimezone(zone):%d %H:%M %z}")
        moment = due
    return shown


@pytest.mark.parametrize(
    ("timezone", "day", "expected"),
    [
        ("Europe/Berlin", BERLIN_SPRING, ["29 03:00 +0200", "30 02:30 +0200"]),
        ("Europe/Berlin", BERLIN_AUTUMN, ["25 02:30 +0200", "26 02:30 +0100"]),
        ("America/New_York", NEW_YORK_SPRING, ["08 03:00 -0400", "09 02:30 -0400"]),
        ("America/New_York", NEW_YORK_AUTUMN, ["01 02:30 -0500", "02 02:30 -0500"]),
    ],
)
def test_a_time_of_day_is_due_once_each_day(timezone: str, day: date, expected: list[str]) -> None:
    """A time that does not exist is due when the clocks have changed, and one that exists twice the first time."""
    assert list_due("30 2 * * *", timezone, day, days=2) == expected


def test_a_time_that_exists_twice_in_new_york_is_due_once() -> None:
    """In New York, 1:30 exists twice. It is due the first time."""
    assert list_due("30 1 * * *", "America/New_York", NEW_YORK_AUTUMN) == ["01 01:30 -0400"]


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        ("Europe/Berlin", BERLIN_SPRING, 23),
        ("Europe/Berlin", BERLIN_AUTUMN, 25),
        ("America/New_York", NEW_YORK_SPRING, 23),
        ("America/New_York", NEW_YORK_AUTUMN, 25),
    ],
)
def test_an_interval_continues_when_the_clocks_change(timezone: str, day: date, hours: int) -> None:
    """Every 15 minutes means every 15 minutes, on a day of 23 and on a day of 25 hours."""
    zone, times = ZoneInfo(timezone), DueTimes("*/15 * * * *", timezone)
    moment = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - timedelta(minutes=15)
    for _ in range(4 * hours):
        due = times.next_after(moment)
        assert due is not None
        assert due == moment + timedelta(minutes=15)
        assert due.astimezone(zone).date() == day
        moment = due
    assert len(list_due("*/15 * * * *", timezone, day)) == 4 * hours


@pytest.mark.parametrize("timezone", CHANGES)
@pytest.mark.parametrize("change", [0, 1])
def test_midnight_is_due_once_each_day(timezone: str, change: int) -> None:
    """`0 0 * * *` is due once on each of three days, even where the clocks change at midnight."""
    day = CHANGES[timezone][change] - timedelta(days=1)
    days = [time.partition(" ")[0] for time in list_due("0 0 * * *", timezone, day, days=3)]
    assert days == [f"{day + timedelta(days=number):%d}" for number in range(3)]


def test_a_time_is_not_due_again_before_the_clocks_change() -> None:
    """Between the two times that the clocks show 2:50, the next due time is on the next day."""
    moment = datetime(2026, 10, 25, 1, 45, tzinfo=UTC)  # the second 2:45
    assert DueTimes("50 2 * * *", "Europe/Berlin").next_after(moment) == datetime(2026, 10, 26, 1, 50, tzinfo=UTC)


def matches(field: str, value: int, most: int) -> bool:
    """Whether a cron field of lists, ranges and steps matches."""
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0", "-", str(most)) if span == "*" else span.partition("-")
        end = int(last or (most if step else first))
        if int(first) <= value <= end and (value - int(first)) % int(step or 1) == 0:
            return True
    return False


def walk(cron: str, timezone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yields the due times after `start`, found by looking at each minute."""
    minute, hour, day, _, _ = cron.split()
    zone = ZoneInfo(timezone)
    shown: set[datetime] = set()

    def is_described(wall: datetime) -> bool:
        return matches(minute, wall.minute, 59) and matches(hour, wall.hour, 23) and (day in ("*", str(wall.day)))

    moment = start - timedelta(days=1)
    previous = moment.astimezone(zone).replace(tzinfo=None)
    while (moment := moment + timedelta(minutes=1)) <= end:
        wall = moment.astimezone(zone).replace(tzinfo=None)
        if minute.startswith("*") or hour.startswith("*"):
            is_due = is_described(wall)
        else:  # the clocks may have omitted some times since the previous minute
            omitted = [previous + timedelta(minutes=n) for n in range(1, int((wall - previous) / timedelta(minutes=1)))]
            is_due = any(is_described(each) for each in (*omitted, wall) if each not in shown)
            shown.update((*omitted, wall))
        if is_due and moment > start:
            yield moment
        previous = wall


def fields(most: int) -> st.SearchStrategy[str]:
    numbers = st.integers(0, most)
    # cronsim reads `5-5/2` as `5/2`
    pairs = st.lists(numbers, min_size=2, max_size=2, unique=True)
    spans = pairs.map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.builds("{}/{}".format, st.just("*") | spans, st.integers(1, most))
    return st.one_of(st.just("*"), numbers.map(str), st.builds("{},{}".format, numbers, numbers), spans, steps)


@settings(max_examples=60)
@given(
    minute=fields(59),
    hour=fields(23) | st.sampled_from(["0", "1", "2", "1-3", "*/2"]),
    day=st.none() | st.integers(0, 2),
    timezone=st.sampled_from(list(CHANGES)),
    change=st.integers(0, 1),
    start=st.integers(-30 * 60, 30 * 60),
)
@example(minute="*", hour="0,13", day=0, timezone="Africa/Cairo", change=0, start=-1000)
@example(minute="*/22", hour="8", day=0, timezone="Australia/Lord_Howe", change=0, start=-1000)
def test_due_times_are_those_that_a_walk_finds(
    minute: str, hour: str, day: int | None, timezone: str, change: int, start: int
) -> None:
    """Around a change of the clocks, no due time is missing, none is found twice, and all are in order."""
    changed = CHANGES[timezone][change]
    begin = datetime(changed.year, changed.month, changed.day, tzinfo=UTC) + timedelta(minutes=start)
    end = begin + timedelta(hours=40)
    day_field = "*" if day is None else str((changed + timedelta(days=day - 1)).day)
    cron = f"{minute} {hour} {day_field} * *"
    expected = list(walk(cron, timezone, begin, end))
    times = DueTimes(cron, timezone)
    found = takewhile(lambda due: due <= end, times._iterate(begin))  # pyright: ignore[reportPrivateUsage]
    assert list(found) == expected


def test_fractions_of_a_second_do_not_matter() -> None:
    """A due time is after every moment of the second before it, and not after itself."""
    due, fraction = datetime(2026, 1, 1, 12, tzinfo=UTC), timedelta(milliseconds=1)
    times = DueTimes("0 12 * * *", "UTC")
    assert times.next_after(due - fraction) == due
    assert times.next_after(due) == times.next_after(due + fraction) == due + timedelta(days=1)


def test_the_preview_has_the_next_five_times() -> None:
    """The preview contains five due times, in UTC and in order."""
    shown = DueTimes("30 7 * * 1-5", "Europe/Berlin").preview(datetime(2026, 3, 26, 12, tzinfo=UTC))
    assert [f"{due:%d %H:%M %z}" for due in shown] == [
        "27 06:30 +0000",
        "30 05:30 +0000",
        "31 05:30 +0000",
        "01 05:30 +0000",
        "02 05:30 +0000",
    ]
    assert len(DueTimes("0 0 29 2 *", "UTC").preview(datetime(2026, 1, 1, tzinfo=UTC))) == 5


def test_the_latest_due_time_is_found_and_the_earlier_ones_are_counted() -> None:
    """After an outage, the latest due time counts. The number of counted ones is limited."""
    first = datetime(2026, 1, 1, 12, tzinfo=UTC)
    times, quarter = DueTimes("*/15 * * * *", "UTC"), timedelta(minutes=15)
    assert times.find_latest(first, first) == (first, 0)
    assert times.find_latest(first, first + quarter * 4) == (first + quarter * 4, 4)
    assert times.find_latest(first, first + quarter * 5 - timedelta(seconds=1)) == (first + quarter * 4, 4)
    _, missed = times.find_latest(first, first + timedelta(days=365))
    assert missed == MAX_MISSED


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("", "This one has 0."),
        ("@daily", "This one has 1."),
        ("* * * *", "This one has 4."),
        ("*/5 * * * * *", "There is no field for seconds: a schedule is due at most once a minute."),
        ("60 * * * *", "The minute is not valid in this one."),
        ("* 24 * * *", "The hour is not valid in this one."),
        ("* * 0 * *", "The day-of-month is not valid in this one."),
        ("* * * 13 *", "The month is not valid in this one."),
        ("* * * * MON#2/3", "The day-of-week is not valid in this one."),
        ("* * * * MON#2,MON/3#1", "The day-of-week is not valid in this one."),
        ("*/0 * * * *", "The minute is not valid in this one."),
        ("½ * * * *", "The minute is not valid in this one."),
        ("0 0 30 2 *", "The day-of-month is not valid in this one."),
        ("0 0 */31 2 MON#5", "This cron expression is never due."),
        ("*/15 2 * 3 0L", "This cron expression is never due."),  # the hour that is omitted
    ],
)
def test_an_invalid_cron_expression_is_explained(cron: str, problem: str) -> None:
    """The error says what a cron expression consists of, and which part is wrong."""
    with pytest.raises(ValueError, match="cron expression") as raised:
        check_cron(cron, "Europe/Berlin", datetime(2026, 1, 1, tzinfo=UTC))
    assert str(raised.value).endswith(problem)


@pytest.mark.parametrize("cron", ["* * * * *", "0 0 L * *", "0 9 * * MON-FRI", "0 0 29 2 *", "15 10 * jan,JUL sun#1"])
def test_valid_cron_expressions_are_accepted(cron: str) -> None:
    """All of cronsim's forms with five fields are accepted."""
    check_cron(cron, "America/New_York", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "name",
    [
        *("", "Mars/Olympus", "Europe", "/etc/passwd", "../UTC", "europe/berlin ", "a\0b", "ü" * 99),
        *("right/UTC", "localtime", "zone1970.tab", "Factory"),
    ],
)
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    """Only names of the IANA database are accepted, no paths and no other files."""
    with pytest.raises(ValueError, match="no such time zone"):
        find_zone(name)


def test_time_zones_come_with_the_service() -> None:
    """Time zones are found where the operating system has none."""
    assert ZoneInfo.no_cache("Asia/Kathmandu").key == find_zone("Asia/Kathmandu").key
