"""Parses untrusted JSON or YAML into plain data: dicts with string keys, lists, strings, numbers, booleans, None.

For any other text, the error describes what it is. The depth is limited, so that code can walk the tree safely.
"""

import gc
import json
import re
from threading import Lock

from shared.json_errors import describe_json_error
from shared.openapi.errors import NotASpec, too_deep
from shared.openapi.limits import MAX_DEPTH

_MAX_YAML_WITH_BRACES = 1_000_000
"""The maximum length of text that starts like JSON and is also tried as YAML, in characters.

Longer text is not tried, so that a broken download fails fast.
"""

_gc_lock = Lock()
_HTML = re.compile(r"<!doctype\s+html|<html[\s>]|<(?:head|body)[\s>]", re.IGNORECASE)


def read(text: str) -> object:
    """Parses `text`. Raises `NotASpec` for text that is neither JSON nor YAML, or that exceeds a limit."""
    text = text.removeprefix("\ufeff")
    start = text.lstrip()[:2000]
    if not start:
        raise NotASpec("This is empty.")
    if start.startswith("<"):
        if _HTML.search(start):
            raise NotASpec("This is an HTML page. Give the address of the OpenAPI document itself (JSON or YAML).")
        raise NotASpec("This is XML or HTML, not an OpenAPI document in JSON or YAML.")
    if start[0] not in "{[":
        return _read_yaml(text)
    try:
        return _read_json(text)
    except json.JSONDecodeError as error:
        json_error = NotASpec(f"This is not valid JSON: {describe_json_error(error)}.")
    # YAML also allows braces, although long documents rarely use them. If the text is not valid YAML either, it was
    # probably meant as JSON, so the JSON error is the useful one.
    if len(text) <= _MAX_YAML_WITH_BRACES:
        try:
            return _read_yaml(text)
        except NotASpec:
            pass
    raise json_error


def _load(text: str) -> object:
    """Parses JSON without the garbage collector, which would scan new lists repeatedly and block the process."""
    with _gc_lock:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            return json.loads(text)
        finally:
            if was_enabled:
                gc.enable()


def _read_json(text: str) -> object:
    try:
        tree: object = _load(text)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise too_deep() from None
    except ValueError:
        raise NotASpec("This JSON contains a number with thousands of digits.") from None
    level: list[object] = [tree]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return tree
    raise too_deep()


def _read_yaml(text: str) -> object:
    # Most documents are JSON, so PyYAML is loaded only when it is needed.
    from shared.openapi.yaml_text import read_yaml

    return read_yaml(text)
