"""Describes failed calls for agent code."""

from __future__ import annotations

from shared.sandbox.inside.calls import CallFailed

_USAGE = {
    "call_llm": ". Its parameters are provider, model, messages, parameters={…}, tools and timeout.",
    "ask": ". Write ask(question, choices=[…]), or ask(question, schema={…}), with timeout=… in seconds if you like.",
    "call": ". Write call(tool_name=…, argument=value) for a tool, or call(agent_name=…, input_dict={…}) for an agent.",
}
"""The last part of the message about invalid arguments, by function."""


def to_call_failed(error: Exception, name: str) -> CallFailed | None:
    """Returns the failure for an error in a function; None if the error is internal.

    `name`: the function's name in agent code.
    """
    match error:
        case CallFailed():
            return error
        case TypeError() if "argument" in str(error):
            reason = str(error).split("()", 1)[-1]  # without the name of the function that implements it
            return CallFailed(f"{name}(){reason}{_USAGE.get(name, '')}", TypeError)
        case _:
            return None
