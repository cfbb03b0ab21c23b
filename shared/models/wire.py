"""The base of everything that crosses the wire: camelCase outside, snake_case inside, both accepted.

What is answered has all its fields, those with a default too, and the API's document says so.
"""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, JsonValue, StringConstraints
from pydantic.alias_generators import to_camel

JsonObject = dict[str, JsonValue]
"""Any JSON object. Numbers are finite."""


Address = Annotated[str, StringConstraints(max_length=8000, strip_whitespace=True)]
"""A URL, without the white space that comes along when people copy it. Whether it is one is not checked here."""


def empty_for_null(kind: Callable[[], Any]) -> Callable[[Any], Any]:
    """A validator for what is optional: null is as good as leaving it out."""
    return lambda value: kind() if value is None else value


OptionalJsonObject = Annotated[JsonObject, BeforeValidator(empty_for_null(dict))]
"""The same, or null, which is an empty one."""


def is_plain_id(text: str) -> bool:
    """Whether a text can be a document's id: https://firebase.google.com/docs/firestore/quotas."""
    reserved = text in (".", "..") or (text.startswith("__") and text.endswith("__"))
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return not reserved and "/" not in text and "\0" not in text and 0 < size <= 1500


def _check_plain_id(text: str) -> str:
    if not is_plain_id(text):
        raise ValueError("not an id: 1 to 1500 bytes without '/' and NUL, not '.', '..' or '__…__'")
    return text


PlainId = Annotated[str, AfterValidator(_check_plain_id)]
"""A text that can be a document's id."""


def with_example(**example: Any) -> ConfigDict:
    """For a model's `model_config`: an example of it as it is on the wire, for the API's document."""
    return ConfigDict(json_schema_extra={"examples": [example]})


def with_change_example(**example: Any) -> ConfigDict:
    """The same for a model of which only the fields that are sent count: what is not sent has no default."""

    def show(schema: dict[str, Any]) -> None:
        schema["examples"] = [example]
        for field in schema["properties"].values():
            field.pop("default", None)

    return ConfigDict(json_schema_extra=show)


REQUEST_AND_RESPONSE = ConfigDict(json_schema_serialization_defaults_required=False)
"""For a model that is answered and sent alike: one schema, in which fields with a default need not be there."""


class CamelModel(BaseModel):
    """Written in camelCase; read in either spelling. Unknown fields are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
    )


class SnakeModel(BaseModel):
    """For the shapes whose wire names are snake_case (tickets, the provider catalog)."""

    model_config = ConfigDict(
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
    )
