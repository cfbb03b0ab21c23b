"""The prompts for a model that writes a demo."""

import json
from collections.abc import Sequence

from shared.models.deployment import Deployment, endpoint
from shared.models.wire import JsonObject
from shared.services.generation.shortening import shorten

_MAX_DESCRIPTION_CHARACTERS = 2_000
_MAX_SCHEMA_CHARACTERS = 8_000

DEMO_RULES = """\
You write a small web page that demonstrates published APIs. Answer with only one JSON object, no explanation, no \
Markdown:
{"html": "...", "css": "...", "js": "..."}

- html: the content of <body>. No <html>, <head>, <body>, <script> or <style>, and no handlers in attributes \
(onclick and the like do not run): use addEventListener in js.
- css: a complete style sheet. Style attributes also work.
- js: plain browser JavaScript, run once when the body is complete. No modules, no JSX, no import or export, no \
await outside of async functions, no eval.

The page runs in a sandbox:
- It can reach these APIs and nothing else: no other addresses, no libraries, fonts, images or styles from elsewhere. \
Draw images as inline SVG, or use data: addresses.
- It has no cookies, no localStorage, sessionStorage or indexedDB. Keep state in variables.
- Links and forms lead nowhere: listen for submit, and call preventDefault().

Calling an API: the constant API_BASE_URL is given. Use it, and do not declare it.
    const response = await fetch(`${API_BASE_URL}/rest/the_name`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ... }),
    });
The request body is a JSON object that fits the API's input schema. The response body is JSON that fits its output \
schema; if response.ok is false, it is {"detail": ...}, where the detail is a string or a list. Send no other headers. \
A response may take a minute: show that the page is waiting, disable controls that would send the request twice, and \
show errors. Put what an API returns into the page with textContent, not innerHTML."""


def write_request(user_prompt: str, deployments: Sequence[Deployment]) -> str:
    """Writes the user message: the task, and the APIs that the page may call."""
    docs = "\n\n".join(_describe(deployment) for deployment in deployments)
    return f"# What the page should do\n{user_prompt}\n\n# APIs\n{docs or 'None. The page calls no API.'}"


def write_fix_request(error: str) -> str:
    """Writes the user message for a model whose answer cannot be used."""
    return f"This answer cannot be used: {error}\nFix it. Answer with the whole JSON object and nothing else."


def _describe(deployment: Deployment) -> str:
    """Describes one API: its name, description, address and schemas."""
    return (
        f"## {deployment.friendly_name}\n{shorten(deployment.description, _MAX_DESCRIPTION_CHARACTERS)}\n"
        f"Call: POST ${{API_BASE_URL}}{endpoint(deployment.friendly_name)}\n"
        f"Input schema: {_show_schema(deployment.input_schema)}\n"
        f"Output schema: {_show_schema(deployment.output_schema)}"
    )


def _show_schema(schema: JsonObject | None) -> str:
    return shorten(json.dumps(schema, ensure_ascii=False), _MAX_SCHEMA_CHARACTERS) if schema else "any JSON object"
