"""Describes the event streams of runs for the OpenAPI document."""

from shared.web.error_responses import Responses
from shared.web.event_docs import describe_event

_EXAMPLE = """\
retry: 1000

event: status
data: {"status":"processing","attempt":1}

event: log
data: {"at":"2026-11-28T12:00:00Z","text":"Asking the model"}

id: 1
event: step
data: {"n":1,"call":"1","kind":"model","name":"openai/gpt-4.1-mini","status":"completed", ...}

id: 1
event: done
data: {"run_id":"0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10","status":"completed", ...}

"""
RUN_EVENT_SCHEMAS = {"status": "StatusEvent", "step": "Step", "log": "LogLine", "done": "Run"}
"""The schema of each event's data."""
RUN_EVENT_RESPONSES: Responses = {
    200: {
        "description": "Events, each with its data as JSON: `status` when the run's status or its attempt changes; "
        "`step` when a step begins, and again when it ends; `log` with a line that the run has printed; and at the end "
        "`done` with the run, as from `GET /runs/{run_id}`. A comment follows after each 15 seconds without an event.",
        "content": {
            "text/event-stream": {
                "example": _EXAMPLE,
                "itemSchema": {"oneOf": [describe_event(name, schema) for name, schema in RUN_EVENT_SCHEMAS.items()]},
            }
        },
    }
}
"""The successful response of a route that streams a run's events."""
