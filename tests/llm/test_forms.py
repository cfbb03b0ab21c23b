"""`read_document` reads the documents of all providers, with any content."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.llm.answer import MAX_TOKENS
from shared.llm.forms import read_document
from shared.llm.results import read_thoughts, stop_of
from shared.models.chat import ChatResult
from tests.doubles.model_server import Wire
from tests.doubles.provider_responses import anthropic, chat, converse, gemini, output_text, responses
from tests.llm.conftest import Providers

WEB = {"url": "https://a.example/", "title": "A"}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "chat": chat(
        "yes",
        message={
            "refusal": "no",
            "reasoning_content": "Hm.",
            "annotations": [{"type": "url_citation", "url_citation": {**WEB, "start_index": 0, "end_index": 3}}],
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        citations=["https://a.example/"],
        search_results=[WEB],
        choice={"native_finish_reason": "end_turn", "error": {"code": 502, "message": "Gone."}},
    ),
    "responses": responses(
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "code_interpreter_call", "code": "1", "container_id": "c"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        output_text("yes", {"type": "url_citation", **WEB, "start_index": 0, "end_index": 3}),
    ),
    "anthropic": anthropic(
        {"type": "thinking", "thinking": "Hm.", "signature": "x"},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
        {"type": "text", "text": "yes", "citations": [{**WEB, "cited_text": "It is."}]},
        usage={"server_tool_use": {"web_search_requests": 1}},
    ),
    "gemini": gemini(
        {"text": "Hm.", "thought": True},
        {"text": "yes"},
        {"functionCall": {"name": "f", "args": {}}},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        groundingMetadata={
            "webSearchQueries": ["q"],
            "groundingChunks": [{"web": {"uri": "https://a.example/", "title": "A"}}],
            "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 3}, "groundingChunkIndices": [0]}],
        },
        citationMetadata={"citationSources": [{"uri": "https://a.example/", "startIndex": 0, "endIndex": 2}]},
    ),
    "converse": converse(
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "x"}}},
        {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}},
        {"citationsContent": {"content": [{"text": "yes"}], "citations": [{"location": {"web": WEB}}]}},
    ),
    "ollama": {
        "message": {"role": "assistant", "content": "yes", "thinking": "Hm.", "tool_calls": [{"function": {}}]},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 1000,
        "eval_count": 500,
    },
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(["\ud83d", [], {}, [None], [{}], {"a": 1}, [[]]]),
)


def list_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Returns the path to every value in a document."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    elif isinstance(value, list):
        inner = list(enumerate(value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return [path, *(inner_path for name, item in inner for inner_path in list_paths(item, (*path, name)))]


@pytest.mark.parametrize("form", DOCUMENTS)
@settings(deadline=None)
@given(data=st.data())
def test_no_type_is_trusted(form: str, data: st.DataObject) -> None:
    """With any value at any path, the document can be read without an error, and the result stored."""
    document = copy.deepcopy(DOCUMENTS[form])
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from([place for place in list_paths(document) if place]))
        target: Any = document
        for name in path:
            target = target[name]
        target[last] = copy.deepcopy(data.draw(ODD))
    answer = read_document(document)
    if answer is not None:
        assert answer.text_bytes >= 0
        assert answer.tokens.is_absurd or (answer.tokens.prompt or 0) <= MAX_TOKENS
        result = ChatResult(content=answer.content, thoughts=read_thoughts(answer, stop_of(answer)), model="a/b")
        assert json.loads(result.model_dump_json())


@pytest.mark.parametrize("form", DOCUMENTS)
def test_every_form_is_detected_by_its_shape(form: str) -> None:
    """The text, the thoughts and the tokens of each form are read."""
    answer = read_document(DOCUMENTS[form])
    assert answer is not None
    assert (answer.content, answer.reasoning) == ("yes", "Hm.")
    assert (answer.tokens.prompt, answer.tokens.completion) == (1000, 500)


@pytest.mark.parametrize("depth", [60, 400, 900, 100_000])
async def test_values_that_are_nested_too_deeply_are_dropped(providers: Providers, depth: int) -> None:
    """Values that are nested too deeply are dropped or make the answer unreadable. They cause no internal error."""
    nested = '{"a": ' * depth + "1" + "}" * depth
    body = json.dumps(anthropic({"type": "thinking", "thinking": "Hm.", "data": "?"}, {"type": "text", "text": "yes"}))
    step = Wire(body.replace('"?"', nested).encode())
    if depth > 1000:
        assert "understood" in (await providers.failure("anthropic", step)).message
    else:
        result = await providers.ask("anthropic", step)
        assert result.content == "yes"
        assert result.model_dump_json()


@pytest.mark.parametrize(
    ("content", "reasoning"), [("<think>\nHm.\n</think>\n\nyes", "Hm."), ("yes <think>no</think>", None)]
)
async def test_thoughts_before_an_answer_are_separated(
    providers: Providers, content: str, reasoning: str | None
) -> None:
    """Thoughts that a model writes before its answer are separated from it."""
    result = await providers.ask("perplexity", Wire(chat(content)))
    assert result.content == ("yes" if reasoning else content)
    assert result.thoughts == (reasoning and {"reasoning": reasoning})
