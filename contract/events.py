"""Describes the data of events, which belongs to no response that FastAPI knows."""

from typing import Any

from shared.models.events import DeltaEvent, StatusEvent, ToolEvent
from shared.models.journal import LogLine


def schemas() -> dict[str, Any]:
    """Returns the schemas of the events' data, for `components.schemas`."""
    result: dict[str, Any] = {}
    for model in (DeltaEvent, LogLine, StatusEvent, ToolEvent):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="validation")
        result |= schema.pop("$defs", {}) | {model.__name__: schema}
    return result
