"""The request and response of writing an agent's code, on the wire."""

from pydantic import AliasChoices, Field, JsonValue

from shared.models.agent import AgentIds, Models, Specs, Tools
from shared.models.session import ProviderConfig
from shared.models.wire import CamelModel, JsonObject, with_example


class GenerateCodeRequest(CamelModel):
    """The request body of `POST /agents/generate-code`: the agent's purpose and resources. `composer` writes it."""

    model_config = with_example(
        description="Greets the person named in inputText.",
        inputSchema={"inputText": "string"},
        outputSchema={"outputText": "string"},
        modelConfig={"provider": "openai", "model": "gpt-4.1-mini", "parameters": {}},
    )

    description: str = Field(min_length=1, max_length=100_000)
    tools: Tools = {}
    input_schema: JsonObject | None = None
    output_schema: JsonObject | None = None
    composer: ProviderConfig = Field(validation_alias=AliasChoices("modelConfig", "model_config"))
    invokable_models: Models = []
    swagger_specs: Specs = []
    gofannon_agents: AgentIds = []
    built_in_tools: list[str] = Field(default_factory=list[str])


class GenerateCodeResponse(CamelModel):
    """The response of `POST /agents/generate-code`. `thoughts`: the model's thoughts, or None."""

    model_config = with_example(
        code="async def run(input_dict, tools):\n    return {'outputText': f\"Hello, {input_dict['inputText']}!\"}\n",
        friendlyName="greeter",
        docstring="Greets the person named in the input.",
        thoughts=None,
    )

    code: str
    friendly_name: str
    docstring: str
    thoughts: JsonValue = None
