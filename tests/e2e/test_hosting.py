"""Tests the headers that Hosting adds to files and to the functions' responses."""

import pytest

from local_platform.suite import Suite
from tests.e2e.conftest import Connect

pytestmark = pytest.mark.e2e


def test_responses_have_hostings_headers(local_suite: Suite, connect: Connect) -> None:
    """The functions' responses and files have security headers. A demo's page sends no referrer."""
    client = connect(local_suite.url).client
    health, file, demo = (client.get(path) for path in ("/health", "/robots.txt", "/api/demos/none"))
    for response in (health, file, demo):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert response.headers["Strict-Transport-Security"].startswith("max-age=")
    assert (health.headers["Cache-Control"], file.headers["Cache-Control"]) == ("no-store", "public, max-age=3600")
    assert demo.headers["Referrer-Policy"] == "no-referrer"


def test_a_name_can_begin_with_a_dot(local_suite: Suite, connect: Connect) -> None:
    """A path with a name that begins with a dot reaches its function. An unknown one gets the service's 404 with the
    headers, and not Hosting's page."""
    client = connect(local_suite.url).client
    config = {"provider": "openai", "model": "gpt-4.1-mini"}
    assert client.post("/api/sessions/.mine/config", json=config).status_code == 200
    assert client.get("/sessions/.mine/config").json()["provider"] == "openai"
    unknown = client.get("/.env")
    assert (unknown.status_code, list(unknown.json())) == (404, ["detail"])
    assert unknown.headers["X-Content-Type-Options"] == "nosniff"
