"""The forms of answers. Each form has a module that turns JSON into an `Answer` and checks the type of every value."""

from typing import Any

from shared.llm.answer import Answer
from shared.llm.forms import anthropic, chat, converse, gemini, ollama, responses
from shared.llm.forms.faults import error_body, find_fault
from shared.llm.text import object_of

__all__ = ["error_body", "read_document"]


def read_document(document: Any) -> Answer | None:
    """Detects the form of a provider's document and returns its answer, or None if the form is unknown."""
    match document:
        case [{**first}, *_]:  # Gemini responds to some requests with a list of one document
            return read_document(first)
        case {"choices": [*_]}:
            answer = chat.read(document)
        case {"output": {"message": {}}} | {"stopReason": str()}:
            answer = converse.read(document)
        case {"object": "response"} | {"output": [*_]}:
            answer = responses.read(document)
        case {"content": [*_], "role": "assistant"} | {"content": [*_], "stop_reason": _}:
            answer = anthropic.read(document)
        case {"candidates": [*_]} | {"promptFeedback": {}} | {"usageMetadata": {}}:
            answer = gemini.read(document)
        case {"message": {}, "done": _}:
            answer = ollama.read(document)
        case _:
            usage, fault = _read_usage(document), find_fault(document)
            answer = usage or Answer()
            if usage is None and fault is None:
                return None
    answer.fault = answer.fault or find_fault(document)
    return answer.make_whole()


def _read_usage(document: Any) -> Answer | None:
    """Returns the usage in a document without an answer of a known form. The provider bills it nevertheless."""
    usage = object_of(object_of(document).get("usage"))
    form = converse if "inputTokens" in usage else anthropic if "input_tokens" in usage else chat
    answer = form.read({"usage": usage})
    answer.stop = "error"
    answer.uses, answer.countable = {tool: uses for tool, uses in answer.uses.items() if uses}, frozenset()
    answer.hides_uses = True
    return None if answer.is_blank else answer
