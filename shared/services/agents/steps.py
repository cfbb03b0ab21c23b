"""Describes the calls of a run as steps, for the run's owner. Secrets in arguments are left out."""

import json
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import JsonValue

from shared.models.agent_run import StepKind
from shared.redaction import redact
from shared.sandbox.messages import InvalidMessage, TooManyValues, parse_arguments
from shared.sandbox.recorder import Answer

_KINDS = {
    "call_model": StepKind.MODEL,
    "http": StepKind.HTTP,
    "call_tool": StepKind.TOOL,
    "list_tools": StepKind.TOOL,
    "call_agent": StepKind.AGENT,
    "ask": StepKind.ASK,
}
_MAX_NAME = 200
_MAX_PREVIEW = 300
_MAX_SHOWN = 1000
_SECRET = ("headers", "token")


def kind_of(function: str) -> StepKind:
    """Returns the kind of step that a call of this host function is."""
    return _KINDS[function]


def name_call(function: str, arguments: str) -> str:
    """Returns the model, the request, the tool, the agent or the question that a call is about."""
    given = _parse(arguments)
    match function:
        case "call_model":
            name = "/".join(str(part) for part in (given.get("provider"), given.get("model")) if part) or "model"
        case "http":
            name = f"{given.get('method')} {_strip_url(given.get('url'))}"
        case "call_tool":
            name = f"{given.get('tool')} of {_strip_url(given.get('url'))}"
        case "list_tools":
            name = f"tools of {_strip_url(given.get('url'))}"
        case "call_agent":
            name = str(given.get("name"))
        case _:
            name = str(given.get("question"))
    return redact(name)[:_MAX_NAME]


def show_arguments(arguments: str) -> str:
    """Returns the arguments as JSON, shortened, without headers and tokens."""
    given = {name: value for name, value in _parse(arguments).items() if name not in _SECRET and value is not None}
    text = json.dumps(given, ensure_ascii=False)
    return redact(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…").encode("utf-8", "replace").decode()


def preview(function: str, answer: Answer) -> str:
    """Returns the beginning of what a call returned."""
    if "value" not in answer:
        return ""
    value: JsonValue = answer["value"]
    if function == "call_model" and isinstance(value, dict):
        text = str(value.get("content"))
    elif function == "http" and isinstance(value, dict):
        text = f"{value.get('status_code')} {value.get('reason')}"
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return redact(text[: 2 * _MAX_PREVIEW])[:_MAX_PREVIEW].encode("utf-8", "replace").decode()


def _parse(arguments: str) -> dict[str, Any]:
    try:
        return cast("dict[str, Any]", parse_arguments(arguments))
    except (InvalidMessage, TooManyValues):
        return {}


def _strip_url(url: Any) -> str:
    """Returns the URL without the user, the query and the fragment, which may contain secrets."""
    try:
        parts = urlsplit(str(url))
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:
        return "a URL"
