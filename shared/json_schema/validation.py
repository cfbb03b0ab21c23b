"""Validates values against agents' schemas in their two forms: the short form, `{"inputText": "string"}`, and JSON
Schema.

This is the only module that imports jsonschema_rs, at first use. Schemas and values are untrusted: nothing is fetched,
regular expressions take linear time, and validation that would take too long is refused (see `estimate_work`).
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn, cast

from pydantic import JsonValue

from shared.json_schema.cost import MAX_LEVELS, NotASchema, SchemaWork, estimate_work, measure_depth, measure_size
from shared.json_schema.parameters import to_parameter_specs
from shared.json_schema.short_form import to_json_schema
from shared.models.errors import BadRequest
from shared.models.wire import JsonObject

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator

__all__ = ["MAX_SCHEMA_BYTES", "Problem", "check_schema", "find_problems", "to_parameter_specs", "to_valid_schema"]

MAX_SCHEMA_BYTES = 100_000
"""The maximum size of a schema, in bytes."""
MAX_PROBLEMS = 20
"""The maximum number of problems that are described."""
_MAX_MESSAGE_CHARACTERS = 300
_MAX_NAME_CHARACTERS = 100
"""The maximum length of a property's name in a problem's location, which every problem repeats."""
_MAX_STEPS = 100_000_000
"""The maximum number of schemas times values, which takes about a second. Larger values are refused."""
_MAX_EXPLAINED = 20_000
"""The maximum for describing all problems, which takes a thousand times as long as finding one."""


@dataclass(frozen=True)
class Problem:
    """A problem with a value. `loc`: its location, with long names shortened. `type`: the violated keyword."""

    loc: tuple[str | int, ...]
    message: str
    type: str


@dataclass(frozen=True)
class _Compiled:
    validator: "Validator"
    work: SchemaWork


def to_valid_schema(schema: JsonObject) -> JsonObject:
    """Returns a schema of either form as JSON Schema.

    Raises `BadRequest` for other input; `check_schema` checks it fully.
    """
    with _raising_bad_request("The schema"):
        return to_json_schema(schema)


def check_schema(schema: JsonObject, name: str = "The schema") -> None:
    """Raises `BadRequest`, which names the position, if the schema cannot be used. `name`: its name in the message."""
    with _raising_bad_request(name):
        _compile(_text(to_json_schema(schema)))


def find_problems(schema: JsonObject, value: JsonValue) -> list[Problem]:
    """Returns at most 20 violations of a schema in either form; none if the value is valid.

    For a large value, only the first problem is described, or only a general one is returned. Raises `BadRequest` if
    the schema cannot be used. It blocks, usually for a millisecond, but at worst for seconds.
    """
    with _raising_bad_request("The schema"):
        compiled = _compile(_text(to_json_schema(schema)))
    if measure_depth(value) > MAX_LEVELS:
        return [Problem((), f"It is nested more than {MAX_LEVELS} levels deep.", "depth")]
    values = measure_size(value, _MAX_STEPS // compiled.work.unrolled)
    if values * compiled.work.unrolled > _MAX_STEPS:
        return [Problem((), "It is too large to be checked against its schema.", "size")]
    if compiled.validator.is_valid(value):
        return []
    return _explain(compiled, value, values)


@contextmanager
def _raising_bad_request(name: str) -> Generator[None]:
    try:
        yield
    except NotASchema as error:
        raise BadRequest(f"{name} cannot be used: {error}.") from error


def _explain(compiled: _Compiled, value: JsonValue, values: int) -> list[Problem]:
    """Describes the problems. Every path through a schema has its own errors, so the errors of a recursive schema grow
    with the value's depth.
    """
    work = compiled.work
    paths = work.recursive ** min(measure_depth(value), 20) if work.recursive > 1 else 1
    if values * work.unrolled * paths <= _MAX_EXPLAINED:
        return [_to_problem(error) for error in islice(compiled.validator.iter_errors(value), MAX_PROBLEMS)]
    if paths == 1 and not work.branches:
        from jsonschema_rs import ValidationError

        try:
            compiled.validator.validate(value)
        except ValidationError as error:
            return [_to_problem(error)]
    return [Problem((), "It does not match its schema.", "schema")]


def _to_problem(error: "ValidationError") -> Problem:
    return Problem(tuple(map(_shorten_name, error.instance_path)), _shorten(error.message), error.kind.name)


def _shorten_name(part: str | int) -> str | int:
    return (
        f"{part[: _MAX_NAME_CHARACTERS - 1]}…" if isinstance(part, str) and len(part) > _MAX_NAME_CHARACTERS else part
    )


def _shorten(message: str) -> str:
    return message if len(message) <= _MAX_MESSAGE_CHARACTERS else f"…{message[1 - _MAX_MESSAGE_CHARACTERS :]}"


def _text(schema: JsonObject) -> str:
    text = json.dumps(schema, ensure_ascii=False)
    if len(text.encode(errors="replace")) > MAX_SCHEMA_BYTES:
        raise NotASchema(f"it is longer than {MAX_SCHEMA_BYTES} bytes")
    return text


@lru_cache(maxsize=32)
def _compile(text: str) -> _Compiled:
    """Compiles a schema. Raises `NotASchema`."""
    import jsonschema_rs

    schema: JsonObject = json.loads(text)
    work = estimate_work(schema)
    try:
        validator = jsonschema_rs.validator_for(
            cast(dict[str, Any], schema),
            validate_formats=False,
            retriever=_refuse,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=100_000, dfa_size_limit=100_000),
        )
    except jsonschema_rs.ValidationError as error:
        raise NotASchema(_describe_error(error)) from error
    except ValueError as error:
        raise NotASchema(_shorten(str(error))) from error
    return _Compiled(validator, work)


def _refuse(uri: str) -> NoReturn:
    """Prevents the library from fetching documents that a schema refers to."""
    raise ValueError(f"{uri} is not fetched")


def _describe_error(error: "ValidationError") -> str:
    path = [str(part) for part in error.instance_path]
    where = f"at /{'/'.join(path)}, " if path else ""
    if "meta-schema" in error.message:
        return "its $schema is not a JSON Schema draft from draft-04 to 2020-12"
    if path[-1:] == ["type"] and error.kind.name == "anyOf":
        return f"{where}use string, number, integer, boolean, object, array or null, or a list of them"
    if error.message.endswith('is not a "regex"'):
        return f"{where}{_shorten(error.message)}, or it uses look-around, or it is too large"
    return f"{where}{_shorten(error.message)}"
