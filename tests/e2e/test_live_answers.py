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


def load(page: Page, suite: Suite, html: str, ticket_id: str = "") -> None:
    """Loads a page at the suite's address, as Hosting would serve it."""
    page.goto(f"{suite.url}/robots.txt?ticket={ticket_id}")
    page.set_content(html)


@pytest.fixture
def page(browser: Browser) -> Page:
    """Returns an empty page, which loads the SDK from npm's package."""

    def serve_sdk(route: Route) -> None:
        file = ROOT / "node_modules" / "firebase" / route.request.url.rpartition("/")[2]
        route.fulfill(path=file, content_type="text/javascript", headers={"Access-Control-Allow-Origin": "*"})

    page = browser.new_page()
    page.route(f"{CDN}**", serve_sdk)
    return page


def test_a_page_that_is_reloaded_shows_exactly_the_answer(
    page: Page, firebase_suite: Suite, connect: Connect, model_server: ModelServer
) -> None:
    """The page shows the answer while it is written. Reloaded five times, it shows neither more nor less than the
    result. Another user sees nothing."""
    example = read_example(firebase_suite)
    load(page, firebase_suite, example.partition("  const id =")[0] + SIGN_IN + "</script>")
    expect(page).to_have_title(re.compile(r"\w+\.\w+\."), timeout=30_000)
    service = connect(firebase_suite.url, page.title())
    speak(model_server, "tell me", pause=0.08, text=TEXT)
    ticket_id = service.ticket("tell me")
    answer = page.locator("#answer")
    seen: list[str] = []
    for _ in range(5):
        load(page, firebase_suite, example, ticket_id)
        expect(answer).not_to_have_text("", timeout=30_000)
        seen.append(answer.text_content() or "")
    ticket = service.finished(ticket_id)
    assert ticket["result"]["content"] == TEXT
    expect(answer).to_have_text(TEXT, timeout=30_000)
    assert all(TEXT.startswith(text) for text in seen)
    assert len(seen[0]) < len(TEXT)
    load(page, firebase_suite, example, ticket_id)
    expect(answer).to_have_text(TEXT, timeout=30_000)
    assert answer.text_content() == TEXT
    other = connect(firebase_suite.url, sign_up(firebase_suite))
    assert other.client.get(f"/api/chat/{ticket_id}/events").status_code == 404
