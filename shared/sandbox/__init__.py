"""Runs agent code where there is nothing to read: the only importer of pydantic_monty.

`program` is all that the house knows of an engine; `monty` is the engine. Import that one where code is run: what
only looks at code does not need it.
"""

from shared.sandbox.inside.calls import Abilities, CallFailed, HttpAnswer, HttpCall, ModelAnswer, ToolDoc
from shared.sandbox.inspection.findings import Finding
from shared.sandbox.inspection.look import look, looked_at_soon
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
    "looked_at_soon",
]
