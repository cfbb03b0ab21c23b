"""Ollama's own chat interface."""

import json
from typing import Any

from shared.llm.answer import Answer, Tokens, parse_count, tool_call
from shared.llm.text import name_of, object_of, objects_of, text_of


def read(document: dict[str, Any]) -> Answer:
    """Reads an answer. An answer that is not `done` was broken off."""
    message = object_of(document.get("message"))
    calls = [object_of(call.get("function")) for call in objects_of(message.get("tool_calls"))]
    return Answer(
        content=text_of(message.get("content")),
        stop=name_of(document.get("done_reason")) if document.get("done") is True else "error",
        reasoning=text_of(message.get("thinking")),
        tool_calls=[
            tool_call(f"call_{index}", call.get("name"), json.dumps(call.get("arguments") or {}, ensure_ascii=False))
            for index, call in enumerate(calls)
        ],
        tokens=Tokens(
            prompt=parse_count(document.get("prompt_eval_count")), completion=parse_count(document.get("eval_count"))
        ),
    )
