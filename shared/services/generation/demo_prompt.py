"""What the model is told when it writes a demo, and how its answer is read."""

import json
import re
from collections.abc import Sequence
from typing import Any, cast

from shared.json_words import what_is_wrong
from shared.models.demo import DemoCode
from shared.models.deployment import Deployment, endpoint
from shared.models.wire import JsonObject

_OBJECT = re.compile(r"\{\s*\"")
_MOST_OBJECTS = 20
_PARTS = ("html", "css", "js")
_DESCRIPTION_CHARACTERS = 2_000
_SCHEMA_CHARACTERS = 8_000

DEMO_RULES = """\
You write a small web page that demonstrates published APIs. Answer with one JSON object alone, no explanation, no \
Markdown:
{"html": "...", "css": "...", "js": "..."}

- html: what stands inside of <body>. No <html>, <head>, <body>, <script> or <style>, and no handlers in attributes \
(onclick and the like do not run): use addEventListener in js.
- css: a whole style sheet. Style attributes work, too.
- js: plain JavaScript of browsers, run once when the body is complete. No modules, no JSX, no import or export, no \
await outside of async functions, no eval.

The page stands in a sandbox:
- It reaches these APIs and nothing else: no other addresses, no libraries, fonts, images or styles from elsewhere. \
Draw images as inline SVG, or as data: addresses.
- It has no cookies, no localStorage, sessionStorage or indexedDB. Keep state in variables.
- Links and forms lead nowhere: listen for submit, and call preventDefault().

Calling an API: the constant API_BASE_URL is given. Use it, and do not declare it.
    const response = await fetch(`${API_BASE_URL}/rest/the_name`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ... }),
    });
The body is a JSON object by the API's input schema. The answer is JSON by its output schema; where response.ok is \
false it is {"detail": ...}, a text or a list. No other headers. An answer may take a minute: show that it is awaited, \
disable what would ask twice, and show errors. Put what an API answers into the page by textContent, not innerHTML."""


class BadAnswer(Exception):
    """An answer that holds no demo; `args[0]` is a sentence for the model."""


def request_text(user_prompt: str, deployments: Sequence[Deployment]) -> str:
    """The user message: what is wanted, and the APIs there are for it."""
    docs = "\n\n".join(_docs(deployment) for deployment in deployments)
    return f"# What the page shall do\n{user_prompt}\n\n# APIs\n{docs or 'None: the page works by itself.'}"


def mend_text(error: str) -> str:
    """The user message after an answer that cannot be used."""
    return f"This answer cannot be used: {error}\nAnswer with the whole JSON object, mended, and nothing else."


_MOST_CHARACTERS = 300_000


def read_answer(answer: str) -> DemoCode:
    """The demo in an answer, fenced or bare, with prose around it or not. Raises `BadAnswer`.

    Line breaks within its strings are taken, too, as models write them.
    """
    decoder = json.JSONDecoder(strict=False)
    error = "It holds no JSON object."
    for number, start in enumerate(_OBJECT.finditer(answer)):
        if number == _MOST_OBJECTS:
            break
        try:
            found: Any = decoder.raw_decode(answer, start.start())[0]
        except json.JSONDecodeError as failure:
            if not number:
                error = f"It is no JSON: {what_is_wrong(failure)}."
        except RecursionError:
            error = "It is no JSON: it is nested too deep."
        except ValueError:
            error = "It is no JSON: a number has thousands of digits."
        else:
            if any(part in found for part in _PARTS):
                return _code(found)
    raise BadAnswer(error)


def _code(found: dict[str, Any]) -> DemoCode:
    if missing := [part for part in _PARTS if not isinstance(found.get(part), str)]:
        raise BadAnswer(f"The JSON object lacks {', '.join(missing)}: each of html, css and js has to be a string.")
    parts = cast("dict[str, str]", {part: found[part] for part in _PARTS})
    if not parts["html"].strip() and not parts["js"].strip():
        raise BadAnswer("html and js are empty: the page would show nothing.")
    if (size := sum(len(part) for part in parts.values())) > _MOST_CHARACTERS:
        raise BadAnswer(f"html, css and js have {size} characters together; at most {_MOST_CHARACTERS} can be kept.")
    try:
        "".join(parts.values()).encode()
    except UnicodeEncodeError:
        raise BadAnswer("Its text holds half of a surrogate pair, which is no character.") from None
    return DemoCode(**parts)


def _docs(deployment: Deployment) -> str:
    return (
        f"## {deployment.friendly_name}\n{_short(deployment.description, _DESCRIPTION_CHARACTERS)}\n"
        f"Call: POST ${{API_BASE_URL}}{endpoint(deployment.friendly_name)}\n"
        f"Input schema: {_schema(deployment.input_schema)}\n"
        f"Output schema: {_schema(deployment.output_schema)}"
    )


def _schema(schema: JsonObject | None) -> str:
    return _short(json.dumps(schema, ensure_ascii=False), _SCHEMA_CHARACTERS) if schema else "any JSON object"


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
