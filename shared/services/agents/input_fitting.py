"""Fits an agent's input to its schema."""

import asyncio

from shared.late_imports import import_late
from shared.models.agent import StoredAgent
from shared.models.errors import InvalidInput
from shared.models.wire import JsonObject


async def fit_input(agent: StoredAgent, input_dict: JsonObject) -> JsonObject:
    """Returns the input if it fits the agent's schema. Checks it in a thread, as that may take a while.

    If it does not fit, parses the strings that a form has sent in place of other values, and returns the result if that
    fits. Raises `InvalidInput` if neither fits.
    """
    schema = agent.fields.input_schema
    if not schema:
        return input_dict
    validation, form_values = await asyncio.gather(
        import_late("shared.json_schema.validation"), import_late("shared.json_schema.form_values")
    )

    def fit() -> JsonObject:
        if not (problems := validation.find_problems(schema, input_dict)):
            return input_dict
        parsed: JsonObject = form_values.read_texts(validation.to_valid_schema(schema), input_dict)
        if parsed is not input_dict:
            problems = validation.find_problems(schema, parsed)
        if problems:
            raise InvalidInput([(problem.type, problem.loc, problem.message) for problem in problems])
        return parsed

    return await asyncio.to_thread(fit)
