"""Writing an agent's code, on the wire."""

from pydantic import AliasChoices, Field, JsonValue

from shared.models.agent import AgentIds, Models, Specs, Tools
from shared.models.session import ProviderConfig
from shared.models.wire import CamelModel, JsonObject, with_example


class GenerateCodeRequest(CamelModel):
    """What `POST /agents/generate-code` takes: what the agent should do, and with what. `composer` writes it."""

    model_config = with_example(
        description="Greets whoever is named in inputText.",
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
    """Its answer. `thoughts`: the model's thoughts, None if it gave none."""

    model_config = with_example(
        code="async def run(input_dict, tools):\n    return {'outputText': f\"Hello, {input_dict['inputText']}!\"}\n",
        friendlyName="greeter",
        docstring="Greets whoever is named.",
        thoughts=None,
    )

    code: str
    friendly_name: str
    docstring: str
    thoughts: JsonValue = None
