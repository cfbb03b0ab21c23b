"""How a call that failed is told to the code that made it."""

from __future__ import annotations

from shared.sandbox.inside.calls import CallFailed

_USAGE = {
    "call_llm": ". It takes provider, model, messages, parameters={…}, tools and timeout.",
    "call": ". Write call(tool_name=…, argument=value), or of another agent call(agent_name=…, input_dict={…}).",
}
"""Ends the sentence about arguments that do not fit."""


def call_failed(error: Exception, name: str) -> CallFailed | None:
    """What the code is told of `error`, in a call of what it knows as `name`; None for a fault of ours."""
    match error:
        case CallFailed():
            return error
        case TypeError() if "argument" in str(error):
            words = str(error).split("()", 1)[-1]  # without what it is called in here
            return CallFailed(f"{name}(){words}{_USAGE.get(name, '')}", TypeError)
        case _:
            return None
