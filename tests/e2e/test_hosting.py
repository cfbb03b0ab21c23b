"""The headers that Hosting adds to the answers of functions and to files."""

import pytest

from local_platform.suite import Suite
from tests.e2e.conftest import Connect

pytestmark = pytest.mark.e2e


def test_answers_come_with_hostings_headers(local_suite: Suite, connect: Connect) -> None:
    """On a function's answer and on a file; a demo's page sends no referrer."""
    client = connect(local_suite.url).client
    health, file, demo = (client.get(path) for path in ("/health", "/robots.txt", "/api/demos/none"))
    for answer in (health, file, demo):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert (health.headers["Cache-Control"], file.headers["Cache-Control"]) == ("no-store", "public, max-age=3600")
    assert demo.headers["Referrer-Policy"] == "no-referrer"


def test_a_name_may_begin_with_a_dot(local_suite: Suite, connect: Connect) -> None:
    """It reaches its function; an unknown path gets our 404 with those headers, not Hosting's page."""
    client = connect(local_suite.url).client
    config = {"provider": "openai", "model": "gpt-4.1-mini"}
    assert client.post("/api/sessions/.mine/config", json=config).status_code == 200
    assert client.get("/sessions/.mine/config").json()["provider"] == "openai"
    nothing = client.get("/.env")
    assert (nothing.status_code, list(nothing.json())) == (404, ["detail"])
    assert nothing.headers["X-Content-Type-Options"] == "nosniff"
