"""Describes failed calls for agent code."""

from __future__ import annotations

from shared.sandbox.inside.calls import CallFailed

_USAGE = {
    "call_llm": ". It takes provider, model, messages, parameters={…}, tools and timeout.",
    "call": ". Write call(tool_name=…, argument=value), or for another agent call(agent_name=…, input_dict={…}).",
}
"""The end of the message about invalid arguments, by function."""


def to_call_failed(error: Exception, name: str) -> CallFailed | None:
    """Returns the failure for an error in the function that agent code calls `name`; None if the error is internal."""
    match error:
        case CallFailed():
            return error
        case TypeError() if "argument" in str(error):
            reason = str(error).split("()", 1)[-1]  # without the function's name in our own code
            return CallFailed(f"{name}(){reason}{_USAGE.get(name, '')}", TypeError)
        case _:
            return None
