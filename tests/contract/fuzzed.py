"""Configures which requests schemathesis generates for the document's operations, and how it checks the responses.

Purely random bodies would rarely pass validation. Some bodies therefore contain names of existing resources, working
code, and available models.
"""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, cast

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.answer_check import stored_document
from tests.contract.test_document import examples_of
from tests.images import PNG, data_url

SEED = int(os.environ.get("FUZZ_SEED", "1"))
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))
"""The number of requests for each operation, and the number of sequences of requests."""
SEQUENCE_LENGTH = 12
"""The number of requests in a sequence."""

Headers = dict[str, str]
_MODEL = {"provider": "openai", "model": "gpt-4.1-mini"}
_REALISTIC: dict[str, list[Any]] = {
    "provider": ["openai", "openai", "local", "gofannon", "anthropic"],
    "model": ["gpt-4.1-mini", "gpt-4.1-mini", "greeter", "openai/gpt-4.1-mini", "gofannon/greeter"],
    "parameters": [{}, {"temperature": 0.5}, {"inputText": "Ada"}],
    "builtInTools": [[]],
    "modelConfig": [_MODEL],
    "composerModelConfig": [_MODEL, None],
    "invokableModels": [[], [_MODEL]],
    "code": [
        "async def run(input_dict, tools):\n    return input_dict",
        "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText']}",
        "async def run(input_dict, tools):\n    print('x')\n    return 1 / len(input_dict)",
        "async def run(input_dict, tools):\n"
        '    return (await call_llm(provider="openai", model="gpt-4.1-mini", messages=str(input_dict)))[0]',
        "async def run(input_dict, tools):\n    return await gofannon_client.call('greeter', input_dict)",
    ],
    "friendlyName": ["greeter", "made-up", "made-up-too", None],
    "inputSchema": [{}, {"inputText": "string"}, {"type": "object"}, None],
    "outputSchema": [{}, {"outputText": "string"}, {"type": "object", "required": ["x"]}, None],
    "inputDict": [{}, {"inputText": "Ada"}, {"a": [1.5, None, {"b": "ü"}]}],
    "tools": [{}],
    "swaggerSpecs": [[]],
    "gofannonAgents": [[]],
    "monthlyAllowance": [0, 0.000001, 50, 100],
    "spendRemaining": [0, 0.000001, 50, 100],
    "allowanceResetDate": [0, 100_000_000_000, 4_000_000_000_000],
    "responseCost": [0, 0.5, 1000],
    "cron": ["*/5 * * * *", "0 8 * * 1-5", "* * * * * *", "0 0 30 2 *"],
    "timezone": ["UTC", "America/New_York", "Mars/Olympus"],
    "_rev": [None, "outdated"],
    "url": ["http://127.0.0.1:9/", "ftp://x", "https://localhost./spec.yaml"],
    "image_url": [{"url": data_url(PNG)}, {"url": "https://127.0.0.1:9/a.png"}, {"url": "ftp://x"}],
    "events": [["run.completed"], ["run.failed", "run.waiting"], ["run.started"], []],
    "enabled": [True, False],
    "method": ["ping", "tools/list", "server/discover", "initialize", "tasks/get", "notifications/cancelled"],
    "mcp_url": ["http://127.0.0.1:9/", "ftp://x", "https://localhost./mcp"],
}


def operations() -> dict[str, str]:
    """Returns schemathesis's labels for all operations in the document, by operation id."""
    return {
        operation["operationId"]: f"{method.upper()} {path}"
        for path, item in stored_document()["paths"].items()
        for method, operation in item.items()
    }


def document(existing_ids: Callable[[], dict[str, str]]) -> schemathesis.BaseSchema:
    """Loads the document for schemathesis. `existing_ids` returns values for the parameters that identify resources."""
    schema = schemathesis.openapi.from_dict(deepcopy(stored_document()))
    schema.config.generation.update(with_security_parameters=False)  # the tests choose the caller

    def before_generate_path_parameters(_context: object, generated: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.builds(_insert_existing_ids, generated, st.integers(0, 3))

    def _insert_existing_ids(generated: Any, chance: int) -> Any:
        if not chance or not isinstance(generated, dict):
            return generated
        return {name: existing_ids().get(name, value) for name, value in cast("dict[str, Any]", generated).items()}

    schema.hooks.hook(before_generate_path_parameters)
    schema.hooks.hook(before_generate_body)
    return schema


def before_generate_body(
    context: schemathesis.HookContext, generated: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """Returns either the document's examples, or bodies in which realistic values replace some or all generated
    ones."""
    assert context.operation is not None
    operation = stored_document()["paths"][context.operation.path][context.operation.method.lower()]
    examples = examples_of(operation["requestBody"]["content"]["application/json"]["schema"])
    values = {name: st.sampled_from(choices) for name, choices in _REALISTIC.items()}
    some_fields, all_fields = st.fixed_dictionaries({}, optional=values), st.fixed_dictionaries(values)
    return st.builds(_insert_realistic, generated, some_fields | all_fields) | st.sampled_from(examples)


def _insert_realistic(generated: Any, realistic: dict[str, Any]) -> Any:
    if not isinstance(generated, dict):
        return generated
    body = cast("dict[str, Any]", generated)
    return {**body, **{name: value for name, value in realistic.items() if name in body}}


def no_internal_error(_context: schemathesis.CheckContext, response: schemathesis.Response, case: Any) -> None:
    """Allows 500 only if a published agent's code fails, allows 502 and 504 because of third-party servers, and never
    allows 503.
    """
    status = response.status_code
    failed_code = status == 500 and '"run_id"' in response.text
    assert status < 500 or status in (502, 504) or failed_code, f"{status}: an internal error"


CHECKS: list[schemathesis.CheckFunction] = [
    no_internal_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@contextmanager
def report_seed() -> Generator[None]:
    """Adds a note to a failure that says how to reproduce it."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"Generated with FUZZ_SEED={SEED} FUZZ_EXAMPLES={EXAMPLES}.")
        raise


def hypothesis_settings(**options: Any) -> settings:
    """Returns settings with `EXAMPLES` examples and no database, so that only the seed determines the requests."""
    return settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        **options,
    )
