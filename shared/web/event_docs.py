"""Describes event streams for the OpenAPI document."""

from typing import Any

from shared.web.error_responses import Responses

_EXAMPLE = """\
retry: 1000

event: status
data: {"status":"processing","attempt":1}

id: 1
event: delta
data: {"content":"The capital of "}

id: 2
event: delta
data: {"content":"Germany is Berlin."}

id: 2
event: done
data: {"ticket_id":"0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10","status":"completed", ...}

"""
EVENT_SCHEMAS = {"delta": "DeltaEvent", "tool": "ToolEvent", "status": "StatusEvent", "done": "ChatResponse"}
"""The schema of each event's data."""


def describe_event(name: str, schema: str) -> dict[str, Any]:
    """Returns the schema of an event with this name, whose data has this schema."""
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": f"#/components/schemas/{schema}"},
    }
    return {
        "type": "object",
        "required": ["event", "data"],
        "properties": {"id": {"type": "string"}, "event": {"const": name}, "data": data},
    }


EVENT_RESPONSES: Responses = {
    200: {
        "description": "Events, each with its data as JSON: `delta` with the next piece of the answer's `content` or "
        "`reasoning`; `tool` with `tool_calls` that are left to the caller; `status` when the ticket's status or its "
        "attempt changes, with `restart` if all earlier deltas are void; and at the end `done` with the ticket, as "
        "from `GET /chat/{ticket_id}`. The contents of all deltas, joined, are the `content` of the result. A comment "
        "follows after each 15 seconds without an event.",
        "content": {
            "text/event-stream": {
                "example": _EXAMPLE,
                # A keyword of OpenAPI 3.2, which describes each event. Those who only know 3.1 ignore it.
                "itemSchema": {"oneOf": [describe_event(name, schema) for name, schema in EVENT_SCHEMAS.items()]},
            }
        },
    }
}
"""The successful response of a route that streams a ticket's events."""
