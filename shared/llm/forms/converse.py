"""Bedrock's Converse interface, which is the same for all models."""

import json
from typing import Any

from shared.llm.answer import Answer, Tokens, parse_count, tool_call
from shared.llm.citations import citation, drop_duplicates
from shared.llm.text import name_of, object_of, objects_of, text_of

_SYSTEM_TOOLS = {"nova_grounding": "web_grounding", "nova_code_interpreter": "code_interpreter"}
"""The catalog's names of Bedrock's built-in tools, by Bedrock's names."""


def read(document: dict[str, Any]) -> Answer:
    """Reads an answer. It reports uses of Bedrock's own tools. Other tool calls are left to the caller."""
    usage = object_of(document.get("usage"))
    answer = Answer(
        stop=name_of(document.get("stopReason")),
        countable=frozenset(_SYSTEM_TOOLS.values()),
        tokens=_read_tokens(usage),
    )
    output = object_of(document.get("output"))
    if "message" not in output:
        answer.countable, answer.hides_uses = frozenset(), True
    message = object_of(output.get("message"))
    for block in objects_of(message.get("content")):
        _read_block(block, answer)
    for tool in answer.countable:
        answer.uses[tool] = sum(used["name"] == tool for used in answer.built_in_tools)
    if answer.citations and not answer.uses["web_grounding"]:
        answer.uses["web_grounding"] = 1
    answer.citations = drop_duplicates(answer.citations)
    return answer


def is_built_in(call: dict[str, Any]) -> bool:
    """Whether a tool call is the provider's own, which is not left to the caller."""
    return name_of(call.get("name")) in _SYSTEM_TOOLS or call.get("type") == "server_tool_use"


def _read_block(block: dict[str, Any], answer: Answer) -> None:
    start = len(answer.content)
    answer.content += text_of(block.get("text"))
    if thought := object_of(block.get("reasoningContent")):
        shown = object_of(thought.get("reasoningText"))
        text = text_of(shown.get("text"))
        answer.reasoning += text
        signed = {"type": "thinking", "thinking": text, "signature": text_of(shown.get("signature"))}
        hidden = {"type": "redacted_thinking", "data": thought.get("redactedContent")}
        answer.thinking_blocks.append(signed if shown else hidden)
    if call := object_of(block.get("toolUse")):
        arguments = json.dumps(call.get("input") or {}, ensure_ascii=False)
        name = name_of(call.get("name")) or "tool"
        if is_built_in(call):
            used = {"name": _SYSTEM_TOOLS.get(name, name), "input": object_of(call.get("input"))}
            answer.built_in_tools.append(used)
            answer.more_text_bytes += len(arguments.encode("utf-8", "replace"))
        else:
            answer.tool_calls.append(tool_call(call.get("toolUseId"), name, arguments))
    if cited := object_of(block.get("citationsContent")):
        answer.content += text_of(cited.get("content"))
        for source in objects_of(cited.get("citations")):
            web = object_of(object_of(source.get("location")).get("web"))
            quoted = text_of(source.get("sourceContent"))
            span = (start, len(answer.content))
            answer.citations.append(citation(web.get("url"), source.get("title") or web.get("domain"), quoted, span))


def _read_tokens(usage: dict[str, Any]) -> Tokens:
    """Reads the token counts. The interface counts cached tokens separately from the rest of the prompt."""
    prompt = parse_count(usage.get("inputTokens"))
    cached = parse_count(usage.get("cacheReadInputTokens")) or 0
    cache_write = parse_count(usage.get("cacheWriteInputTokens")) or 0
    return Tokens(
        prompt=None if prompt is None else prompt + cached + cache_write,
        completion=parse_count(usage.get("outputTokens")),
        total=parse_count(usage.get("totalTokens")),
        cached=cached,
        cache_write=cache_write,
    )
