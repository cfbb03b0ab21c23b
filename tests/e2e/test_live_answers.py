"""The page of the guide to live answers, in Chromium, with the Firebase SDK, against the whole suite."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from local_platform.suite import Suite
from tests.clients.speaking import speak
from tests.doubles.model_server import ModelServer
from tests.e2e.conftest import Connect
from tests.e2e.test_authentication import sign_up

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
CDN = "https://www.gstatic.com/firebasejs/"
TEXT = "Es war einmal 👩‍🚀 in 東京: " + "".join(f"Satz {number}. " for number in range(50))
SIGN_IN = """
  const { createUserWithEmailAndPassword } = await import(
    "https://www.gstatic.com/firebasejs/12.19.0/firebase-auth.js");
  const email = `${crypto.randomUUID()}@example.com`;
  const credential = await createUserWithEmailAndPassword(getAuth(app), email, "a-password");
  document.title = await credential.user.getIdToken();
"""


def read_example(suite: Suite) -> str:
    """Returns the guide's page, with the suite's ports."""
    (page,) = re.findall(r"```html\n(.*?)```", (ROOT / "docs/guides/live-answers.md").read_text(), re.DOTALL)
    page = page.replace(":9099", f":{suite.ports.auth}")
    page = page.replace('"127.0.0.1", 8080', f'"127.0.0.1", {suite.ports.firestore}')
    return f'<!doctype html><meta charset="utf-8">{page}'


def serve(page: Page, suite: Suite) -> None:
    """Serves the guide's page below the suite's address, a page that signs in, and the SDK from npm's package."""
    example = read_example(suite)
    sign_in = example.partition("  const id =")[0] + SIGN_IN + "</script>"

    def serve_sdk(route: Route) -> None:
        file = ROOT / "node_modules" / "firebase" / route.request.url.rpartition("/")[2]
        route.fulfill(path=file, content_type="text/javascript")

    def serve_html(route: Route) -> None:
        route.fulfill(body=sign_in if "sign-in" in route.request.url else example, content_type="text/html")

    page.route(f"{CDN}**", serve_sdk)
    page.route("**/*.html*", serve_html)


@pytest.fixture
def page(browser: Browser, firebase_suite: Suite) -> Page:
    page = browser.new_page()
    serve(page, firebase_suite)
    return page


def test_a_page_that_is_reloaded_shows_exactly_the_answer(
    page: Page, firebase_suite: Suite, connect: Connect, model_server: ModelServer
) -> None:
    """The page shows the answer while it is written. Reloaded five times, it shows neither more nor less than the
    result. Another user sees nothing."""
    page.goto(f"{firebase_suite.url}/sign-in.html")
    expect(page).to_have_title(re.compile(r"\w+\.\w+\."), timeout=30_000)
    service = connect(firebase_suite.url, page.title())
    speak(model_server, "tell me", pause=0.08, text=TEXT)
    ticket_id = service.ticket("tell me")
    address = f"{firebase_suite.url}/live.html?ticket={ticket_id}"
    page.goto(address)
    answer = page.locator("#answer")
    seen: list[str] = []
    for _ in range(5):
        expect(answer).not_to_have_text("", timeout=30_000)
        seen.append(answer.text_content() or "")
        page.reload()
    ticket = service.finished(ticket_id)
    assert ticket["result"]["content"] == TEXT
    expect(answer).to_have_text(TEXT, timeout=30_000)
    assert all(TEXT.startswith(text) for text in seen)
    assert len(seen[0]) < len(TEXT)
    page.reload()
    expect(answer).to_have_text(TEXT, timeout=30_000)
    other = connect(firebase_suite.url, sign_up(firebase_suite))
    assert other.client.get(f"/api/chat/{ticket_id}/events").status_code == 404
