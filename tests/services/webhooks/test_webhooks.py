"""Webhooks are created, read, changed and deleted by their owners. The tests use the real Firestore emulator."""

import asyncio
import base64
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable
from pydantic import ValidationError

from shared.models.caller import Caller
from shared.models.errors import BadRequest, Conflict, InvalidInput, NotFound, TooLarge
from shared.models.webhook import MAX_SECRETS, CreatedWebhook, CreateWebhookRequest, UpdateWebhookRequest
from shared.services.webhooks.ownership import refuse_unknown
from shared.services.webhooks.webhooks import WebhookService
from shared.settings import Settings
from shared.store import Database
from tests.database_faults import lose_responses
from tests.stopped_clock import StoppedClock

BODY: dict[str, Any] = {"url": "https://hooks.example/runs?token=1", "events": ["run.completed", "run.waiting"]}
STRANGERS = [Caller(uid="other"), Caller(uid="admin", claims={"admin": True})]


@pytest.fixture
async def webhooks(database: Database, settings: Settings) -> WebhookService:
    return WebhookService(database, settings)


def request(**fields: Any) -> CreateWebhookRequest:
    return CreateWebhookRequest.model_validate({**BODY, **fields})


def change(**fields: Any) -> UpdateWebhookRequest:
    return UpdateWebhookRequest.model_validate(fields)


async def test_a_secret_is_shown_once(webhooks: WebhookService, caller: Caller) -> None:
    """Only the response to its creation has the secret: 32 random bytes in the format of Standard Webhooks."""
    created = await webhooks.create(caller, request())
    assert created.secret.startswith("whsec_")
    assert len(base64.b64decode(created.secret.removeprefix("whsec_"), validate=True)) == 32
    found = await webhooks.get(caller, created.id)
    assert not isinstance(found, CreatedWebhook)
    assert found.model_dump() == created.model_dump(exclude={"secret"})
    assert (found.url, found.events, found.enabled) == (BODY["url"], BODY["events"], True)
    for shown in (found, await webhooks.list(caller, 10), await webhooks.update(caller, created.id, change())):
        assert created.secret not in repr(shown)
    assert created.secret not in repr(await webhooks.database.webhooks.get(created.id))
    assert (await webhooks.create(caller, request())).secret != created.secret


async def test_only_the_fields_that_are_sent_change(webhooks: WebhookService, caller: Caller) -> None:
    """Each change gives the webhook a new revision. Repeated events count once."""
    created = await webhooks.create(caller, request())
    changed = await webhooks.update(caller, created.id, change(enabled=False))
    assert (changed.enabled, changed.url, changed.events) == (False, created.url, created.events)
    assert (changed.rev != created.rev, changed.created_at) == (True, created.created_at)
    changed = await webhooks.update(caller, created.id, change(url="https://b.example", events=["run.failed"] * 3))
    assert (changed.enabled, changed.url, changed.events) == (False, "https://b.example", ["run.failed"])


async def test_a_stale_revision_changes_nothing(webhooks: WebhookService, caller: Caller) -> None:
    """A change with an old `_rev` gets 409. Of several with the same one, only one is made."""
    created = await webhooks.create(caller, request())
    outcomes = await asyncio.gather(
        *(webhooks.update(caller, created.id, change(_rev=created.rev, enabled=False)) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3
    with pytest.raises(Conflict, match="Read it again"):
        await webhooks.update(caller, created.id, change(_rev=created.rev, enabled=True))
    assert not (await webhooks.get(caller, created.id)).enabled


async def test_a_deleted_webhook_is_gone(webhooks: WebhookService, caller: Caller) -> None:
    """It can be neither read nor deleted again."""
    created = await webhooks.create(caller, request())
    await webhooks.delete(caller, created.id)
    for attempt in (webhooks.get(caller, created.id), webhooks.delete(caller, created.id)):
        with pytest.raises(NotFound):
            await attempt
    assert (await webhooks.list(caller, 10)).items == []


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_only_its_owner_sees_a_webhook(webhooks: WebhookService, caller: Caller, stranger: Caller) -> None:
    """To others, even an administrator, it looks like one that does not exist."""
    created = await webhooks.create(caller, request())
    for webhook_id in (created.id, "unknown", "a/b", ""):
        for attempt in (
            webhooks.get(stranger, webhook_id),
            webhooks.update(stranger, webhook_id, change(enabled=False)),
            webhooks.rotate_secret(stranger, webhook_id),
            webhooks.delete(stranger, webhook_id),
        ):
            with pytest.raises(NotFound, match="There is no such webhook"):
                await attempt
    assert (await webhooks.list(stranger, 10)).items == []
    assert (await webhooks.get(caller, created.id)).enabled


async def test_a_run_can_only_notify_its_owners_webhooks(webhooks: WebhookService, caller: Caller) -> None:
    """Another user's webhook, and one that does not exist, are refused with 422."""
    created = await webhooks.create(caller, request())
    await refuse_unknown(webhooks.database, caller, created.id)
    for user, webhook_id in ((STRANGERS[0], created.id), (caller, "unknown"), (caller, "a/b")):
        with pytest.raises(InvalidInput) as caught:
            await refuse_unknown(webhooks.database, user, webhook_id)
        assert caught.value.summary == "webhook: You have no such webhook."


async def test_pages_show_each_webhook_once(webhooks: WebhookService, caller: Caller) -> None:
    """Successive pages list all webhooks, the newest first. An invalid token is rejected."""
    created = [await webhooks.create(caller, request()) for _ in range(5)]
    ids: list[str] = []
    token: str | None = None
    for _ in range(4):
        page = await webhooks.list(caller, 2, token)
        ids += [webhook.id for webhook in page.items]
        token = page.next_token
        if token is None:
            break
    assert ids == [webhook.id for webhook in reversed(created)]
    with pytest.raises(BadRequest, match="page token"):
        await webhooks.list(caller, 2, "x")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("hooks.example", "begin with http:// or https://"),
        ("ftp://hooks.example/", "begin with http:// or https://"),
        ("javascript:alert(1)", "begin with http:// or https://"),
        ("https://", "no host"),
        ("https://ada:secret@hooks.example/", "user name or password"),
        ("https://hooks.example:99999/", "URL"),
        ("https://[::1/", "not a URL"),
        ("https://127.0.0.1/", "not a public address"),
        ("https://169.254.169.254/latest", "not a public address"),
        ("https://10.1.2.3:8443/", "not a public address"),
        ("https://[fd00:ec2::254]/", "not a public address"),
    ],
)
async def test_a_url_that_cannot_be_notified_is_refused(
    webhooks: WebhookService, caller: Caller, url: str, problem: str
) -> None:
    """The error is a 422 for the field, when the webhook is created and when it is changed."""
    created = await webhooks.create(caller, request())
    for attempt in (
        webhooks.create(caller, request(url=url)),
        webhooks.update(caller, created.id, change(url=url)),
    ):
        with pytest.raises(InvalidInput, match="does not match") as caught:
            await attempt
        ((_, path, message),) = caught.value.problems
        assert path == ("url",)
        assert problem in message
    assert (await webhooks.get(caller, created.id)).url == BODY["url"]


async def test_a_deployment_requires_https(database: Database, settings: Settings, caller: Caller) -> None:
    """Locally, http is enough, also to this machine if it is among the allowed hosts."""
    local = WebhookService(database, settings.model_copy(update={"outbound_allowed_hosts": ("127.0.0.1:9",)}))
    await local.create(caller, request(url="http://127.0.0.1:9/hook"))
    await local.create(caller, request(url="http://hooks.example/"))
    deployed = WebhookService(database, settings.model_copy(update={"k_service": "schedules"}))
    with pytest.raises(InvalidInput) as caught:
        await deployed.create(caller, request(url="http://hooks.example/"))
    assert "must begin with https://" in caught.value.summary
    await deployed.create(caller, request())


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "https://a.example/" + "x" * 2000},
        {"url": ""},
        {"url": None},
        {"events": []},
        {"events": ["run.started"]},
        {"events": ["run.failed"] * 21},
        {"events": "run.failed"},
        {"enabled": "perhaps"},
    ],
)
def test_invalid_fields_are_refused(fields: dict[str, Any]) -> None:
    """The limits hold for new webhooks and for changes."""
    with pytest.raises(ValidationError):
        request(**fields)
    with pytest.raises(ValidationError):
        change(**fields)


async def test_the_number_of_webhooks_is_limited(database: Database, settings: Settings, caller: Caller) -> None:
    """Of several concurrent requests, only as many succeed as the user may have webhooks."""
    limited = WebhookService(database, settings.model_copy(update={"max_webhooks": 2}))
    outcomes = await asyncio.gather(*(limited.create(caller, request()) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(outcome, TooLarge) for outcome in outcomes) == 2
    with pytest.raises(TooLarge, match="You have 2 webhooks"):
        await limited.create(caller, request())
    await limited.create(Caller(uid="other"), request())


async def test_a_secret_can_be_replaced_a_few_times_a_day(
    webhooks: WebhookService, caller: Caller, stopped_clock: StoppedClock
) -> None:
    """Each replaced secret stays valid for a day, so only a few can be valid at a time."""
    created = await webhooks.create(caller, request())
    secrets = {created.secret}
    for _ in range(MAX_SECRETS - 1):
        rotated = await webhooks.rotate_secret(caller, created.id)
        secrets.add(rotated.secret)
    assert len(secrets) == MAX_SECRETS
    with pytest.raises(Conflict, match="Try again tomorrow"):
        await webhooks.rotate_secret(caller, created.id)
    stopped_clock.move(86_400)
    await webhooks.rotate_secret(caller, created.id)
    stored = await webhooks.database.webhooks.get(created.id)
    assert stored is not None
    assert len(stored.secrets) == 2


async def test_operations_whose_responses_are_lost_take_effect_once(
    webhooks: WebhookService, caller: Caller, database: Database
) -> None:
    """A commit that took effect although its response was lost causes no duplicate, no conflict and no 404."""
    lose_responses(database, ServiceUnavailable("gone"), 1, 3, 5, 7)
    created = await webhooks.create(caller, request())
    assert len((await webhooks.list(caller, 10)).items) == 1
    assert not (await webhooks.update(caller, created.id, change(_rev=created.rev, enabled=False))).enabled
    rotated = await webhooks.rotate_secret(caller, created.id)
    stored = await database.webhooks.get(created.id)
    assert stored is not None
    assert stored.secrets[0].secret.get_secret_value() == rotated.secret
    assert len(stored.secrets) == 2
    await webhooks.delete(caller, created.id)
    assert (await webhooks.list(caller, 10)).items == []
