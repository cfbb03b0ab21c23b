"""Runs agent code in isolation.

`program` is all that the rest of the project knows of an engine; `engine` is the only one. Import that only to run
code: analyzing code does not need it.
"""

from shared.sandbox.analysis.analysis import analyze, analyze_now
from shared.sandbox.analysis.findings import Finding
from shared.sandbox.inside.calls import CallFailed, HostFunctions, HttpAnswer, HttpCall, ModelAnswer, ToolDoc
from shared.sandbox.program import Engine, Failure, Limits, Outcome, Program

__all__ = [
    "CallFailed",
    "Engine",
    "Failure",
    "Finding",
    "HostFunctions",
    "HttpAnswer",
    "HttpCall",
    "Limits",
    "ModelAnswer",
    "Outcome",
    "Program",
    "ToolDoc",
    "analyze",
    "analyze_now",
]
