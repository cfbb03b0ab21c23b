"""OpenAI's Responses interface: an answer is a list of items of several types, such as messages."""

from typing import Any

from shared.llm.answer import Answer, Tokens, parse_count, parse_dollars, tool_call
from shared.llm.citations import drop_duplicates, from_annotations
from shared.llm.text import name_of, object_of, objects_of, text_of

_COUNTABLE = frozenset({"web_search", "code_interpreter", "file_search"})


def read(document: dict[str, Any]) -> Answer:
    """Reads an answer. Web searches are billed, opened pages are not. Code interpreters are billed per container."""
    answer = Answer(
        countable=_COUNTABLE, stop=_read_stop(document), tokens=_read_tokens(object_of(document.get("usage")))
    )
    answer.cost = parse_dollars(object_of(document.get("usage")).get("cost"))
    if not isinstance(document.get("output"), list):
        answer.countable, answer.hides_uses = frozenset(), True
    containers: set[str] = set()
    for item in objects_of(document.get("output")):
        match item.get("type"):
            case "message":
                _read_message(item, answer)
            case "reasoning":
                parts = objects_of(item.get("summary")) or objects_of(item.get("content"))
                answer.reasoning += ("\n\n" if answer.reasoning and parts else "") + text_of(parts)
            case "function_call":
                call = tool_call(item.get("call_id"), item.get("name"), text_of(item.get("arguments")))
                answer.tool_calls.append(call)
            case "web_search_call":
                action = object_of(item.get("action"))
                answer.built_in_tools.append({"name": "web_search", "input": action})
                searched = action.get("type") in (None, "search") and item.get("status") != "failed"
                answer.uses["web_search"] = answer.uses.get("web_search", 0) + searched
            case "file_search_call":
                answer.built_in_tools.append({"name": "file_search", "input": {"queries": item.get("queries")}})
                answer.uses["file_search"] = answer.uses.get("file_search", 0) + 1
            case "code_interpreter_call":
                code = text_of(item.get("code"))
                answer.built_in_tools.append({"name": "code_interpreter", "input": {"code": code}})
                answer.more_text_bytes += len(code.encode("utf-8", "replace"))
                containers.add(text_of(item.get("container_id")))
            case _:
                pass
    if containers:
        answer.uses["code_interpreter"] = len(containers)
    answer.citations = drop_duplicates(answer.citations)
    return answer


def _read_message(item: dict[str, Any], answer: Answer) -> None:
    content = item.get("content")
    answer.content += content if isinstance(content, str) else ""
    for part in objects_of(content):
        if part.get("type") == "refusal":
            answer.refusal += text_of(part.get("refusal"))
        else:
            answer.citations += from_annotations(part.get("annotations"), offset=len(answer.content))
            answer.content += text_of(part.get("text"))


def _read_stop(document: dict[str, Any]) -> str | None:
    if document.get("status") == "incomplete":
        return name_of(object_of(document.get("incomplete_details")).get("reason")) or "incomplete"
    return name_of(document.get("status"))


def _read_tokens(usage: dict[str, Any]) -> Tokens:
    sent, written = object_of(usage.get("input_tokens_details")), object_of(usage.get("output_tokens_details"))
    return Tokens(
        prompt=parse_count(usage.get("input_tokens")),
        completion=parse_count(usage.get("output_tokens")),
        total=parse_count(usage.get("total_tokens")),
        cached=parse_count(sent.get("cached_tokens")) or 0,
        cache_write=parse_count(sent.get("cache_write_tokens")) or 0,
        reasoning=parse_count(written.get("reasoning_tokens")) or 0,
    )
