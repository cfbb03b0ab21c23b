"""When deliveries are attempted, without a database."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.models.delivery import MAX_AGE, MAX_ATTEMPTS, MAX_WAIT, RETRY_AFTER, Delivery, DeliveryStatus
from shared.models.webhook import WebhookEvent

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DELIVERY = Delivery(
    id="d",
    webhook_id="w",
    owner="u",
    run_id="r",
    event=WebhookEvent.RUN_FAILED,
    body="{}",
    created_at=NOW,
    next_attempt_at=NOW,
)


def test_the_pauses_fit_into_a_day() -> None:
    """The last attempt comes less than a day after the first."""
    assert sum(RETRY_AFTER, timedelta()) < MAX_AGE


@given(shortened=st.lists(st.floats(0, 0.1), min_size=MAX_ATTEMPTS, max_size=MAX_ATTEMPTS))
def test_every_series_of_attempts_ends_within_a_day(shortened: list[float]) -> None:
    """However much the pauses are shortened, there are eight attempts, and each comes later than the one before."""
    delivery, now, attempts = DELIVERY, NOW, 0
    while delivery.next_attempt_at is not None:
        assert delivery.next_attempt_at >= now
        now = delivery.next_attempt_at
        delivery = delivery.hold("h", now).retry(shortened[attempts], now)
        attempts += 1
    assert (delivery.status, attempts) == (DeliveryStatus.FAILED, MAX_ATTEMPTS)
    assert now - NOW < MAX_AGE


def test_an_old_delivery_is_attempted_once() -> None:
    """After an outage of a day, a notification is still sent, but not repeated."""
    late = NOW + 2 * MAX_AGE
    held = DELIVERY.hold("h", late)
    assert held.is_pending
    assert held.retry(0, late).status is DeliveryStatus.FAILED


def test_a_lost_attempt_is_over_after_a_minute() -> None:
    """Until then, the delivery is held."""
    held = DELIVERY.hold("h", NOW)
    assert held.is_held(NOW + timedelta(seconds=59))
    assert not held.is_held(NOW + timedelta(seconds=60))
    assert held.seconds_early(NOW + timedelta(seconds=60)) == 0


@given(ahead=st.timedeltas(timedelta(0), timedelta(days=1)), age=st.timedeltas(timedelta(0), MAX_WAIT))
def test_waiting_has_an_end(ahead: timedelta, age: timedelta) -> None:
    """A delivery waits until the one before may have been attempted, but not longer than an hour in all."""
    earlier = DELIVERY.model_copy(update={"id": "e", "next_attempt_at": NOW + age + ahead})
    waiting = DELIVERY.wait_for(earlier, NOW + age)
    assert waiting.next_attempt_at is not None
    assert waiting.next_attempt_at <= NOW + MAX_WAIT
    assert waiting.seconds_early(NOW + age) == 0  # it may go as soon as the other has ended
    assert DELIVERY.may_overtake(NOW + MAX_WAIT)
