"""Code that loads, but whose `run` can never return a value, has a fault that is reported to the model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.services.generation.code_answer import read_code
from shared.services.generation.code_check import NO_RESULT, NO_RUN, TOO_MANY_PARAMETERS, find_fault

HEAD = "async def run(input_dict, tools):\n"


@pytest.mark.parametrize(
    "body",
    [
        "return {'a': 1}",
        "return input_dict",
        "return {}",
        "return None if input_dict else {'a': 1}",
        "if input_dict:\n        return 1\n    raise ValueError('no')",
        "try:\n        return await main()\n    finally:\n        pass",
        "match input_dict:\n        case {'a': a}:\n            return a",
        "for each in tools:\n        with open(each) as file:\n            return file.read()",
        "while True:\n        if await ready():\n            return 'done'",
    ],
)
def test_a_run_that_returns_a_value_has_no_fault(body: str) -> None:
    """The value may be returned anywhere in `run`."""
    assert find_fault(f"{HEAD}    {body}\n") is None


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "...",
        "return",
        "return None",
        "return ...",
        "input_dict['a']",
        "print('done')",
        "if input_dict:\n        return\n    return None",
        "raise NotImplementedError",
        "while True:\n        await asyncio.sleep(1)",
        "def inner():\n        return 1\n    inner()",
        "async def inner():\n        return 1\n    await inner()",
        "f = lambda: 1",
        "class A:\n        def f(self):\n            return 1",
    ],
)
def test_a_run_that_never_returns_a_value_has_a_fault(body: str) -> None:
    """Values that inner functions return do not count. A `run` that only raises or never ends has a fault."""
    assert find_fault(f"{HEAD}    {body}\n") == NO_RESULT


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("", NO_RUN),
        ("x = 1", NO_RUN),
        ("class Agent:\n    async def run(self, input_dict, tools):\n        return 1\n", NO_RUN),
        ("def outer():\n    async def run(input_dict, tools):\n        return 1\n", NO_RUN),
        ("if True:\n    async def run(input_dict, tools):\n        return 1\n", None),
        ("try:\n    import x\nexcept ImportError:\n    async def run(input_dict, tools):\n        return 1\n", None),
        (f"{HEAD}    return 1\n\n\n{HEAD}    pass\n", NO_RESULT),
        ("async def main(input_dict, tools):\n    return 1\n\nrun = main\n", None),
        ("def run(input_dict, tools):\n    return 1\n", None),
        ("async def run(:", None),
        ("async def run(a, b, c):\n    return 1\n", TOO_MANY_PARAMETERS),
        ("async def run(a, b, /, c):\n    return 1\n", TOO_MANY_PARAMETERS),
        ("async def run(input_dict, tools, *, model):\n    return 1\n", TOO_MANY_PARAMETERS),
        ("async def run(a, b, c=1, *rest, d=2, **more):\n    return 1\n", None),
        ("async def run(*, input_dict, tools):\n    return 1\n", None),
        ("async def run():\n    return 1\n", None),
    ],
)
def test_only_the_last_top_level_run_is_checked(code: str, fault: str | None) -> None:
    """Other functions named `run` do not count. Code that does not parse has no fault, because loading reports it."""
    assert find_fault(code) == fault


@pytest.mark.parametrize(
    "answer",
    [
        '{"code": "x = 1"}',
        '{"answer": "I would need more details."}',
        "Sorry",
        "Sorry, I cannot help with that.",
        "class Agent:\n    async def run(self, input_dict, tools):\n        return {}\n",
        "```python\nclass Agent:\n    def run(self, input_dict, tools):\n        return {}\n```\nThat is all.",
        "",
        "input_dict['inputText'].upper()",
    ],
)
def test_an_answer_without_an_agent_is_rejected(answer: str) -> None:
    """Code from an answer without an agent does not parse, or has a fault."""
    code = read_code(answer)
    try:
        compile(code, "agent.py", "exec")
    except SyntaxError:
        return
    assert find_fault(code) in (NO_RESULT, NO_RUN)


@given(st.text(max_size=200))
def test_any_code_can_be_checked(code: str) -> None:
    """Checking never raises an exception."""
    assert find_fault(code) in (None, NO_RESULT, NO_RUN)
