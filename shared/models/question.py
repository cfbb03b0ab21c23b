"""A question that a run asks a person, and waits for."""

from pydantic import AwareDatetime, JsonValue
from pydantic_core import from_json

from shared.models.wire import JsonObject, SnakeModel


class Question(SnakeModel):
    """A question as it is stored. `call`: the call of the run that asks it.

    The answer must be one of `choices`, or fit the JSON Schema `answer_schema`, which is stored as JSON text; without
    either it is any JSON value. `expires_at`: when the run stops waiting for the answer. `answer`: as JSON text.
    """

    call: str
    text: str
    choices: list[str] | None = None
    answer_schema: str | None = None
    asked_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    answer: str | None = None
    answered_at: AwareDatetime | None = None

    def read_answer(self) -> JsonValue:
        """Returns the answer. The question must have been answered."""
        answer: JsonValue = from_json(self.answer or "null")
        return answer

    def read_schema(self) -> JsonObject | None:
        """Returns the schema that the answer must fit, if there is one."""
        schema: JsonObject | None = None if self.answer_schema is None else from_json(self.answer_schema)
        return schema

    @property
    def is_open(self) -> bool:
        """Whether the question has not been answered."""
        return self.answer is None
