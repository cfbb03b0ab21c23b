"""What schemathesis makes up for the document's operations, and what it holds the answers against.

Made-up bodies alone would hardly get beyond the first refusal. So names of things that exist, code that runs and
models that answer stand in them now and then.
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

from tests.contract.answer_check import kept
from tests.contract.test_document import examples_of

SEED = int(os.environ.get("FUZZ_SEED", "1"))
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))
"""Requests for each operation; and sequences of requests."""
STEPS = 12
"""The requests of a sequence."""

Headers = dict[str, str]
_MODEL = {"provider": "openai", "model": "gpt-4.1-mini"}
_SENSIBLE: dict[str, list[Any]] = {
    "provider": ["openai", "openai", "local", "gofannon", "anthropic"],
    "model": ["gpt-4.1-mini", "gpt-4.1-mini", "greeter"],
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
    "_rev": [None, "stale"],
    "url": ["http://127.0.0.1:9/", "ftp://x", "https://localhost./spec.yaml"],
    "mcp_url": ["http://127.0.0.1:9/", "ftp://x", "https://localhost./mcp"],
}


def operations() -> dict[str, str]:
    """All that the document tells: by their ids, as schemathesis names them."""
    return {
        operation["operationId"]: f"{method.upper()} {path}"
        for path, item in kept()["paths"].items()
        for method, operation in item.items()
    }


def document(known: Callable[[], dict[str, str]]) -> schemathesis.BaseSchema:
    """The document, for schemathesis. `known` names things that exist, by the parameters that take their names."""
    schema = schemathesis.openapi.from_dict(deepcopy(kept()))
    schema.config.generation.update(with_security_parameters=False)  # who calls is the tests' choice

    def before_generate_path_parameters(_context: object, made_up: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.builds(_with_known, made_up, st.integers(0, 3))

    def _with_known(made_up: Any, chance: int) -> Any:
        if not chance or not isinstance(made_up, dict):
            return made_up
        return {name: known().get(name, value) for name, value in cast("dict[str, Any]", made_up).items()}

    schema.hooks.hook(before_generate_path_parameters)
    schema.hooks.hook(before_generate_body)
    return schema


def before_generate_body(context: schemathesis.HookContext, made_up: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The document's own examples; or, in what is made up, some of the fields or all sensible."""
    assert context.operation is not None
    told = kept()["paths"][context.operation.path][context.operation.method.lower()]
    examples = examples_of(told["requestBody"]["content"]["application/json"]["schema"])
    values = {name: st.sampled_from(found) for name, found in _SENSIBLE.items()}
    some, all_of_them = st.fixed_dictionaries({}, optional=values), st.fixed_dictionaries(values)
    return st.builds(_with_sensible, made_up, some | all_of_them) | st.sampled_from(examples)


def _with_sensible(made_up: Any, some: dict[str, Any]) -> Any:
    if not isinstance(made_up, dict):
        return made_up
    body = cast("dict[str, Any]", made_up)
    return {**body, **{name: value for name, value in some.items() if name in body}}


def no_fault_of_ours(_context: schemathesis.CheckContext, response: schemathesis.Response, case: Any) -> None:
    """500 for published code that fails alone; 502 and 504 are others' faults; and nothing is ever out of reach."""
    status = response.status_code
    failed_code = status == 500 and '"run_id"' in response.text
    assert status < 500 or status in (502, 504) or failed_code, f"{status}: a fault of ours"


CHECKS: list[schemathesis.CheckFunction] = [
    no_fault_of_ours,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@contextmanager
def telling_the_seed() -> Generator[None]:
    """What fails says how to see it again."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"Made up with FUZZ_SEED={SEED} FUZZ_EXAMPLES={EXAMPLES}.")
        raise


def hypothesis_settings(**more: Any) -> settings:
    """As many examples as are asked for, and none remembered: the seed alone says what is sent."""
    return settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        **more,
    )
