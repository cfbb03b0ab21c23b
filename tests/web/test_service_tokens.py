"""Tokens of Google's services: signed by keys of ours, whose certificates a server of ours has."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.models.errors import Forbidden, ServiceError, TooEarly, Unauthenticated
from shared.web.service_tokens import AGAIN_AFTER_SECONDS, KEPT_SECONDS, Certificates, Expected, verify
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


def marked(token: str) -> str:
    return f"{token.rpartition('.')[0]}.{MARK}"


def refusal(token: str, known: Certificates, unsigned_is_good: bool = False) -> type[ServiceError] | None:
    try:
        verify(token, EXPECTED, unsigned_is_good, known)
    except ServiceError as error:
        return type(error)
    return None


def test_the_services_own_token_is_good(key: Key, known: Certificates) -> None:
    """By either name of the issuer, and with a clock that is a few seconds off."""
    assert refusal(key.token(ACCOUNT, AUDIENCE), known) is None
    assert refusal(key.token(ACCOUNT, AUDIENCE, iss="accounts.google.com"), known) is None
    assert refusal(key.token(ACCOUNT, AUDIENCE, iat=NOW + 5), known) is None


WRONG: list[tuple[dict[str, Any], type[ServiceError]]] = [
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


@pytest.mark.parametrize(("claims", "error"), WRONG)
@pytest.mark.parametrize("mark", [False, True])
def test_any_other_is_refused(
    key: Key, known: Certificates, claims: dict[str, Any], error: type[ServiceError], mark: bool
) -> None:
    """Whoever has a token of Google's for something else; also where the platform has checked the signature."""
    token = key.token(ACCOUNT, AUDIENCE, **claims)
    assert refusal(marked(token) if mark else token, known, unsigned_is_good=mark) is error


def test_what_google_did_not_sign_is_refused(key: Key, stranger: Key, known: Certificates) -> None:
    """A key of somebody's own, by the same name or another; no signature; nonsense."""
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
        assert refusal(token, known) is Unauthenticated, token[:80]


def test_a_signature_that_the_platform_took_off_counts_in_a_deployment_alone(key: Key, known: Certificates) -> None:
    """There it has been checked; everywhere else anybody can write the mark."""
    token = marked(key.token(ACCOUNT, AUDIENCE))
    assert refusal(token, known, unsigned_is_good=True) is None
    assert refusal(token, known, unsigned_is_good=False) is Unauthenticated
    assert refusal(f"{token.rpartition('.')[0]}.", known, unsigned_is_good=True) is Unauthenticated


def test_certificates_are_fetched_once(key: Key, google: GoogleCertificates, known: Certificates) -> None:
    """Not for each task; and made-up keys do not make us fetch."""
    for _ in range(5):
        assert refusal(key.token(ACCOUNT, AUDIENCE), known) is None
        assert refusal(Key("other").token(ACCOUNT, AUDIENCE), known) is Unauthenticated
    assert google.asked == 1


def test_a_new_key_is_found(key: Key, google: GoogleCertificates) -> None:
    """Google changes keys; the certificates are fetched anew at a token with an unknown one, but not all the time."""
    now = 1000.0
    known = Certificates(google.url, lambda: now)
    assert refusal(key.token(ACCOUNT, AUDIENCE), known) is None
    google.known = [newer := Key("key-3")]
    now += AGAIN_AFTER_SECONDS
    assert refusal(newer.token(ACCOUNT, AUDIENCE), known) is None
    now += KEPT_SECONDS
    google.known = [Key("key-4")]
    assert refusal(newer.token(ACCOUNT, AUDIENCE), known) is Unauthenticated
    assert google.asked == 3


def test_while_certificates_cannot_be_had_old_ones_serve(key: Key, google: GoogleCertificates) -> None:
    """Without any, the queue is to come again, and not to slow down."""
    now = 1000.0
    google.status = 500
    known = Certificates(google.url, lambda: now)
    assert refusal(key.token(ACCOUNT, AUDIENCE), known) is TooEarly
    google.status = 200
    assert refusal(key.token(ACCOUNT, AUDIENCE), known) is TooEarly
    now += AGAIN_AFTER_SECONDS
    assert refusal(key.token(ACCOUNT, AUDIENCE), known) is None
    google.status = 500
    now += KEPT_SECONDS
    assert refusal(key.token(ACCOUNT, AUDIENCE), known) is None
