"""The life cycle of a ticket, tested without I/O."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.chat import ChatResult, TicketStatus
from shared.models.question import Question
from shared.models.ticket import Claim, Ticket, claim

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MAX_ATTEMPTS = 3


def ticket() -> Ticket:
    return Ticket(id="t", owner="u", provider="openai", model="m", created_at=NOW, updated_at=NOW)


def test_a_pending_ticket_can_be_taken() -> None:
    """The first worker that claims a pending ticket gets the lease."""
    assert claim(ticket(), NOW, MAX_ATTEMPTS) is Claim.TAKEN


@pytest.mark.parametrize(("seconds_later", "expected"), [(59, Claim.HELD), (60, Claim.TAKEN), (3600, Claim.TAKEN)])
def test_a_lease_holds_until_it_expires(seconds_later: int, expected: Claim) -> None:
    """A worker that does not renew its lease loses it when the lease expires, but not before."""
    leased = ticket().lease_to("worker-1", NOW, seconds=60)
    assert claim(leased, NOW + timedelta(seconds=seconds_later), MAX_ATTEMPTS) is expected


def test_a_renewal_extends_the_lease() -> None:
    """The duration of a renewed lease starts at the renewal."""
    renewed = ticket().lease_to("worker-1", NOW, 60).renew(NOW + timedelta(seconds=50), 60)
    assert claim(renewed, NOW + timedelta(seconds=100), MAX_ATTEMPTS) is Claim.HELD
    assert renewed.attempts == 1


def test_a_ticket_without_remaining_attempts_must_end() -> None:
    """No lease follows the last attempt, whether the holder released it or died."""
    exhausted = ticket()
    for _ in range(MAX_ATTEMPTS):
        exhausted = exhausted.lease_to("w", NOW, 60)
    assert claim(exhausted.release(NOW), NOW, MAX_ATTEMPTS) is Claim.EXHAUSTED
    assert claim(exhausted, NOW + timedelta(seconds=61), MAX_ATTEMPTS) is Claim.EXHAUSTED


def test_a_finished_ticket_stays_finished() -> None:
    """A finished ticket that is delivered again needs no work."""
    for finished in (ticket().complete(ChatResult(content="x", model="m"), NOW), ticket().fail("No.", NOW)):
        assert claim(finished, NOW + timedelta(days=1), MAX_ATTEMPTS) is Claim.FINISHED
        assert finished.completed_at == NOW


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 100), st.booleans()), max_size=30))
def test_a_ticket_never_has_two_holders(deliveries: list[tuple[str, int, bool]]) -> None:
    """For any order of deliveries, worker deaths and pauses, a lease ends before the next one begins."""
    current, now, ends_at = ticket(), NOW, NOW
    for holder, pause, releases in deliveries:
        now += timedelta(seconds=pause)
        if claim(current, now, max_attempts=1000) is Claim.TAKEN:
            assert now >= ends_at
            current = current.lease_to(holder, now, seconds=60)
            ends_at = now if releases else now + timedelta(seconds=60)
            current = current.release(now) if releases else current
        else:
            assert now < ends_at
            assert current.status is TicketStatus.PROCESSING


def test_a_run_that_is_put_aside_is_not_taken_before_its_time() -> None:
    """A worker may take it when it is due, or when its question has been answered."""
    started = ticket().lease_to("w", NOW, 60)
    later = NOW + timedelta(days=3)
    question = Question(call="1", text="?", asked_at=NOW)
    waiting = started.suspend(later, [question], NOW)
    assert (waiting.status, waiting.lease, waiting.tasks) == (TicketStatus.WAITING, None, 2)
    assert claim(waiting, NOW, MAX_ATTEMPTS) is Claim.WAITING
    assert claim(waiting, later, MAX_ATTEMPTS) is Claim.TAKEN
    answered = waiting.answer({"1": '"yes"'}, NOW)
    assert (answered.questions[0].read_answer(), answered.tasks) == ("yes", 3)
    assert claim(answered, NOW, MAX_ATTEMPTS) is Claim.TAKEN
    assert started.suspend(NOW, [], NOW).status is TicketStatus.PENDING


def test_attempts_that_made_progress_do_not_count() -> None:
    """A run may be put aside, and continue, more often than an attempt may fail."""
    run = ticket()
    for _ in range(3 * MAX_ATTEMPTS):
        assert claim(run, NOW, MAX_ATTEMPTS) is Claim.TAKEN
        run = run.lease_to("w", NOW, 60).suspend(NOW, [], NOW)
    for _ in range(MAX_ATTEMPTS):
        assert claim(run, NOW, MAX_ATTEMPTS) is Claim.TAKEN
        run = run.lease_to("w", NOW, 60).release(NOW)
    assert claim(run, NOW, MAX_ATTEMPTS) is Claim.EXHAUSTED
