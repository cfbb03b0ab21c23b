"""Gemini's generateContent: an answer is a candidate with parts. Its sources are listed separately, by byte offsets."""

import json
from typing import Any

from shared.llm.answer import Answer, Tokens, parse_count, tool_call
from shared.llm.citations import citation, drop_duplicates
from shared.llm.text import array_of, name_of, object_of, objects_of, text_of

_COUNTABLE = frozenset({"google_search", "url_context", "code_execution"})


def read(document: dict[str, Any]) -> Answer:
    """Reads the first candidate. Each query that is not empty counts as one search."""
    candidates = objects_of(document.get("candidates"))
    candidate = candidates[0] if candidates else {}
    blocked = name_of(object_of(document.get("promptFeedback")).get("blockReason"))
    stop = name_of(candidate.get("finishReason"))
    answer = Answer(countable=_COUNTABLE, tokens=_read_tokens(object_of(document.get("usageMetadata"))))
    answer.stop = "content_filter" if blocked and not candidates else stop
    if not candidates and not blocked:
        answer.stop, answer.hides_uses = "error", True
    for part in objects_of(object_of(candidate.get("content")).get("parts")):
        _read_part(part, answer)
    grounding = object_of(candidate.get("groundingMetadata"))
    answer.citations = drop_duplicates(
        [*_cite_sources(grounding, answer.content), *_cite_recitations(candidate, answer.content)]
    )
    if answer.hides_uses:
        answer.countable = frozenset()
    else:
        _count_uses(candidate, grounding, answer)
    return answer


def _read_part(part: dict[str, Any], answer: Answer) -> None:
    text = text_of(part.get("text"))
    if part.get("thought") is True:
        answer.reasoning += text
    else:
        answer.content += text
    if call := object_of(part.get("functionCall")):
        arguments = json.dumps(call.get("args") or {}, ensure_ascii=False)
        id_ = call.get("id") or f"call_{len(answer.tool_calls)}"
        answer.tool_calls.append(tool_call(id_, call.get("name"), arguments))
    if code := object_of(part.get("executableCode")):
        answer.built_in_tools.append({"name": "code_execution", "input": {"code": text_of(code.get("code"))}})
        answer.more_text_bytes += len(text_of(code.get("code")).encode("utf-8", "replace"))


def _cite_sources(grounding: dict[str, Any], content: str) -> list[dict[str, Any]]:
    """Returns a citation for each source of each supported segment, or for each source if there are no segments."""
    chunks = _read_list(grounding, "groundingChunks")
    sources = [object_of(chunk.get("web") or chunk.get("retrievedContext")) for chunk in chunks]
    citations: list[dict[str, Any]] = []
    encoded = content.encode("utf-8", "replace")
    for support in _read_list(grounding, "groundingSupports"):
        segment = object_of(support.get("segment"))
        span = _to_characters(encoded, segment.get("startIndex"), segment.get("endIndex"))
        indices = [index for index in array_of(support.get("groundingChunkIndices")) if isinstance(index, int)]
        cited = [sources[index] for index in indices if 0 <= index < len(sources)]
        citations += [citation(source.get("uri"), source.get("title"), span=span) for source in cited]
    return citations or [citation(source.get("uri"), source.get("title")) for source in sources]


def _cite_recitations(candidate: dict[str, Any], content: str) -> list[dict[str, Any]]:
    """Returns the citations of training data that the answer quotes."""
    metadata = object_of(candidate.get("citationMetadata"))
    sources = _read_list(metadata, "citationSources") or _read_list(metadata, "citations")
    encoded = content.encode("utf-8", "replace")
    return [
        citation(
            source.get("uri"),
            source.get("title"),
            span=_to_characters(encoded, source.get("startIndex"), source.get("endIndex")),
        )
        for source in sources
        if source.get("uri")
    ]


def _to_characters(encoded: bytes, start: Any, end: Any) -> tuple[int | None, int | None]:
    """Converts byte offsets to character offsets. A missing start is 0."""
    first, last = parse_count(0 if start is None else start), parse_count(end)
    if first is None or last is None:
        return None, None
    return len(encoded[:first].decode("utf-8", "ignore")), len(encoded[:last].decode("utf-8", "ignore"))


def _count_uses(candidate: dict[str, Any], grounding: dict[str, Any], answer: Answer) -> None:
    queries = array_of(grounding.get("webSearchQueries"))
    searched = {query for query in queries if isinstance(query, str) and query.strip()}
    answer.built_in_tools += [{"name": "google_search", "input": {"query": query}} for query in sorted(searched)]
    answer.uses["google_search"] = len(searched) or int(bool(_read_list(grounding, "groundingChunks")))
    answer.uses["url_context"] = len(_read_list(object_of(candidate.get("urlContextMetadata")), "urlMetadata"))
    answer.uses["code_execution"] = sum(used["name"] == "code_execution" for used in answer.built_in_tools)


def _read_tokens(usage: dict[str, Any]) -> Tokens:
    """Reads the token counts. Text that tools read counts as prompt, and thoughts count as completion."""
    prompt, total = parse_count(usage.get("promptTokenCount")), parse_count(usage.get("totalTokenCount"))
    if prompt is not None:
        prompt += parse_count(usage.get("toolUsePromptTokenCount")) or 0
    thoughts = parse_count(usage.get("thoughtsTokenCount")) or 0
    written = parse_count(usage.get("candidatesTokenCount"))
    completion = written + thoughts if written is not None else thoughts or None
    if completion is None and total is not None and prompt is not None and total > prompt:
        completion = total - prompt
    cached = parse_count(usage.get("cachedContentTokenCount")) or 0
    return Tokens(prompt=prompt, completion=completion, total=total, cached=cached, reasoning=thoughts)


def _read_list(fields: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return objects_of(fields.get(name))
