"""Tests the tokens of Google's services. The tests sign them with their own keys, and serve the certificates."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.models.errors import Forbidden, ServiceError, TooEarly, Unauthenticated
from shared.web.service_tokens import CACHE_SECONDS, MIN_FETCH_INTERVAL_SECONDS, Certificates, Expected, verify
from tests import tokens
from tests.doubles.google_certificates import GoogleCertificates, Key

ACCOUNT, AUDIENCE = "task-invoker@p.iam.gserviceaccount.com", "https://us-central1-p.cloudfunctions.net/worker"
EXPECTED = Expected(ACCOUNT, AUDIENCE)
NOW = int(tokens.time.time())
REMOVED_SIGNATURE = "SIGNATURE_REMOVED_BY_GOOGLE"


@pytest.fixture(scope="module")
def key() -> Key:
    return Key("key-1")


@pytest.fixture(scope="module")
def unknown_key() -> Key:
    return Key("key-1")


@pytest.fixture
def google(key: Key) -> Iterator[GoogleCertificates]:
    server = GoogleCertificates(key)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def certificates(google: GoogleCertificates) -> Certificates:
    return Certificates(google.url)


def replace_signature(token: str) -> str:
    return f"{token.rpartition('.')[0]}.{REMOVED_SIGNATURE}"


def get_error(token: str, certificates: Certificates, allow_unsigned: bool = False) -> type[ServiceError] | None:
    try:
        verify(token, EXPECTED, allow_unsigned, certificates)
    except ServiceError as error:
        return type(error)
    return None


def test_the_services_own_token_is_valid(key: Key, certificates: Certificates) -> None:
    """A token of the service's account is valid with both names of the issuer, and if clocks differ by a few
    seconds."""
    assert get_error(key.token(ACCOUNT, AUDIENCE), certificates) is None
    assert get_error(key.token(ACCOUNT, AUDIENCE, iss="accounts.google.com"), certificates) is None
    assert get_error(key.token(ACCOUNT, AUDIENCE, iat=NOW + 5), certificates) is None


INVALID_CLAIMS: list[tuple[dict[str, Any], type[ServiceError]]] = [
    ({"aud": "https://elsewhere.example"}, Forbidden),
    ({"aud": [AUDIENCE]}, Forbidden),
    ({"email": "someone@p.iam.gserviceaccount.com"}, Forbidden),
    ({"email": None}, Forbidden),
    ({"email_verified": False}, Forbidden),
    ({"email_verified": "true"}, Forbidden),
    ({"iss": "https://evil.example"}, Unauthenticated),
    ({"iss": "https://securetoken.google.com/p"}, Unauthenticated),
    ({"iss": {}}, Unauthenticated),
    ({"exp": NOW - 60}, Unauthenticated),
    ({"exp": str(NOW + 36_000)}, Unauthenticated),
    ({"iat": NOW + 36_000, "exp": NOW + 39_600}, Unauthenticated),
]


@pytest.mark.parametrize(("claims", "error"), INVALID_CLAIMS)
@pytest.mark.parametrize("is_signature_removed", [False, True])
def test_any_other_token_is_refused(
    key: Key, certificates: Certificates, claims: dict[str, Any], error: type[ServiceError], is_signature_removed: bool
) -> None:
    """A Google token for another account or audience is refused, even if the platform has checked its signature."""
    token = key.token(ACCOUNT, AUDIENCE, **claims)
    assert (
        get_error(
            replace_signature(token) if is_signature_removed else token,
            certificates,
            allow_unsigned=is_signature_removed,
        )
        is error
    )


def test_tokens_that_google_did_not_sign_are_refused(key: Key, unknown_key: Key, certificates: Certificates) -> None:
    """Tokens that are signed with an unknown key, unsigned, or malformed are refused."""
    valid_token = key.token(ACCOUNT, AUDIENCE)
    head, _, _ = valid_token.rpartition(".")
    for token in (
        unknown_key.token(ACCOUNT, AUDIENCE),
        Key("key-2").token(ACCOUNT, AUDIENCE),
        f"{head}.",
        f"{head}.c2ln",
        valid_token[:-2] + ("AA" if not valid_token.endswith("AA") else "BB"),
        f"{tokens.part({'alg': 'none'})}.{valid_token.split('.')[1]}.",
        f"{tokens.part({'alg': 'HS256', 'kid': ['key-1']})}.{valid_token.split('.')[1]}.c2ln",
        f"{tokens.part([])}.{tokens.part([])}.{REMOVED_SIGNATURE}",
        REMOVED_SIGNATURE,
        "nonsense",
        "ü.ü.ü",
        "." * 10_000,
    ):
        assert get_error(token, certificates) is Unauthenticated, token[:80]


def test_a_removed_signature_is_accepted_only_in_a_deployment(key: Key, certificates: Certificates) -> None:
    """In a deployment, the platform checks the signature and removes it. Elsewhere, anyone could send such a token."""
    token = replace_signature(key.token(ACCOUNT, AUDIENCE))
    assert get_error(token, certificates, allow_unsigned=True) is None
    assert get_error(token, certificates, allow_unsigned=False) is Unauthenticated
    assert get_error(f"{token.rpartition('.')[0]}.", certificates, allow_unsigned=True) is Unauthenticated


def test_certificates_are_fetched_once(key: Key, google: GoogleCertificates, certificates: Certificates) -> None:
    """Certificates are fetched once, and not again for each task or for unknown keys."""
    for _ in range(5):
        assert get_error(key.token(ACCOUNT, AUDIENCE), certificates) is None
        assert get_error(Key("other").token(ACCOUNT, AUDIENCE), certificates) is Unauthenticated
    assert google.request_count == 1


def test_a_new_key_is_found(key: Key, google: GoogleCertificates) -> None:
    """Because Google changes its keys, a token with an unknown key causes the certificates to be fetched again, but not
    too often."""
    now = 1000.0
    certificates = Certificates(google.url, lambda: now)
    assert get_error(key.token(ACCOUNT, AUDIENCE), certificates) is None
    google.keys = [newer := Key("key-3")]
    now += MIN_FETCH_INTERVAL_SECONDS
    assert get_error(newer.token(ACCOUNT, AUDIENCE), certificates) is None
    now += CACHE_SECONDS
    google.keys = [Key("key-4")]
    assert get_error(newer.token(ACCOUNT, AUDIENCE), certificates) is Unauthenticated
    assert google.request_count == 3


def test_old_certificates_are_used_if_none_can_be_fetched(key: Key, google: GoogleCertificates) -> None:
    """If certificates cannot be fetched, old ones are used. Without any, the queue is told to retry, but not to slow
    down."""
    now = 1000.0
    google.status = 500
    certificates = Certificates(google.url, lambda: now)
    assert get_error(key.token(ACCOUNT, AUDIENCE), certificates) is TooEarly
    google.status = 200
    assert get_error(key.token(ACCOUNT, AUDIENCE), certificates) is TooEarly
    now += MIN_FETCH_INTERVAL_SECONDS
    assert get_error(key.token(ACCOUNT, AUDIENCE), certificates) is None
    google.status = 500
    now += CACHE_SECONDS
    assert get_error(key.token(ACCOUNT, AUDIENCE), certificates) is None
