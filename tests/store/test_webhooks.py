"""Tests how webhooks and deliveries are stored, in the Firestore emulator."""

from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.firestore import AsyncClient
from pydantic import SecretStr

from shared.models.delivery import Delivery, DeliveryStatus
from shared.models.webhook import SigningSecret, StoredWebhook, WebhookEvent
from shared.settings import Settings
from shared.store import Database, Transaction
from tests.conftest import Lines

NOW = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
WEBHOOK = StoredWebhook(
    id="w",
    owner="u",
    url="https://hooks.example/天気?x=1",
    events=[WebhookEvent.RUN_FAILED, WebhookEvent.RUN_WAITING],
    enabled=True,
    secrets=[
        SigningSecret(secret=SecretStr("whsec_b")),
        SigningSecret(secret=SecretStr("whsec_a"), valid_until=NOW + timedelta(days=1)),
    ],
    rev="1",
    created_at=NOW,
    updated_at=NOW,
)
DELIVERY = Delivery(
    id="d",
    webhook_id="w",
    owner="u",
    run_id="r",
    event=WebhookEvent.RUN_FAILED,
    body='{"text":"天気\\u0000"}',
    created_at=NOW,
    next_attempt_at=NOW,
)


async def put_webhook(database: Database, changed: StoredWebhook) -> None:
    async def write(transaction: Transaction) -> None:
        await database.webhooks.get(changed.id, transaction)
        database.webhooks.put(changed, transaction)

    await database.transaction(write)


async def put(database: Database, *changed: Delivery) -> None:
    async def write(transaction: Transaction) -> None:
        for delivery in changed:
            await database.deliveries.get(delivery.id, transaction)
            database.deliveries.put(delivery, transaction)

    await database.transaction(write)


async def test_stored_webhooks_are_read_unchanged(database: Database) -> None:
    """A webhook in any state is read exactly as it was stored, with its secrets, including microseconds."""
    failing = WEBHOOK.record_failure(None, "It did not answer.", NOW)
    for state in (WEBHOOK, WEBHOOK.record_success(204), failing, failing.disable("It is gone.")):
        await put_webhook(database, state)
        found = await database.webhooks.get("w")
        assert found == state
        assert found is not None
        assert [secret.secret.get_secret_value() for secret in found.secrets] == ["whsec_b", "whsec_a"]


async def test_an_unreadable_webhook_does_not_hide_the_others(
    database: Database, settings: Settings, lines: Lines
) -> None:
    """It is logged, without its secrets, and the owner's other webhooks are found."""
    await put_webhook(database, WEBHOOK)
    client = AsyncClient(project=settings.google_cloud_project)
    broken = {"owner": "u", "created_at": NOW, "secrets": [{"secret": "whsec_hidden"}], "body": "{}"}
    await client.collection("webhooks").document("broken").set(broken)
    client.close()
    assert await database.webhooks.list_of("u") == [WEBHOOK]
    (line,) = lines()
    assert (line["severity"], line["webhook"]) == ("ERROR", "broken")
    assert "whsec_hidden" not in str(line)


async def test_stored_deliveries_are_read_unchanged(database: Database) -> None:
    """A delivery in any state is read exactly as it was stored."""
    held = DELIVERY.hold("h", NOW)
    for state in (DELIVERY, held, held.retry(0.05, NOW), DELIVERY.wait_for(held, NOW)):
        await put(database, state)
        assert await database.deliveries.get("d") == state
    ended = held.end(DeliveryStatus.DELIVERED)
    await put(database, ended)
    assert await database.deliveries.get("d") == ended


async def test_the_first_pending_delivery_of_a_run_is_found(database: Database) -> None:
    """Ended deliveries, other runs and other webhooks do not count."""
    later = DELIVERY.model_copy(update={"id": "later", "created_at": NOW + timedelta(microseconds=1)})
    earlier = DELIVERY.model_copy(update={"created_at": NOW - timedelta(days=1)})
    ended = earlier.end(DeliveryStatus.FAILED).model_copy(update={"id": "ended"})
    other_run = earlier.model_copy(update={"id": "other-run", "run_id": "r2"})
    other_webhook = earlier.model_copy(update={"id": "other-webhook", "webhook_id": "w2"})
    await put(database, later, DELIVERY, ended, other_run, other_webhook)
    assert await database.deliveries.find_first("w", "r") == DELIVERY
    assert await database.deliveries.find_first("w", "r3") is None


async def test_overdue_deliveries_are_found(database: Database) -> None:
    """They are listed in the order of their times, without those that have ended or are not due."""
    deliveries = [
        DELIVERY.model_copy(update={"id": f"d{minutes}", "next_attempt_at": NOW - timedelta(minutes=minutes)})
        for minutes in range(4)
    ]
    await put(database, *deliveries, DELIVERY.end(DeliveryStatus.DROPPED))
    found = await database.deliveries.list_due(NOW, 10)
    assert [delivery.id for delivery in found] == ["d3", "d2", "d1"]
    assert [delivery.id for delivery in await database.deliveries.list_due(NOW, 2)] == ["d3", "d2"]


async def test_deliveries_expire(database: Database, settings: Settings) -> None:
    """A delivery is deleted a week after its event."""
    await put(database, DELIVERY)
    client = AsyncClient(project=settings.google_cloud_project)
    document = (await client.collection("deliveries").document("d").get()).to_dict()
    client.close()
    assert document is not None
    assert document["expire_at"] == NOW + timedelta(days=7)


@pytest.mark.parametrize("id_", ["", ".", "a/b", "__x__", "x" * 1501])
async def test_any_string_may_be_given_as_an_id(database: Database, id_: str) -> None:
    """A string that cannot be a document id is an unknown id."""
    assert await database.webhooks.get(id_) is None
    assert await database.deliveries.get(id_) is None
