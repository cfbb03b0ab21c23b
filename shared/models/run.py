"""Runs of agent code, on the wire."""

from pydantic import JsonValue

from shared.models.agent import AgentIds, EngineName, Models, Tools
from shared.models.wire import CamelModel, OptionalJsonObject, with_example


class RunCodeRequest(CamelModel):
    """The request body of `POST /agents/run-code`: code, which need not be saved, and the resources it may use.

    `invokable_models`: the models that it may call; empty means all of them.
    """

    model_config = with_example(
        code="async def run(input_dict, tools):\n    print('adding')\n    return {'sum': sum(input_dict['numbers'])}\n",
        inputDict={"numbers": [2, 3]},
        tools={},
    )

    code: str
    input_dict: OptionalJsonObject = {}
    tools: Tools = {}
    gofannon_agents: AgentIds = []
    invokable_models: Models = []


class RunCodeResponse(CamelModel):
    """The response of `POST /agents/run-code`. `logs`: the printed lines. `engine`: the engine that ran the code.

    `error` is always null: the response to a failed run has the status 400 and another shape.
    """

    model_config = with_example(result={"sum": 5}, error=None, logs=["adding"], durationMs=12, engine="python")

    result: JsonValue
    error: None = None
    logs: list[str]
    duration_ms: int
    engine: EngineName
