"""Tests the API page, which Hosting serves, in a browser."""

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect

from local_platform.suite import Suite
from tests.contract.answer_check import stored_document
from tests.e2e.conftest import Connect

pytestmark = pytest.mark.e2e


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", ["/docs", "/api/docs", "/api/docs/"])
def test_the_page_shows_every_operation_and_can_send_requests(local_suite: Suite, browser: Browser, path: str) -> None:
    """The page shows every operation, and sends requests to its own address. It uses only its own files."""
    tab = browser.new_page()
    tab.set_default_timeout(60_000)
    problems: list[str] = []

    def collect(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            problems.append(message.text)

    tab.on("console", collect)
    tab.on("pageerror", lambda error: problems.append(str(error)))
    requested_urls: list[str] = []
    tab.on("request", lambda request: requested_urls.append(request.url))
    tab.goto(f"{local_suite.url}{path}")
    expect(tab.locator(".opblock")).to_have_count(sum(map(len, stored_document()["paths"].values())), timeout=60_000)
    health = tab.locator("#operations-meta-meta_health")
    health.locator("button.opblock-summary-control").click()
    health.locator(".try-out__btn").click()
    health.locator(".execute").click()
    expect(health.locator(".live-responses-table .response-col_status").last).to_contain_text("200", timeout=60_000)
    expect(health.locator(".request-url pre")).to_have_text(f"{local_suite.url}{path.rstrip('/')[:-5]}/health")
    assert not problems
    assert not [url for url in requested_urls if not url.startswith((local_suite.url, "data:"))]
    tab.close()


def test_hosting_serves_the_document(local_suite: Suite, connect: Connect) -> None:
    """Every address serves the same document, which can be cached for five minutes and revalidated with its ETag."""
    client = connect(local_suite.url).client
    for path in ("/openapi.json", "/api/openapi.json"):
        response = client.get(path)
        assert response.json() == stored_document()
        assert response.headers["cache-control"] == "public, max-age=300"
        assert client.head(path).status_code == 200
        headers = {"If-None-Match": response.headers["etag"]}
        assert client.get(path, headers=headers).status_code == 304
    meta = connect(local_suite.function_url("meta")).client
    assert meta.get("/openapi.json").json() == stored_document()
