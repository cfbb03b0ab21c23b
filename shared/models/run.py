"""Runs of agent code, on the wire."""

from pydantic import JsonValue

from shared.models.agent import AgentIds, Models, Tools
from shared.models.wire import CamelModel, OptionalJsonObject


class RunCodeRequest(CamelModel):
    """What `POST /agents/run-code` takes: code that need not be saved, and what it may use.

    `invokable_models`: the models that it may call; empty: every one there is.
    """

    code: str
    input_dict: OptionalJsonObject = {}
    tools: Tools = {}
    gofannon_agents: AgentIds = []
    invokable_models: Models = []


class RunCodeResponse(CamelModel):
    """Its answer. `logs`: the lines that were printed. `error` is null: a run that failed is answered 400."""

    result: JsonValue
    error: None = None
    logs: list[str]
    duration_ms: int
