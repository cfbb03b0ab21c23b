"""Runs code for a caller, for tests."""

from typing import Any

import pytest

from shared.models.caller import Caller
from shared.models.errors import CodeFailed
from shared.models.run import RunCodeRequest, RunCodeResponse
from tests.services.harness import Harness

MODEL_CALLER = """
async def run(input_dict, tools):
    content, thoughts = await call_llm(provider="openai", model="gpt-4.1-mini",
        messages=[{"role": "user", "content": input_dict["question"]}], parameters={"max_tokens": 100})
    return {"outputText": content}
"""


async def run(harness: Harness, caller: Caller, code: str, input_dict: Any = None, **fields: Any) -> RunCodeResponse:
    request = RunCodeRequest(code=code, input_dict=input_dict or {}, **fields)
    return await harness.runs.run_code(caller, request)


async def run_and_fail(
    harness: Harness, caller: Caller, code: str, input_dict: Any = None, **fields: Any
) -> CodeFailed:
    with pytest.raises(CodeFailed) as raised:
        await run(harness, caller, code, input_dict, **fields)
    return raised.value


def create_runs(harness: Harness, **fields: Any) -> Any:
    """Creates a run service with changed settings."""
    return Harness(harness.settings.model_copy(update=fields), harness.catalog).runs
