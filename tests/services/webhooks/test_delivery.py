"""Notifications are sent to a real HTTP server, which verifies them, and retried until it accepts them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from standardwebhooks import WebhookVerificationError

from shared import clock
from shared.models.account import Account
from shared.models.delivery import MAX_ATTEMPTS, Delivery, DeliveryStatus
from shared.models.errors import TooEarly
from shared.models.webhook import StoredWebhook, UpdateWebhookRequest
from shared.services.accounts.ledger import Ledger
from shared.services.chat.sweep import SweepResult, SweepService
from shared.services.webhooks.sending import Outcome, Sender
from shared.tasks import task_queue
from tests.database_data import store_account
from tests.doubles.webhook_receiver import Answer, WebhookReceiver
from tests.services.webhooks.hooks import OWNER, Hooks, seconds
from tests.stopped_clock import StoppedClock

PAUSES = [5, 300, 1800, 7200, 18_000, 36_000, 21_600]


async def test_a_receiver_can_verify_a_notification(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """The signature, id and time are valid according to the library of Standard Webhooks; another secret is not."""
    webhook = await hooks.create()
    run = await hooks.complete_run({"answer": 42})
    await hooks.work()
    (request,) = receiver.received
    message = request.verify(webhook.secret)
    assert message["type"] == "run.completed"
    assert message["data"]["run_id"] == run.id
    assert message["data"]["result"] == {"answer": 42}
    assert request.headers["content-type"] == "application/json"
    assert request.id.startswith("msg_")
    assert abs(int(request.headers["webhook-timestamp"]) - clock.time()) < 30
    other = await hooks.create()
    with pytest.raises(WebhookVerificationError):
        request.verify(other.secret)


async def test_any_text_survives(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """Non-Latin letters, emoji, control characters and line separators arrive as they were, with a valid signature."""
    webhook = await hooks.create()
    text = 'Grüße, 天気 ☀️ 🏳️‍🌈 \x00 \u2028 \r\n "quoted" \\ </script>'
    await hooks.complete_run({text: [text]})
    await hooks.work()
    assert receiver.received[0].verify(webhook.secret)["data"]["result"] == {text: [text]}


async def test_a_failed_attempt_is_repeated_with_the_same_id(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """A receiver that answers 500, then 200, gets the same message twice, with the same id and a new time."""
    webhook = await hooks.create()
    await hooks.complete_run()
    receiver.script(500, 200)
    await hooks.work()
    assert (await hooks.get(webhook.id)).last_status == 500
    stopped_clock.move(5)
    await hooks.work()
    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    second.verify(webhook.secret)
    (delivery,) = await hooks.deliveries()
    assert (delivery.status, delivery.attempts, delivery.body) == (DeliveryStatus.DELIVERED, 2, "")
    stored = await hooks.get(webhook.id)
    assert (stored.last_status, stored.last_error, stored.failing_since) == (200, None, None)
    stopped_clock.move(86_400)
    assert await hooks.work() == []


async def test_attempts_end_after_a_day(hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock) -> None:
    """The pauses between eight attempts grow. The last attempt comes less than a day after the first."""
    await hooks.create()
    await hooks.complete_run()
    receiver.script(*[503] * 20)
    began = clock.now()
    for pause in PAUSES:
        await hooks.work()
        (delivery,) = await hooks.deliveries()
        assert 0.9 * pause <= seconds(delivery) <= pause
        stopped_clock.move(pause)
    assert clock.now() - began < timedelta(days=1)
    await hooks.work()
    (delivery,) = await hooks.deliveries()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, 8)
    assert len(receiver.received) == 8
    stopped_clock.move(86_400)
    assert await hooks.work() == []


async def test_a_receiver_that_is_gone_is_not_notified_again(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """410 disables the webhook, with a reason. What was on its way to it is dropped."""
    webhook = await hooks.create()
    receiver.script(410)
    await hooks.complete_run()
    await hooks.complete_run()
    await hooks.work()
    stored = await hooks.get(webhook.id)
    assert not stored.enabled
    assert stored.disabled_reason == "The receiver answered 410 Gone."
    assert len(receiver.received) == 1
    assert {delivery.status for delivery in await hooks.deliveries()} == {DeliveryStatus.FAILED, DeliveryStatus.DROPPED}
    await hooks.complete_run()
    assert len(await hooks.deliveries()) == 2


async def test_a_slow_receiver_is_tried_again(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """A receiver that does not answer in time counts as failed."""
    webhook = await hooks.create()
    receiver.script(Answer(gate=asyncio.Event()))
    await hooks.complete_run()
    await hooks.work(outbound_timeout_seconds=0.3)
    stored = await hooks.get(webhook.id)
    assert stored.last_status is None
    assert stored.last_error == "127.0.0.1 did not answer within 0.3 seconds."
    assert stored.failing_since is not None
    (delivery,) = await hooks.deliveries()
    assert delivery.is_pending


async def test_redirects_are_not_followed(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """A redirect, even to the same host, is a failure: the message is sent to no other URL."""
    webhook = await hooks.create()
    receiver.script(Answer(307, {"Location": f"{hooks.address}/elsewhere"}))
    await hooks.complete_run()
    await hooks.work()
    assert [request.path for request in receiver.received] == ["/hook"]
    stored = await hooks.get(webhook.id)
    assert stored.last_status == 307
    assert "Redirects are not followed" in (stored.last_error or "")


@pytest.mark.parametrize("answer", [Answer(200, endless=True), Answer(200, body=b"x" * 100_000)])
async def test_the_body_of_a_response_is_ignored(hooks: Hooks, receiver: WebhookReceiver, answer: Answer) -> None:
    """The status counts, however long the body is, and nothing of the body is stored."""
    await hooks.create()
    receiver.script(answer)
    await hooks.complete_run()
    await hooks.work()
    (delivery,) = await hooks.deliveries()
    assert delivery.status is DeliveryStatus.DELIVERED


@pytest.mark.parametrize(
    "url",
    ["http://localhost:1/", "https://metadata.example/", "http://0x7f000001/", "http://[::ffff:169.254.169.254]/"],
)
async def test_private_addresses_are_never_reached(hooks: Hooks, receiver: WebhookReceiver, url: str) -> None:
    """A name that leads to a private address gets no connection, whatever the name was when it was registered."""

    async def resolver(host: str, port: int) -> Sequence[str]:
        return ["1.1.1.1", "169.254.169.254"]

    hooks.resolver = resolver
    webhook = await hooks.create()
    await hooks.database.transaction(lambda transaction: _put_url(hooks, webhook.id, url, transaction))
    await hooks.complete_run()
    await hooks.work()
    assert receiver.received == []
    stored = await hooks.get(webhook.id)
    assert stored.last_status is None
    assert "is not a public address" in (stored.last_error or "")


async def _put_url(hooks: Hooks, webhook_id: str, url: str, transaction: object) -> None:
    webhook = await hooks.database.webhooks.get(webhook_id, transaction)  # pyright: ignore[reportArgumentType]
    assert webhook is not None
    changed = webhook.model_copy(update={"url": url})
    hooks.database.webhooks.put(changed, transaction)  # pyright: ignore[reportArgumentType]


async def test_a_local_address_that_is_not_allowed_is_refused(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """Without `OUTBOUND_ALLOWED_HOSTS`, not even this machine is reached."""
    await hooks.create()
    await hooks.complete_run()
    await hooks.work(outbound_allowed_hosts=())
    assert receiver.received == []


async def test_a_webhook_that_failed_for_five_days_is_disabled(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """It is disabled when a notification is given up and none has succeeded for five days, and says why."""
    webhook = await hooks.create()
    receiver.script(*[500] * 100)
    for day in range(6):
        assert (await hooks.get(webhook.id)).enabled, f"disabled on day {day}"
        await hooks.complete_run()
        for pause in [0, *PAUSES]:
            stopped_clock.move(pause)
            await hooks.work()
        stopped_clock.move(86_400 - sum(PAUSES))
    stored = await hooks.get(webhook.id)
    assert not stored.enabled
    assert stored.disabled_reason == "No notification has succeeded for 5 days. The receiver answered 500."
    await hooks.complete_run()
    assert len(await hooks.deliveries()) == 6


async def test_a_success_ends_a_series_of_failures(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """The five days count from the first failure after the last success."""
    webhook = await hooks.create()
    receiver.script(500)
    await hooks.complete_run()
    await hooks.work()
    assert (await hooks.get(webhook.id)).failing_since is not None
    stopped_clock.move(5)
    await hooks.work()
    assert (await hooks.get(webhook.id)).failing_since is None


async def test_an_enabled_webhook_forgets_its_failures(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """When its owner enables it again, it is notified again, and its failures and the reason are forgotten."""
    webhook = await hooks.create()
    receiver.script(410)
    await hooks.complete_run()
    await hooks.work()
    changed = await hooks.webhooks.update(OWNER, webhook.id, UpdateWebhookRequest(enabled=True))
    assert (changed.disabled_reason, changed.failing_since, changed.last_status) == (None, None, None)
    await hooks.complete_run()
    await hooks.work()
    assert len(receiver.received) == 2


async def test_both_secrets_are_valid_for_a_day(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """After a rotation, notifications have two signatures, and a day later only that with the new secret."""
    webhook = await hooks.create()
    rotated = await hooks.webhooks.rotate_secret(OWNER, webhook.id)
    await hooks.complete_run()
    await hooks.work()
    for secret in (webhook.secret, rotated.secret):
        receiver.received[0].verify(secret)
    assert len(receiver.received[0].headers["webhook-signature"].split(" ")) == 2
    stopped_clock.move(86_400)
    await hooks.complete_run()
    await hooks.work()
    receiver.received[1].verify(rotated.secret)
    with pytest.raises(WebhookVerificationError):
        receiver.received[1].verify(webhook.secret)


async def test_a_deleted_webhook_is_not_notified(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """What was on its way to it is dropped."""
    webhook = await hooks.create()
    await hooks.complete_run()
    await hooks.webhooks.delete(OWNER, webhook.id)
    await hooks.work()
    assert receiver.received == []
    (delivery,) = await hooks.deliveries()
    assert (delivery.status, delivery.body) == (DeliveryStatus.DROPPED, "")


async def test_a_disabled_users_webhooks_are_not_notified(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """A user whom an administrator has disabled gets no notifications, not even of runs that had ended before."""
    await hooks.create()
    await hooks.complete_run()
    account: Account = Ledger(hooks.database, hooks.settings).open(OWNER.uid, clock.now())
    await store_account(hooks.database, account.model_copy(update={"disabled": True}))
    await hooks.work()
    assert receiver.received == []
    (delivery,) = await hooks.deliveries()
    assert delivery.status is DeliveryStatus.DROPPED


async def test_two_tasks_do_not_send_the_same_delivery(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """While one task sends it, others do nothing, and afterwards nothing is left to do."""
    await hooks.create()
    await hooks.complete_run()
    (delivery,) = await hooks.deliveries()
    gate = asyncio.Event()
    receiver.script(Answer(gate=gate))
    sending = asyncio.create_task(hooks.service().deliver(delivery.id))
    await receiver.arrived.wait()
    await asyncio.gather(*(hooks.service().deliver(delivery.id) for _ in range(3)))
    gate.set()
    await sending
    await hooks.service().deliver(delivery.id)
    assert len(receiver.received) == 1


async def test_one_of_several_simultaneous_tasks_sends_the_delivery(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """Of tasks that begin at the same moment, one sends it."""
    await hooks.create()
    await hooks.complete_run()
    (delivery,) = await hooks.deliveries()
    await asyncio.gather(*(hooks.service().deliver(delivery.id) for _ in range(4)))
    assert len(receiver.received) == 1


async def test_a_delivery_whose_process_died_is_sent_again(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """Nobody knows whether the receiver has it, so the sweep queues it, and it is sent with the same id."""
    await hooks.create()
    await hooks.complete_run()
    (delivery,) = await hooks.deliveries()
    receiver.script(Answer(gate=asyncio.Event()))
    sending = asyncio.create_task(hooks.service().deliver(delivery.id))
    await receiver.arrived.wait()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    sweeper = SweepService(hooks.database, task_queue(hooks.settings), hooks.settings)
    assert await sweeper.sweep() == SweepResult()
    stopped_clock.move(121)
    assert await sweeper.sweep() == SweepResult(notified=1)
    await hooks.work()
    assert [request.id for request in receiver.received] == [delivery.id] * 2
    assert await sweeper.sweep() == SweepResult()


async def test_a_delivery_that_is_lost_again_and_again_ends(hooks: Hooks, stopped_clock: StoppedClock) -> None:
    """A delivery whose attempts never end, because each stops its process, fails after as many as any other."""

    class Deadly(Sender):
        async def send(self, delivery: Delivery, webhook: StoredWebhook, now: datetime) -> Outcome:
            raise MemoryError

    await hooks.create()
    await hooks.complete_run()
    (delivery,) = await hooks.deliveries()
    service = replace(hooks.service(), sender=Deadly(hooks.settings))
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(MemoryError):
            await service.deliver(delivery.id)
        stopped_clock.move(60)
    await service.deliver(delivery.id)
    (delivery,) = await hooks.deliveries()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, MAX_ATTEMPTS)


async def test_a_task_that_comes_early_comes_again(
    hooks: Hooks, receiver: WebhookReceiver, stopped_clock: StoppedClock
) -> None:
    """A retry's task that the queue delivers seconds too early is delivered again; one that is much too early ends."""
    await hooks.create()
    await hooks.complete_run()
    receiver.script(500, 500)
    await hooks.work()
    (delivery,) = await hooks.deliveries()
    with pytest.raises(TooEarly):
        await hooks.service().deliver(delivery.id)
    stopped_clock.move(5)
    await hooks.work()
    await hooks.service().deliver(delivery.id)
    assert len(receiver.received) == 2


async def test_a_slow_receiver_does_not_occupy_the_worker(hooks: Hooks, receiver: WebhookReceiver) -> None:
    """A process sends five notifications of one user at a time. The queue delivers the others again."""
    await hooks.create()
    for _ in range(6):
        await hooks.complete_run()
    gate = asyncio.Event()
    receiver.script(*[Answer(gate=gate)] * 6)
    *first, last = await hooks.deliveries()
    sending = [asyncio.create_task(hooks.service().deliver(delivery.id)) for delivery in first]
    while len(receiver.received) < 5:
        receiver.arrived.clear()
        await receiver.arrived.wait()
    with pytest.raises(TooEarly):
        await hooks.service().deliver(last.id)
    gate.set()
    await asyncio.gather(*sending)


@pytest.mark.parametrize("delivery_id", ["unknown", "", "a/b", ".."])
async def test_an_unknown_delivery_is_done(hooks: Hooks, delivery_id: str) -> None:
    """The task of a delivery that does not exist ends."""
    await hooks.service().deliver(delivery_id)


async def test_no_secret_is_logged(
    hooks: Hooks, receiver: WebhookReceiver, lines: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log names the delivery, and contains neither the secret nor the URL nor the message."""
    webhook = await hooks.create(url=f"{hooks.address}/hook?token=hidden")
    receiver.script(500)
    await hooks.complete_run("private result")
    await hooks.work()
    (delivery,) = await hooks.deliveries()
    printed = "".join(capsys.readouterr())
    assert delivery.id in printed
    for text in (webhook.secret, webhook.secret.removeprefix("whsec_"), "hidden", "private result"):
        assert text not in printed
