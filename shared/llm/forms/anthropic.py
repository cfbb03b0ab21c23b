"""Anthropic's Messages interface: an answer is a list of blocks, some of which describe the use of built-in tools."""

import json
from typing import Any

from shared.llm.answer import Answer, Tokens, parse_count, tool_call
from shared.llm.citations import citation, drop_duplicates
from shared.llm.text import name_of, object_of, objects_of, text_of

_COUNTED = {"web_search_requests": "web_search", "web_fetch_requests": "web_fetch"}
_COUNTABLE = frozenset({"web_search", "web_fetch", "code_execution"})


def read(document: dict[str, Any]) -> Answer:
    """Reads an answer.

    Searches are billed by the provider's count. All code runs in one container, which is billed once.
    """
    usage = object_of(document.get("usage"))
    answer = Answer(stop=name_of(document.get("stop_reason")), countable=_COUNTABLE, tokens=_read_tokens(usage))
    for block in objects_of(document.get("content")):
        _read_block(block, answer)
    counts = object_of(usage.get("server_tool_use"))
    for name, tool in _COUNTED.items():
        shown = sum(used["name"] == tool for used in answer.built_in_tools)
        counted = parse_count(counts.get(name))
        answer.uses[tool] = shown if counted is None else counted
    ran = any("code_execution" in used["name"] for used in answer.built_in_tools)
    answer.uses["code_execution"] = int(ran or bool(parse_count(counts.get("code_execution_requests"))))
    answer.citations = drop_duplicates(answer.citations)
    return answer


def _read_block(block: dict[str, Any], answer: Answer) -> None:
    match block.get("type"):
        case "text":
            text = text_of(block.get("text"))
            span = (len(answer.content), len(answer.content) + len(text))
            answer.content += text
            for cited in objects_of(block.get("citations")):
                title = cited.get("title") or cited.get("document_title")
                fields = citation(
                    cited.get("url") or cited.get("source"), title, cited.get("cited_text"), span, cited.get("file_id")
                )
                answer.citations.append(fields)
        case "thinking":
            answer.reasoning += text_of(block.get("thinking"))
            answer.thinking_blocks.append(block)
        case "redacted_thinking":
            answer.thinking_blocks.append(block)
        case "tool_use":
            arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
            answer.tool_calls.append(tool_call(block.get("id"), block.get("name"), arguments))
        case "server_tool_use":
            name = name_of(block.get("name")) or "tool"
            answer.built_in_tools.append({"name": name, "input": object_of(block.get("input"))})
            answer.more_text_bytes += len(
                json.dumps(block.get("input") or {}, ensure_ascii=False).encode("utf-8", "replace")
            )
        case _:
            pass


def _read_tokens(usage: dict[str, Any]) -> Tokens:
    """Reads the token counts. The interface counts cached tokens separately from the rest of the prompt."""
    prompt, completion = parse_count(usage.get("input_tokens")), parse_count(usage.get("output_tokens"))
    cached = parse_count(usage.get("cache_read_input_tokens")) or 0
    cache_write = parse_count(usage.get("cache_creation_input_tokens")) or 0
    prompt = None if prompt is None else prompt + cached + cache_write
    return Tokens(prompt=prompt, completion=completion, cached=cached, cache_write=cache_write)
