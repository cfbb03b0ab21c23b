"""Tests of the tokens of Google's services. The tests sign them with their own keys, and serve the certificates."""

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
MARK = "SIGNATURE_REMOVED_BY_GOOGLE"


@pytest.fixture(scope="module")
def key() -> Key:
    return Key("key-1")


@pytest.fixture(scope="module")
def stranger() -> Key:
    return Key("key-1")


@pytest.fixture
def google(key: Key) -> Iterator[GoogleCertificates]:
    server = GoogleCertificates(key)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def known(google: GoogleCertificates) -> Certificates:
    return Certificates(google.url)


def replace_signature(token: str) -> str:
    return f"{token.rpartition('.')[0]}.{MARK}"


def get_error(token: str, known: Certificates, allow_unsigned: bool = False) -> type[ServiceError] | None:
    try:
        verify(token, EXPECTED, allow_unsigned, known)
    except ServiceError as error:
        return type(error)
    return None


def test_the_services_own_token_is_valid(key: Key, known: Certificates) -> None:
    """Both names of the issuer are accepted, and a clock may be off by a few seconds."""
    assert get_error(key.token(ACCOUNT, AUDIENCE), known) is None
    assert get_error(key.token(ACCOUNT, AUDIENCE, iss="accounts.google.com"), known) is None
    assert get_error(key.token(ACCOUNT, AUDIENCE, iat=NOW + 5), known) is None


INVALID_CLAIMS: list[tuple[dict[str, Any], type[ServiceError]]] = [
    ({"aud": "https://elsewhere.example"}, Forbidden),
    ({"aud": [AUDIENCE]}, Forbidden),
    ({"email": "somebody@p.iam.gserviceaccount.com"}, Forbidden),
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
@pytest.mark.parametrize("mark", [False, True])
def test_any_other_token_is_refused(
    key: Key, known: Certificates, claims: dict[str, Any], error: type[ServiceError], mark: bool
) -> None:
    """A Google token for another purpose is refused, even if the platform has checked its signature."""
    token = key.token(ACCOUNT, AUDIENCE, **claims)
    assert get_error(replace_signature(token) if mark else token, known, allow_unsigned=mark) is error


def test_tokens_that_google_did_not_sign_are_refused(key: Key, stranger: Key, known: Certificates) -> None:
    """Tokens with a forged key, with no signature, or that are malformed are refused."""
    good = key.token(ACCOUNT, AUDIENCE)
    head, _, _ = good.rpartition(".")
    for token in (
        stranger.token(ACCOUNT, AUDIENCE),
        Key("key-2").token(ACCOUNT, AUDIENCE),
        f"{head}.",
        f"{head}.c2ln",
        good[:-2] + ("AA" if not good.endswith("AA") else "BB"),
        f"{tokens.part({'alg': 'none'})}.{good.split('.')[1]}.",
        f"{tokens.part({'alg': 'HS256', 'kid': ['key-1']})}.{good.split('.')[1]}.c2ln",
        f"{tokens.part([])}.{tokens.part([])}.{MARK}",
        MARK,
        "nonsense",
        "ü.ü.ü",
        "." * 10_000,
    ):
        assert get_error(token, known) is Unauthenticated, token[:80]


def test_a_removed_signature_is_accepted_only_in_a_deployment(key: Key, known: Certificates) -> None:
    """In a deployment, the platform has checked the signature; anywhere else, anyone can write the mark."""
    token = replace_signature(key.token(ACCOUNT, AUDIENCE))
    assert get_error(token, known, allow_unsigned=True) is None
    assert get_error(token, known, allow_unsigned=False) is Unauthenticated
    assert get_error(f"{token.rpartition('.')[0]}.", known, allow_unsigned=True) is Unauthenticated


def test_certificates_are_fetched_once(key: Key, google: GoogleCertificates, known: Certificates) -> None:
    """Certificates are not fetched for each task, nor for invented keys."""
    for _ in range(5):
        assert get_error(key.token(ACCOUNT, AUDIENCE), known) is None
        assert get_error(Key("other").token(ACCOUNT, AUDIENCE), known) is Unauthenticated
    assert google.request_count == 1


def test_a_new_key_is_found(key: Key, google: GoogleCertificates) -> None:
    """Google changes its keys, so a token with an unknown key causes a new fetch, but not too often."""
    now = 1000.0
    known = Certificates(google.url, lambda: now)
    assert get_error(key.token(ACCOUNT, AUDIENCE), known) is None
    google.keys = [newer := Key("key-3")]
    now += MIN_FETCH_INTERVAL_SECONDS
    assert get_error(newer.token(ACCOUNT, AUDIENCE), known) is None
    now += CACHE_SECONDS
    google.keys = [Key("key-4")]
    assert get_error(newer.token(ACCOUNT, AUDIENCE), known) is Unauthenticated
    assert google.request_count == 3


def test_old_certificates_are_used_while_none_can_be_fetched(key: Key, google: GoogleCertificates) -> None:
    """Without any certificates, the queue has to retry, but does not have to slow down."""
    now = 1000.0
    google.status = 500
    known = Certificates(google.url, lambda: now)
    assert get_error(key.token(ACCOUNT, AUDIENCE), known) is TooEarly
    google.status = 200
    assert get_error(key.token(ACCOUNT, AUDIENCE), known) is TooEarly
    now += MIN_FETCH_INTERVAL_SECONDS
    assert get_error(key.token(ACCOUNT, AUDIENCE), known) is None
    google.status = 500
    now += CACHE_SECONDS
    assert get_error(key.token(ACCOUNT, AUDIENCE), known) is None
