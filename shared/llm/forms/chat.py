"""OpenAI's chat interface, which many providers offer with additional fields."""

import json
import re
from typing import Any

from shared.llm.answer import Answer, Tokens, parse_count, parse_dollars, tool_call
from shared.llm.citations import drop_duplicates, from_annotations, from_search_results
from shared.llm.forms.faults import find_fault
from shared.llm.text import model_texts, name_of, object_of, objects_of, text_of

COST_FIELDS = ("cost", "is_byok", "cost_details")
"""The fields of a usage that state the cost."""
_THOUGHT = re.compile(r"\s*<(think|thinking)>(.*?)</\1>\s*", re.DOTALL)
"""Matches the thoughts that some models write before their answer."""


def read(document: dict[str, Any]) -> Answer:
    """Reads the first choice. The others are only counted, because they are billed as well."""
    choices = objects_of(document.get("choices"))
    usage = object_of(document.get("usage")) or object_of(choices[0].get("usage") if choices else None)
    answer = _read_choice(choices[0]) if choices else Answer(stop="error", hides_uses=True)
    for choice in map(_read_choice, choices[1:]):
        answer.more_text_bytes += choice.text_bytes
        answer.extra_bytes += choice.extra_bytes
    search_results = from_search_results(document.get("citations"), document.get("search_results"))
    if not answer.citations:
        answer.citations = search_results
    answer.tokens, answer.cost = _read_tokens(usage), cost_of(usage)
    answer.searches = parse_count(usage.get("num_search_queries"))
    searches = parse_count(object_of(usage.get("server_tool_use")).get("web_search_requests"))
    if searches is not None:
        answer.uses, answer.countable = {"web_search": searches}, frozenset({"web_search"})
    elif pages := len({cited["url"] for cited in answer.citations if "url" in cited}):
        answer.uses = {"web_search": pages}
    return answer


def _read_choice(choice: dict[str, Any]) -> Answer:
    message = object_of(choice.get("message"))
    content, refusal = message.get("content"), text_of(message.get("refusal"))
    parts = objects_of(content)
    refusal = refusal or "".join(text_of(part.get("refusal")) for part in parts)
    text = text_of(content) or text_of(choice.get("text"))
    reasoning = text_of(message.get("reasoning_content")) or text_of(message.get("reasoning"))
    reasoning = reasoning or "".join(text_of(part.get("thinking")) for part in parts)
    extra_bytes = _count_bytes(*model_texts(message)) - _count_bytes(text, refusal, reasoning)
    if not reasoning and (thought := _THOUGHT.match(text)):
        reasoning, text = thought[2].strip(), text[thought.end() :]
    calls = [_read_tool_call(call) for call in objects_of(message.get("tool_calls")) or _read_older_call(message)]
    extra_bytes -= sum(
        _count_bytes(text_of(call["function"][part])) for call in calls for part in ("name", "arguments")
    )
    return Answer(
        content=text,
        refusal=refusal,
        stop=name_of(choice.get("finish_reason")),
        native_stop=name_of(choice.get("native_finish_reason")),
        fault=find_fault(choice) or find_fault(message),
        reasoning=reasoning,
        thinking_blocks=objects_of(message.get("thinking_blocks")),
        tool_calls=calls,
        citations=drop_duplicates(from_annotations(message.get("annotations"))),
        extra_bytes=max(0, extra_bytes),
    )


def _count_bytes(*texts: str) -> int:
    """Returns the total size of the texts, in bytes."""
    return sum(len(text.encode("utf-8", "replace")) for text in texts)


def _read_older_call(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the tool call in the older form of the interface, which allows only one."""
    called = object_of(message.get("function_call"))
    return [{"id": "call_0", "function": called}] if called else []


def _read_tool_call(call: dict[str, Any]) -> dict[str, Any]:
    function = object_of(call.get("function"))
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return tool_call(call.get("id"), function.get("name"), text)


def _read_tokens(usage: dict[str, Any]) -> Tokens:
    """Reads the token counts. Perplexity counts thoughts in addition to the answer, other providers as a part of it."""
    prompt, completion = (
        object_of(usage.get("prompt_tokens_details")),
        object_of(usage.get("completion_tokens_details")),
    )
    written, extra = parse_count(usage.get("completion_tokens")), parse_count(usage.get("reasoning_tokens")) or 0
    sent, total = parse_count(usage.get("prompt_tokens")), parse_count(usage.get("total_tokens"))
    if not written and sent and total and total > sent:
        written, extra = total - sent, 0
    return Tokens(
        prompt=sent,
        completion=None if written is None else written + extra,
        total=total,
        cached=parse_count(prompt.get("cached_tokens")) or 0,
        cache_write=parse_count(prompt.get("cache_write_tokens")) or 0,
        reasoning=parse_count(completion.get("reasoning_tokens")) or extra,
        citation=parse_count(usage.get("citation_tokens")) or 0,
    )


def cost_of(usage: dict[str, Any]) -> float | None:
    """Returns the reported cost. OpenRouter sends a number, and Perplexity a breakdown.

    With the user's own key at OpenRouter, `cost` is OpenRouter's fee, and the upstream provider bills the rest.
    """
    cost = usage.get("cost")
    reported = parse_dollars(object_of(cost).get("total_cost") if isinstance(cost, dict) else cost)
    if usage.get("is_byok") is not True:
        return reported
    upstream = parse_dollars(object_of(usage.get("cost_details")).get("upstream_inference_cost"))
    return reported if upstream is None else upstream + (reported or 0)
