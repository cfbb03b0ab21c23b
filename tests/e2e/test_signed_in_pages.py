"""Pages of signed-in users, in Chromium: OpenAI's own client with an ID token, and a key that the page creates."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from local_platform.suite import Suite
from tests.doubles.model_server import Answer, ModelServer
from tests.e2e.test_authentication import sign_up

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
CDN = "https://cdn.example/"
ASK = """
async ({ token, baseURL }) => {
  const { default: OpenAI } = await import("https://cdn.example/openai/index.mjs");
  const client = new OpenAI({ apiKey: token, baseURL, dangerouslyAllowBrowser: true });
  const stream = await client.chat.completions.create({
    model: "openai/gpt-4.1-mini",
    messages: [{ role: "user", content: "from a page" }],
    stream: true,
  });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  const refusal = await client.models.retrieve("openai/nothing").catch((error) => [error.status, error.code]);
  return { text, refusal };
}
"""
CREATE_KEY = """
async ({ token }) => {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const response = await fetch("/api/users/me/keys", { method: "POST", headers, body: '{"name": "Page"}' });
  return await response.json();
}
"""


@pytest.fixture
def page(browser: Browser, firebase_suite: Suite) -> Page:
    """Returns a page at the suite's address, which loads OpenAI's client from npm's package."""

    def serve_client(route: Route) -> None:
        file = ROOT / "node_modules" / route.request.url.removeprefix(CDN)
        route.fulfill(path=file, content_type="text/javascript", headers={"Access-Control-Allow-Origin": "*"})

    page = browser.new_page()
    page.route(f"{CDN}**", serve_client)
    page.goto(f"{firebase_suite.url}/robots.txt")
    return page


def test_a_page_uses_openais_client(page: Page, firebase_suite: Suite, model_server: ModelServer) -> None:
    """With the ID token of its user as the key, and another origin as the base URL, the client streams an answer."""
    model_server.script("from a page", Answer("Hello, page."))
    arguments: dict[str, Any] = {
        "token": sign_up(firebase_suite),
        "baseURL": f"{firebase_suite.function_url('openai')}/v1",
    }
    answer = page.evaluate(ASK, arguments)
    assert answer == {"text": "Hello, page.", "refusal": [404, "model_not_found"]}


def test_a_page_creates_a_key(page: Page, firebase_suite: Suite, model_server: ModelServer) -> None:
    """A signed-in user creates a key, which then acts for the user, but manages no keys."""
    model_server.script("from a page", Answer("Hello, key."))
    key = page.evaluate(CREATE_KEY, {"token": sign_up(firebase_suite)})["key"]
    arguments = {"token": key, "baseURL": f"{firebase_suite.url}/v1"}
    assert page.evaluate(ASK, arguments)["text"] == "Hello, key."
    assert "API key" in page.evaluate(CREATE_KEY, {"token": key})["detail"]
