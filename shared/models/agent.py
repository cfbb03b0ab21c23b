"""Agents: code that a user saved and the resources it may use, on the wire and in the store."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StringConstraints
from pydantic_core import PydanticCustomError

from shared.models.owned import STORED_EXAMPLE, StoredResource, Visibility
from shared.models.session import ProviderConfig
from shared.models.wire import CamelModel, JsonObject, empty_for_null, with_change_example, with_example

_FRIENDLY_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"


def _check_friendly_name(value: Any) -> Any:
    """Refuses an invalid name with a readable message. Pydantic's own message only quotes the regular expression."""
    if isinstance(value, str) and not re.fullmatch(_FRIENDLY_NAME, value):
        raise PydanticCustomError(
            "string_pattern_mismatch",
            "A friendly name consists of letters (A to Z), digits, _ and -, begins with a letter or a digit, and has "
            "at most 100 characters",
        )
    return value


FriendlyName = Annotated[str, StringConstraints(pattern=_FRIENDLY_NAME), BeforeValidator(_check_friendly_name)]
"""The name under which an agent is published: a segment of a URL."""


def _trim_addresses(tools: dict[str, list[str]]) -> dict[str, list[str]]:
    """Strips white space around addresses, and merges the tools of addresses that are then equal."""
    trimmed: dict[str, list[str]] = {}
    for url, names in tools.items():
        known = trimmed.setdefault(url.strip(), [])
        known.extend(name for name in names if name not in known) if known else known.extend(names)
    return trimmed


Tools = Annotated[dict[str, list[str]], BeforeValidator(empty_for_null(dict)), AfterValidator(_trim_addresses)]
"""The tools that may be called on each MCP server, by the server's URL without surrounding white space."""
AgentIds = Annotated[list[str], Field(max_length=100), BeforeValidator(empty_for_null(list))]


class SwaggerSpec(CamelModel):
    """An OpenAPI or Swagger document, as it was fetched."""

    model_config = with_example(
        name="Weather", content="openapi: 3.1.0\ninfo: {title: Weather, version: '1'}\npaths: {}\n"
    )

    name: str = Field(min_length=1, max_length=300)
    content: str


Specs = Annotated[list[SwaggerSpec], Field(max_length=50), BeforeValidator(empty_for_null(list))]
Models = Annotated[list[ProviderConfig], Field(max_length=100), BeforeValidator(empty_for_null(list))]


class AgentFields(CamelModel):
    """The fields of an agent that users set.

    Schemas have one of two forms: the short form, `{"inputText": "string"}`, or JSON Schema. `invokable_models`: the
    models that the code may call; empty means all of them. `gofannon_agents`: the ids of the agents that it may call.
    """

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=100_000)
    code: str
    docstring: str | None = None
    friendly_name: FriendlyName | None = None
    tools: Tools = {}
    swagger_specs: Specs = []
    input_schema: JsonObject | None = None
    output_schema: JsonObject | None = None
    invokable_models: Models = []
    gofannon_agents: AgentIds = []
    composer_thoughts: JsonValue = None
    composer_model_config: ProviderConfig | None = None
    visibility: Visibility = "private"


_GREETER: dict[str, Any] = {
    "name": "Greeter",
    "description": "Greets the person named in the input.",
    "code": "async def run(input_dict, tools):\n    return {'outputText': f\"Hello, {input_dict['inputText']}!\"}\n",
    "friendlyName": "greeter",
    "inputSchema": {"inputText": "string"},
    "outputSchema": {"outputText": "string"},
}


class CreateAgentRequest(AgentFields):
    """The request body of `POST /agents`."""

    model_config = with_example(**_GREETER)


class UpdateAgentRequest(CamelModel):
    """The request body of `PUT /agents/{id}`: only the fields that are sent change. Null clears an optional field.

    `rev`: the revision that the change is based on; it is refused if the agent has changed since.
    """

    model_config = with_change_example(description="Politely greets the person named in the input.")

    rev: Annotated[str, StringConstraints(max_length=100)] | None = Field(default=None, validation_alias="_rev")
    name: str = Field(default="", min_length=1, max_length=200)
    description: str = Field(default="", max_length=100_000)
    code: str = ""
    docstring: str | None = None
    friendly_name: FriendlyName | None = None
    tools: Tools = {}
    swagger_specs: Specs = []
    input_schema: JsonObject | None = None
    output_schema: JsonObject | None = None
    invokable_models: Models = []
    gofannon_agents: AgentIds = []
    composer_thoughts: JsonValue = None
    composer_model_config: ProviderConfig | None = None
    visibility: Visibility = "private"

    def changes(self) -> dict[str, Any]:
        """Returns the fields that were sent, by their Python names."""
        return {name: getattr(self, name) for name in self.model_fields_set - {"rev"}}


class StoredAgent(StoredResource[AgentFields]):
    """An agent as it is stored. `deployed_as`: the friendly name of a published agent, otherwise None."""

    deployed_as: str | None = None


class CodeWarning(CamelModel):
    """A warning about code that will fail, or behave unexpectedly, and how to avoid that."""

    model_config = with_example(line=1, message="The module os is not available here.")

    line: int
    message: str


EngineName = Literal["python"]
ENGINE: EngineName = "python"
"""The only engine for agents' code: CPython 3.14 in WebAssembly."""


class Agent(AgentFields):
    """An agent as the API returns it. `warnings` and `engine`, which runs it, are only in responses to changes."""

    model_config = with_example(
        **STORED_EXAMPLE,
        **_GREETER,
        tools={},
        swaggerSpecs=[],
        invokableModels=[],
        gofannonAgents=[],
        docstring=None,
        composerThoughts=None,
        composerModelConfig=None,
        visibility="private",
    )

    id: str = Field(serialization_alias="_id")
    rev: str = Field(serialization_alias="_rev")
    created_at: datetime
    updated_at: datetime
    warnings: list[CodeWarning] | None = Field(default=None, exclude_if=lambda value: value is None)
    engine: EngineName | None = Field(default=None, exclude_if=lambda value: value is None)


def to_agent(stored: StoredAgent, warnings: list[CodeWarning] | None = None) -> Agent:
    """Returns the agent as the API returns it. `warnings`: the findings of the analysis, if the code was changed."""
    return Agent(**stored.to_response_fields(), warnings=warnings, engine=None if warnings is None else ENGINE)
