"""Tests how the API's base URL for a demo's page is determined."""

import pytest

from shared.web.api_base import find_api_base


@pytest.mark.parametrize(
    ("scheme", "host", "forwarded", "base"),
    [
        ("https", "internal", "app.web.app", "https://app.web.app/api"),
        ("http", "127.0.0.1:5001", "127.0.0.1:8000", "http://127.0.0.1:8000/api"),
        ("http", "127.0.0.1:8000", None, "http://127.0.0.1:8000"),
        ("http", "localhost", "", "http://localhost"),
        ("http", "[::1]:8000", None, "http://[::1]:8000"),
        ("https", "demos-abc123-uc.a.run.app", None, "https://deployments-abc123-uc.a.run.app"),
        ("https", "us-central1-p.cloudfunctions.net", None, "https://us-central1-p.cloudfunctions.net/deployments"),
    ],
)
def test_the_api_is_found(scheme: str, host: str, forwarded: str | None, base: str) -> None:
    """The base URL ends in `/api` behind Hosting, is another function's address, or otherwise is the root."""
    assert find_api_base(scheme, host, forwarded, "demos") == base


@pytest.mark.parametrize(
    ("scheme", "host", "forwarded"),
    [
        ("javascript", "a.example", None),
        ("https", "", None),
        ("https", "a.example/x", None),
        ("https", "a.example;script-src *", None),
        ("https", "a.example", 'b"</script>'),
        ("https", "a.example", "user@b.example"),
        ("https", "a.example", "b.example:port"),
        ("https", "a.example\n", None),
        ("https", "é.example", None),
    ],
)
def test_an_invalid_host_is_refused(scheme: str, host: str, forwarded: str | None) -> None:
    """Headers with anything but a valid scheme, host name and port are refused, because they would appear in the
    page."""
    assert find_api_base(scheme, host, forwarded, "demos") is None


def test_a_scheme_is_accepted_in_any_case() -> None:
    """The scheme is case-insensitive, because proxies write it in different cases."""
    assert find_api_base("HTTPS", "x", "a.example", "demos") == "https://a.example/api"
