"""Demos: web pages that a model wrote for published agents, on the wire and in the store."""

from datetime import datetime
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field, JsonValue, StringConstraints

from shared.models.owned import STORED_EXAMPLE, StoredResource, Visibility
from shared.models.session import ProviderConfig
from shared.models.wire import REQUEST_AND_RESPONSE, CamelModel, JsonObject, empty_for_null, with_example


class SelectedApi(CamelModel):
    """An entry of `GET /deployments`, as a frontend sends it back. Only its name is used."""

    model_config = REQUEST_AND_RESPONSE

    friendly_name: str = Field(min_length=1, max_length=200)
    agent_id: str = Field(default="", max_length=1500)
    description: str = Field(default="", max_length=100_000)
    input_schema: JsonObject | None = None
    output_schema: JsonObject | None = None


SelectedApis = Annotated[list[SelectedApi], Field(max_length=50), BeforeValidator(empty_for_null(list))]
Composer = Annotated[
    ProviderConfig,
    Field(validation_alias=AliasChoices("modelConfig", "model_config"), serialization_alias="modelConfig"),
]
"""The model that writes the demo. pydantic reserves the name `model_config`."""


class DemoCode(CamelModel):
    """The parts of a page. `html` is the content of its body. `js` can use the constant `API_BASE_URL`."""

    html: str
    css: str
    js: str


class DemoFields(CamelModel):
    """The fields of a demo that users set. Anyone can open a shared demo, even without a token."""

    name: str = Field(min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=100_000)
    selected_apis: SelectedApis
    composer: Composer
    user_prompt: str = Field(max_length=100_000)
    generated_code: DemoCode
    composer_thoughts: JsonValue = None
    visibility: Visibility = "private"


class CreateDemoRequest(DemoFields):
    """The request body of `POST /demos`."""

    model_config = with_example(
        name="Greetings",
        userPrompt="A page that greets me by my name.",
        selectedApis=[{"friendlyName": "greeter"}],
        modelConfig={"provider": "openai", "model": "gpt-4.1-mini", "parameters": {}},
        generatedCode={"html": "<p>Hello</p>", "css": "p { color: teal; }", "js": ""},
    )


class ReplaceDemoRequest(DemoFields):
    """The request body of `PUT /demos/{id}`: the whole demo. If `visibility` is not sent, it does not change.

    `rev`: the revision that the change is based on; it is refused if the demo has changed since.
    """

    model_config = with_example(
        name="Greetings",
        userPrompt="A page that greets me by my name.",
        selectedApis=[{"friendlyName": "greeter"}],
        modelConfig={"provider": "openai", "model": "gpt-4.1-mini", "parameters": {}},
        generatedCode={"html": "<p>Hello, you</p>", "css": "p { color: teal; }", "js": ""},
    )

    rev: Annotated[str, StringConstraints(max_length=100)] | None = Field(default=None, validation_alias="_rev")

    def fields(self, visibility: Visibility) -> DemoFields:
        """Returns the fields to store. `visibility`: the current one, which applies if the request has none."""
        sent = self.visibility if "visibility" in self.model_fields_set else visibility
        return DemoFields.model_validate(self.model_dump(exclude={"rev"}) | {"visibility": sent})


class StoredDemo(StoredResource[DemoFields]):
    """A demo as it is stored."""


class Demo(DemoFields):
    """A demo as the API returns it."""

    model_config = with_example(
        **STORED_EXAMPLE,
        name="Greetings",
        userPrompt="A page that greets me by my name.",
        selectedApis=[
            {
                "friendlyName": "greeter",
                "agentId": "5b0a7b2e-8a53-4d4e-9a55-2a0b8f7f6c11",
                "description": "Greets the person named in the input.",
                "inputSchema": {"inputText": "string"},
                "outputSchema": {"outputText": "string"},
            }
        ],
        modelConfig={"provider": "openai", "model": "gpt-4.1-mini", "parameters": {}, "builtInTool": None},
        generatedCode={"html": "<p>Hello</p>", "css": "p { color: teal; }", "js": ""},
        description=None,
        composerThoughts=None,
        visibility="private",
    )

    id: str = Field(serialization_alias="_id")
    rev: str = Field(serialization_alias="_rev")
    created_at: datetime
    updated_at: datetime


def to_demo(stored: StoredDemo) -> Demo:
    """Returns the demo as the API returns it."""
    return Demo(**stored.to_response_fields())


class GenerateDemoRequest(CamelModel):
    """The request body of `POST /demos/generate-code`: what the page should do, and which deployments it may call."""

    model_config = with_example(
        userPrompt="A page that greets me by my name.",
        selectedApis=[{"friendlyName": "greeter"}],
        modelConfig={"provider": "openai", "model": "gpt-4.1-mini", "parameters": {}},
    )

    user_prompt: str = Field(min_length=1, max_length=100_000)
    selected_apis: SelectedApis
    composer: Composer
    built_in_tools: Annotated[list[str], BeforeValidator(empty_for_null(list))] = []


class GeneratedDemo(DemoCode):
    """The response of `POST /demos/generate-code`. `thoughts`: the model's thoughts, or None."""

    model_config = with_example(html="<p>Hello</p>", css="p { color: teal; }", js="", thoughts=None)

    thoughts: JsonValue = None
