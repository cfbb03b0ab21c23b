"""The questions that runs ask: their answers must fit a schema."""

import asyncio
import json
from typing import Any

from shared.json_schema.cost import NotASchema
from shared.json_schema.short_form import to_value_schema
from shared.late_imports import import_late
from shared.models.errors import BadRequest
from shared.models.question import Question
from shared.models.wire import JsonObject
from shared.sandbox.inside.calls import CallFailed

_DRAFT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
"""Says that a schema is JSON Schema, which `{"type": "string"}` alone would not be in an agent."""


async def encode_schema(schema: JsonObject | None) -> str | None:
    """Returns the schema as JSON text. Raises `CallFailed` for an invalid one."""
    if schema is None:
        return None
    validation = await import_late("shared.json_schema.validation")
    try:
        await asyncio.to_thread(validation.check_schema, _to_answer_schema(schema), "schema")
    except NotASchema as error:
        raise CallFailed(f"schema cannot be used: {error}.", ValueError) from error
    except BadRequest as error:
        raise CallFailed(error.message, ValueError) from error
    return json.dumps(schema)


async def find_problem(question: Question, answer: Any) -> str | None:
    """Returns what is wrong with an answer, None if it fits the question."""
    if question.choices is not None:
        if isinstance(answer, str) and answer in question.choices:
            return None
        return f"The answer must be one of: {', '.join(question.choices)}."
    if question.answer_schema is None:
        return None
    validation = await import_late("shared.json_schema.validation")
    schema = _to_answer_schema(json.loads(question.answer_schema))
    problems = await asyncio.to_thread(validation.find_problems, schema, answer)
    if not problems:
        return None
    path = ".".join(str(part) for part in problems[0].loc)
    return f"{path}: {problems[0].message}" if path else problems[0].message


def _to_answer_schema(schema: JsonObject) -> JsonObject:
    """Returns the schema of an answer, which need not be an object, as JSON Schema. Raises `NotASchema`."""
    return _DRAFT | to_value_schema(schema)
