"""Runs agent code in isolation.

`program` defines the interface of an engine, and `engine` contains its only implementation. Import `engine` only to
run code: analyzing code does not need it.
"""

from shared.sandbox.analysis.analysis import analyze, analyze_sync
from shared.sandbox.analysis.findings import Finding
from shared.sandbox.inside.calls import CallFailed, HostFunctions, HttpCall, HttpResponse, ModelAnswer, ToolDoc
from shared.sandbox.program import Engine, Failure, Limits, Outcome, Program

__all__ = [
    "CallFailed",
    "Engine",
    "Failure",
    "Finding",
    "HostFunctions",
    "HttpCall",
    "HttpResponse",
    "Limits",
    "ModelAnswer",
    "Outcome",
    "Program",
    "ToolDoc",
    "analyze",
    "analyze_sync",
]
