"""Signatures and statuses, without a server."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from shared.models.webhook import SigningSecret
from shared.services.webhooks.sending import explain, sign


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of Standard Webhooks gets the signature that is published with it."""
    secret = SigningSecret(secret=SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    now = datetime.fromtimestamp(1614265330, UTC)
    header = sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", now, '{"test": 2432232314}')
    assert header == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign([secret, secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", now, '{"test": 2432232314}') == f"{header} {header}"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_is_a_success(status: int) -> None:
    """Whatever the receiver means by it."""
    assert explain(status) is None


@pytest.mark.parametrize("status", [101, 301, 304, 400, 404, 410, 429, 500, 599])
def test_every_other_status_is_a_failure(status: int) -> None:
    """The explanation has the status."""
    assert str(status) in (explain(status) or "")
