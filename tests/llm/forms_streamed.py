"""The forms of answers, each with a document that has everything, and its stream."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.llm.event_stream import EventStream
from shared.llm.streams import choose_framing, choose_joiner
from shared.models.part import Delta, PartKind
from tests.doubles.provider_responses import anthropic, chat, converse, gemini, output_text, responses
from tests.doubles.provider_streams import (
    STREAM_TYPES,
    Cut,
    chat_stream,
    converse_stream,
    gemini_stream,
    messages_stream,
    ollama_stream,
    responses_stream,
)

ARGUMENTS = {"city": "Köln 😀", "days": 2}
URL = "https://example.com/a"


@dataclass(frozen=True)
class Form:
    """A form: the provider and the path that use it, the document for a text and thoughts, and its stream."""

    name: str
    provider: str
    path: str
    write: Callable[[str, str], dict[str, Any]]
    stream: Callable[[dict[str, Any], Cut], list[bytes]]
    fields: dict[str, Any]
    """The fields of a request whose answer has this form."""

    @property
    def content_type(self) -> str:
        return STREAM_TYPES.get(self.provider, "text/event-stream")

    def open(self, follow: Callable[[Delta], None] | None = None) -> EventStream:
        return EventStream(choose_framing(self.content_type), choose_joiner(self.path, follow))


def write_chat(content: str, thoughts: str) -> dict[str, Any]:
    calls = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": "weather", "arguments": '{"city": "Köln 😀"}'},
        }
        for number in range(2)
    ]
    cited = {"type": "url_citation", "url_citation": {"url": URL, "title": "A", "start_index": 0, "end_index": 2}}
    return chat(content, message={"reasoning_content": thoughts, "tool_calls": calls, "annotations": [cited]})


def write_messages(content: str, thoughts: str) -> dict[str, Any]:
    half = len(content) // 2
    cited = {"type": "web_search_result_location", "url": URL, "title": "A", "cited_text": "b"}
    return anthropic(
        {"type": "thinking", "thinking": thoughts, "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZGF0YQ"},
        {"type": "text", "text": content[:half]},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "Köln"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result", "url": URL}]},
        {"type": "text", "text": content[half:], "citations": [cited]},
        {"type": "tool_use", "id": "t1", "name": "weather", "input": ARGUMENTS},
        {"type": "tool_use", "id": "t2", "name": "now", "input": {}},
        stop_reason="tool_use",
        usage={"cache_read_input_tokens": 7, "server_tool_use": {"web_search_requests": 1}},
    )


def write_gemini(content: str, thoughts: str) -> dict[str, Any]:
    grounding = {
        "webSearchQueries": ["a", "b"],
        "groundingChunks": [{"web": {"uri": URL, "title": "A"}}],
        "groundingSupports": [{"segment": {"endIndex": 1}, "groundingChunkIndices": [0]}],
    }
    return gemini(
        {"text": thoughts, "thought": True},
        {"text": content},
        {"executableCode": {"code": "1 + 1", "language": "PYTHON"}},
        {"functionCall": {"name": "weather", "args": ARGUMENTS}},
        {"functionCall": {"name": "now", "args": {}}},
        groundingMetadata=grounding,
    )


def write_responses(content: str, thoughts: str) -> dict[str, Any]:
    half = len(thoughts) // 2
    cited = {"type": "url_citation", "url": URL, "title": "A", "start_index": 0, "end_index": 2}
    summary = [{"type": "summary_text", "text": thoughts[:half]}, {"type": "summary_text", "text": "!"}]
    call = {"type": "function_call", "id": "f1", "call_id": "c1", "name": "weather", "arguments": '{"city": "Köln 😀"}'}
    return responses(
        {"type": "reasoning", "id": "rs1", "summary": summary},
        {"type": "web_search_call", "id": "w1", "status": "completed", "action": {"type": "search", "query": "a"}},
        output_text("First. "),
        {"type": "reasoning", "id": "rs2", "summary": [{"type": "summary_text", "text": thoughts[half:]}]},
        output_text(content, cited),
        call,
    )


def write_converse(content: str, thoughts: str) -> dict[str, Any]:
    half = len(content) // 2
    source = {"location": {"web": {"url": URL, "domain": "example.com"}}}
    return converse(
        {"reasoningContent": {"reasoningText": {"text": thoughts, "signature": "c2ln"}}},
        {"text": content[:half]},
        {"toolUse": {"toolUseId": "s1", "name": "nova_grounding", "input": {"q": "a"}, "type": "server_tool_use"}},
        {"citationsContent": {"content": [{"text": content[half:]}], "citations": [source]}},
        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": ARGUMENTS}},
        stop_reason="tool_use",
    )


def write_ollama(content: str, thoughts: str) -> dict[str, Any]:
    calls = [{"function": {"name": "weather", "arguments": ARGUMENTS}}, {"function": {"name": "now", "arguments": {}}}]
    message = {"role": "assistant", "content": content, "thinking": thoughts, "tool_calls": calls}
    counts = {"prompt_eval_count": 1000, "eval_count": 500}
    return {"model": "m", "message": message, "done": True, "done_reason": "stop", **counts}


FORMS = [
    Form("chat", "openai", "/v1/chat/completions", write_chat, chat_stream, {}),
    Form("openrouter", "openrouter", "/v1/chat/completions", write_chat, chat_stream, {}),
    Form("perplexity", "perplexity", "/chat/completions", write_chat, chat_stream, {}),
    Form("local", "local", "/v1/chat/completions", write_chat, chat_stream, {}),
    Form(
        "responses",
        "openai",
        "/v1/responses",
        write_responses,
        responses_stream,
        {"model": "gpt-5-mini", "parameters": {"reasoning_effort": "low"}},
    ),
    Form("messages", "anthropic", "/v1/messages", write_messages, messages_stream, {}),
    Form("gemini", "gemini", "/models/m:streamGenerateContent", write_gemini, gemini_stream, {}),
    Form("converse", "bedrock", "/model/m/converse-stream", write_converse, converse_stream, {}),
    Form("ollama", "ollama", "/api/chat", write_ollama, ollama_stream, {}),
]
DISTINCT_FORMS = [form for form in FORMS if form.name not in ("openrouter", "perplexity", "local")]


class Followed:
    """The deltas of a call, joined."""

    def __init__(self) -> None:
        self.deltas: list[Delta] = []

    def follow(self, delta: Delta) -> None:
        self.deltas.append(delta)

    def joined(self, kind: PartKind) -> str:
        return "".join(delta.text for delta in self.deltas if delta.kind is kind)

    @property
    def content(self) -> str:
        return self.joined(PartKind.CONTENT)

    @property
    def reasoning(self) -> str:
        return self.joined(PartKind.REASONING)

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        return [call for delta in self.deltas for call in delta.tool_calls]


def halve_surrogates(text: str) -> str:
    """Returns the text with each character outside of the basic plane as its two surrogates, as some servers send."""
    units = text.encode("utf-16-le", "surrogatepass")
    return "".join(units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2))
