"""Runs agent code where there is nothing to read.

`program` is all that the house knows of an engine; `engine` is the one there is. Import that where code is run: what
only looks at code does not need it.
"""

from shared.sandbox.analysis.findings import Finding
from shared.sandbox.analysis.look import look, look_soon
from shared.sandbox.inside.calls import Abilities, CallFailed, HttpAnswer, HttpCall, ModelAnswer, ToolDoc
from shared.sandbox.program import Engine, Failure, Limits, Outcome, Program

__all__ = [
    "Abilities",
    "CallFailed",
    "Engine",
    "Failure",
    "Finding",
    "HttpAnswer",
    "HttpCall",
    "Limits",
    "ModelAnswer",
    "Outcome",
    "Program",
    "ToolDoc",
    "look",
    "look_soon",
]
