"""The citations of all providers have the same form in `thoughts.citations`."""

from typing import Any

import pytest

from tests.doubles.model_server import Wire
from tests.doubles.provider_responses import DONE, anthropic, chat, converse, delta, gemini, output_text, responses
from tests.llm.conftest import Providers

A = {"url": "https://a.example/", "title": "A"}
B = {"url": "https://b.example/", "title": "B"}
URL_CITATION = {"type": "url_citation", "url_citation": {**A, "start_index": 0, "end_index": 3}}


async def test_citations_of_anthropic_are_read_from_its_text_blocks(providers: Providers) -> None:
    """Citations are read from text blocks. A search that the provider ran is not a tool call for the caller."""
    web = {"type": "web_search_result_location", **A, "cited_text": "It is.", "encrypted_index": "x"}
    body = anthropic(
        {"type": "text", "text": "Well. "},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "is it?"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result", **A}]},
        {"type": "text", "text": "Yes", "citations": [web]},
        {"type": "text", "text": "."},
        {"type": "thinking", "thinking": "Hm.", "signature": "x"},
        {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "ö"}},
        stop_reason="tool_use",
    )
    result = await providers.ask("anthropic", Wire(body), builtInTools=["web_search"])
    assert result.content == "Well. Yes."
    assert result.thoughts == {
        "reasoning": "Hm.",
        "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "x"}],
        "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "look", "arguments": '{"at": "ö"}'}}],
        "built_in_tools": [{"name": "web_search", "input": {"query": "is it?"}}],
        "citations": [{**A, "cited_text": "It is.", "start_index": 6, "end_index": 9}],
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"citations": [A["url"], B["url"]]}, [{"url": A["url"]}, {"url": B["url"]}]),
        ({"search_results": [{**A, "date": None, "snippet": "It is."}, B]}, [{**A, "cited_text": "It is."}, B]),
        ({"citations": [B["url"], A["url"]], "search_results": [A, B]}, [B, A]),
        ({"citations": None, "search_results": "?"}, None),
    ],
)
async def test_citations_of_perplexity_are_read_next_to_the_choices(
    providers: Providers, fields: dict[str, Any], expected: Any
) -> None:
    """The citations are in the order of the numbers in the text."""
    result = await providers.ask("perplexity", Wire(chat("Yes [1].", **fields)))
    assert result.thoughts == (expected and {"citations": expected})


@pytest.mark.parametrize("provider", ["openai", "openrouter"])
async def test_citations_of_the_chat_interface_are_read_from_annotations(providers: Providers, provider: str) -> None:
    """Citations are read from annotations once. Annotations without an address are omitted."""
    annotations = [URL_CITATION, URL_CITATION, {"type": "url_citation", "url_citation": None}, None]
    result = await providers.ask(provider, Wire(chat("Yes", message={"annotations": annotations})))
    assert result.thoughts == {"citations": [{**A, "start_index": 0, "end_index": 3}]}


async def test_citations_of_a_stream_are_read(providers: Providers) -> None:
    """A stream's citations are the same as those of an answer without streaming."""
    events = [delta(content="Yes"), delta(annotations=[URL_CITATION]), delta("stop"), DONE]
    result = await providers.ask("openai", Wire(events, content_type="text/event-stream"), stream=True)
    assert result.thoughts == {"citations": [{**A, "start_index": 0, "end_index": 3}]}


async def test_citations_of_the_responses_interface_are_read_from_its_parts(providers: Providers) -> None:
    """The positions of the citations refer to the whole content."""
    body = responses(
        {"type": "web_search_call", "id": "w1", "status": "completed", "action": {"type": "search", "query": "q"}},
        output_text("Yes.", {"type": "url_citation", **A, "start_index": 0, "end_index": 3}),
        output_text("No.", {"type": "url_citation", **B, "start_index": 0, "end_index": 2}),
        output_text("", {"type": "container_file_citation", "file_id": "f1", "filename": "a.csv"}),
    )
    result = await providers.ask("openai", Wire(body), builtInTools=["web_search"])
    assert result.content == "Yes.No."
    assert result.thoughts["citations"] == [
        {**A, "start_index": 0, "end_index": 3},
        {**B, "start_index": 4, "end_index": 6},
        {"file_id": "f1", "title": "a.csv"},
    ]
    assert result.thoughts["built_in_tools"] == [{"name": "web_search", "input": {"type": "search", "query": "q"}}]


async def test_byte_positions_of_gemini_become_character_positions(providers: Providers) -> None:
    """There is a citation for each supported segment and each of its sources, with positions in characters."""
    grounding = {
        "webSearchQueries": ["q"],
        "groundingChunks": [{"web": {"uri": A["url"], "title": "A"}}, {"web": {"uri": B["url"], "title": "B"}}],
        "groundingSupports": [
            {"segment": {"endIndex": 4, "text": "Jä"}, "groundingChunkIndices": [0]},
            {"segment": {"startIndex": 4, "endIndex": 8}, "groundingChunkIndices": [0, 1, 7, "x"]},
        ],
    }
    body = gemini({"text": "Jäö. Yes"}, groundingMetadata=grounding)
    result = await providers.ask("gemini", Wire(body), builtInTools=["google_search"])
    assert result.thoughts["citations"] == [
        {**A, "start_index": 0, "end_index": 2},
        {**A, "start_index": 2, "end_index": 6},
        {**B, "start_index": 2, "end_index": 6},
    ]


async def test_citations_of_gemini_without_positions_are_read(providers: Providers) -> None:
    """Sources without segments, and quotations of training data, are citations."""
    grounding = {"groundingChunks": [{"web": {"uri": A["url"], "title": "A"}}]}
    quoted = {"citationSources": [{"uri": B["url"], "startIndex": 0, "endIndex": 3}]}
    body = gemini({"text": "Yes"}, groundingMetadata=grounding, citationMetadata=quoted)
    result = await providers.ask("gemini", Wire(body))
    assert result.thoughts["citations"] == [A, {"url": B["url"], "start_index": 0, "end_index": 3}]


async def test_citations_of_bedrock_are_read_from_its_blocks(providers: Providers) -> None:
    """A citation block contains the text that it supports."""
    cited = {"content": [{"text": "Yes"}], "citations": [{"title": "A", "location": {"web": {"url": A["url"]}}}]}
    body = converse({"text": "So: "}, {"citationsContent": cited})
    result = await providers.ask("bedrock", Wire(body))
    assert result.content == "So: Yes"
    assert result.thoughts["citations"] == [{**A, "start_index": 4, "end_index": 7}]
