"""Tests the life of a demo in the whole suite, from its generation to its deletion."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from local_platform.layout import LAYOUT
from local_platform.suite import Suite
from tests.doubles.model_server import Answer, ModelServer
from tests.e2e.conftest import Connect
from tests.e2e.test_authentication import sign_up

pytestmark = pytest.mark.e2e

MODEL = {"provider": "openai", "model": "gpt-4.1-mini"}
SHOUT = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText'].upper()}"
HTML = """\
<main>
  <h1>Shout</h1>
  <form id="form"><input id="text" value="hello, &lt;/script&gt;"><button>Shout it</button></form>
  <p id="answer">…</p>
  <pre id="attempts"></pre>
</main>
<!-- never closed </body></html> <textarea>"""
CSS = "body { font: 1.2rem sans-serif; margin: 2rem; } #answer { color: rgb(0, 100, 0); } /* </style> */"
JS = """\
const answer = document.getElementById("answer");
document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const response = await fetch(`${API_BASE_URL}/rest/shout`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ inputText: document.getElementById("text").value }),
  });
  answer.textContent = (await response.json()).outputText;
});
"""
ATTEMPTS = """\
document.addEventListener("DOMContentLoaded", async () => {
  const attempts = {
    origin: () => self.origin,
    cookie: () => document.cookie,
    storage: () => window["local" + "Storage"].length,
    session: () => window["session" + "Storage"].length,
    database: () => window["indexed" + "DB"].open("x"),
    api: () => fetch(`${API_BASE_URL}/demos`),
    elsewhere: () => fetch("https://example.com/"),
    eval: () => window["ev" + "al"]("1"),
    nonce: () => document.scripts[0].nonce,
    script: () => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      return window.ran;
    },
  };
  const outcomes = {};
  for (const [name, act] of Object.entries(attempts)) {
    try {
      outcomes[name] = String(await act());
    } catch (error) {
      outcomes[name] = error.name;
    }
  }
  document.getElementById("attempts").textContent = JSON.stringify(outcomes);
});
"""


@pytest.mark.timeout(300)
def test_a_demos_whole_life(
    firebase_suite: Suite, connect: Connect, model_server: ModelServer, browser: Browser
) -> None:
    """A demo is generated, saved, shared, and opened in a browser without a token. There, it can only call its
    agent."""
    mine = connect(firebase_suite.url, sign_up(firebase_suite)).client
    anonymous = connect(firebase_suite.url).client

    agent = {"name": "Shout", "code": SHOUT, "friendlyName": "shout", "inputSchema": {"inputText": "string"}}
    agent_id = mine.post("/api/agents", json=agent).json()["_id"]
    assert mine.post(f"/api/agents/{agent_id}/deploy").status_code == 201
    apis = [api for api in mine.get("/api/deployments").json() if api["friendlyName"] == "shout"]

    body: dict[str, Any] = {"userPrompt": "A page that shouts.", "selectedApis": apis, "modelConfig": MODEL}
    assert mine.post("/api/demos/generate-code", json=body).status_code == 502
    prompt = next(call.body["messages"][1]["content"] for call in model_server.calls if len(call.body["messages"]) == 2)
    invalid_page = json.dumps({"html": HTML, "css": CSS, "js": JS.replace("/rest/shout", "/rest/whisper") + ATTEMPTS})
    code = {"html": HTML, "css": CSS, "js": JS + ATTEMPTS}
    model_server.script(prompt, Answer(invalid_page))
    correction = (
        "This answer cannot be used: js, line 4: /rest/whisper is not among the selected APIs. They are: shout.\n"
    )
    correction += "Fix it. Answer with the whole JSON object and nothing else."
    model_server.script(correction, Answer(f"Fixed:\n```json\n{json.dumps(code, indent=2)}\n```"))
    written = mine.post("/api/demos/generate-code", json=body)
    assert written.status_code == 200, written.text
    assert written.json() == {**code, "thoughts": None}

    demo = {**body, "name": "Shout </title>", "generatedCode": code}
    saved = mine.post("/api/demos", json=demo)
    assert saved.status_code == 201
    path = f"/api/demos/{saved.json()['_id']}"
    assert mine.get(f"{path}/page").status_code == 200
    assert anonymous.get(f"{path}/page").status_code == 404
    assert mine.put(path, json={**saved.json(), "visibility": "shared"}).status_code == 200
    assert anonymous.get(path).status_code == 401

    context = browser.new_context()
    context.add_cookies([{"name": "secret", "value": "x", "url": firebase_suite.url}])
    tab = context.new_page()
    tab.set_default_timeout(30_000)
    opened = tab.goto(f"{firebase_suite.url}{path}/page")
    assert opened
    assert opened.status == 200
    assert tab.title() == "Shout </title>"
    tab.click("button")
    expect(tab.locator("#answer")).to_have_text("HELLO, </SCRIPT>", timeout=30_000)
    assert tab.evaluate("getComputedStyle(document.getElementById('answer')).color") == "rgb(0, 100, 0)"
    tab.locator("#attempts", has_text="{").wait_for()
    assert json.loads(tab.text_content("#attempts") or "") == {
        "origin": "null",
        "cookie": "SecurityError",
        "storage": "SecurityError",
        "session": "SecurityError",
        "database": "SecurityError",
        "api": "TypeError",
        "elsewhere": "TypeError",
        "eval": "EvalError",
        "nonce": "",
        "script": "undefined",
    }
    artifacts = LAYOUT.local / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=artifacts / "demo.png")
    context.close()

    assert mine.delete(path).status_code == 204
    assert anonymous.get(f"{path}/page").status_code == 404
    usage = mine.get("/api/users/me").json()["usageInfo"]["usage"]
    assert [entry["metadata"]["purpose"] for entry in usage] == ["generate-demo"] * 4
