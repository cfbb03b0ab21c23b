"""Demos: web pages that a model wrote around published agents; on the wire, and as they are stored."""

from datetime import datetime
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field, JsonValue, StringConstraints

from shared.models.owned import Stored, Visibility
from shared.models.session import ProviderConfig
from shared.models.wire import CamelModel, JsonObject, empty_for_null


class SelectedApi(CamelModel):
    """An entry of `GET /deployments`, as a frontend sends it back. Only its name is relied on."""

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
"""The model that writes the demo. pydantic has a meaning of its own for the name `model_config`."""


class DemoCode(CamelModel):
    """A page's parts. `html` is what its body holds; `js` finds the constant `API_BASE_URL` defined."""

    html: str
    css: str
    js: str


class DemoFields(CamelModel):
    """What users say of a demo. A shared one may be opened by everybody, without a token too."""

    name: str = Field(min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=100_000)
    selected_apis: SelectedApis
    composer: Composer
    user_prompt: str = Field(max_length=100_000)
    generated_code: DemoCode
    composer_thoughts: JsonValue = None
    visibility: Visibility = "private"


class CreateDemoRequest(DemoFields):
    """What `POST /demos` takes."""


class ReplaceDemoRequest(DemoFields):
    """What `PUT /demos/{id}` takes: all of it again; only a `visibility` that is not sent stays as it is.

    `rev`: the revision that the change was made for; a newer one refuses it.
    """

    rev: Annotated[str, StringConstraints(max_length=100)] | None = Field(default=None, validation_alias="_rev")

    def fields(self, visibility: Visibility) -> DemoFields:
        """What is to be stored, where `visibility` is what there was."""
        sent = self.visibility if "visibility" in self.model_fields_set else visibility
        return DemoFields.model_validate(self.model_dump(exclude={"rev"}) | {"visibility": sent})


class StoredDemo(Stored[DemoFields]):
    """What is stored of a demo."""


class Demo(DemoFields):
    """A demo as it is answered."""

    id: str = Field(serialization_alias="_id")
    rev: str = Field(serialization_alias="_rev")
    created_at: datetime
    updated_at: datetime


def demo_of(stored: StoredDemo) -> Demo:
    """The demo as it is answered."""
    return Demo(**stored.answered())


class GenerateDemoRequest(CamelModel):
    """What `POST /demos/generate-code` takes: what the page shall do, and with which deployments."""

    user_prompt: str = Field(min_length=1, max_length=100_000)
    selected_apis: SelectedApis
    composer: Composer
    built_in_tools: Annotated[list[str], BeforeValidator(empty_for_null(list))] = []


class GeneratedDemo(DemoCode):
    """Its answer. `thoughts`: what the model thought, None if it did not tell."""

    thoughts: JsonValue = None
