"""What the code is told about a call that failed."""

from __future__ import annotations

from shared.sandbox.inside.calls import CallFailed

_USAGE = {
    "call_llm": ". It takes provider, model, messages, parameters={…}, tools and timeout.",
    "call": ". Write call(tool_name=…, argument=value), or of another agent call(agent_name=…, input_dict={…}).",
}
"""The end of the sentence about invalid arguments."""


def to_call_failed(error: Exception, name: str) -> CallFailed | None:
    """The failure for `error`, raised by what the code calls `name`; None for a fault of ours."""
    match error:
        case CallFailed():
            return error
        case TypeError() if "argument" in str(error):
            words = str(error).split("()", 1)[-1]  # without its name in our own code
            return CallFailed(f"{name}(){words}{_USAGE.get(name, '')}", TypeError)
        case _:
            return None
