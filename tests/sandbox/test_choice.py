"""Which engine runs what, and that it is decided before anything runs."""

from dataclasses import replace

import pytest

from shared.sandbox import Program, look
from shared.sandbox.choice import Engines, engines
from shared.sandbox.inspection.look import looked_at
from shared.settings import Settings
from tests.sandbox.abilities import ScriptedAbilities
from tests.sandbox.conftest import LIMITS

RUN = "async def run(input_dict, tools):\n"


@pytest.fixture
def both(settings: Settings) -> Engines:
    return engines(settings)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (RUN + "    yield 1", "line 2: Generators (`yield`) do not run in the fast engine"),
        ("import enum\n" + RUN + "    return 1", "line 1: There is no module `enum` in the fast engine"),
        (
            RUN + "    async with httpx.AsyncClient() as c:\n        pass",
            "line 2: `async with` does not run in the fast",
        ),
        (
            RUN + "    try:\n        pass\n    except httpx.ConnectError:\n        pass",
            "line 4: `except httpx.ConnectError`",
        ),
        ("type X = int\n" + RUN + "    return 1", "line 1: Syntax newer than Python 3.11"),
        (
            "if True:\n    async def run(input_dict, tools):\n        return 1",
            "line 1: The code defines no `async def run",
        ),
        (RUN + "    import textwrap\n    return 1", "line 2: There is no module `textwrap` in the fast engine"),
    ],
)
def test_what_the_fast_engine_lacks_goes_to_the_full_one(code: str, why: str) -> None:
    """Also what this process cannot read, and what may never be reached: in doubt the full one."""
    looked = looked_at(code)
    assert (looked.engine, looked.faults) == ("full", [])
    assert looked.why
    assert looked.why.startswith(why)


@pytest.mark.parametrize(
    "code",
    [
        "x = 1",
        "def run(input_dict, tools):\n    return 1",
        "import requests\n" + RUN + "    return 1",
        "from . import x\n" + RUN + "    return 1",
        RUN + "    return httpx.get('https://example.com').json()",
        RUN + "    return input('?')",
        RUN + "    return call_llm(provider='p', model='m', messages=[])[0]",
        RUN + "    try:\n        pass\n    except litellm.RateLimitError:\n        pass",
        "#" * 200_001,
    ],
)
def test_what_no_engine_runs_is_a_fault(code: str) -> None:
    """Told before anything runs."""
    looked = looked_at(code)
    assert looked.faults
    assert (looked.engine, looked.why) == ("fast", None)
    assert any(finding.everywhere for finding in look(code))


async def test_code_with_a_fault_runs_in_none(both: Engines, abilities: ScriptedAbilities) -> None:
    """Its outcome has every fault, and nothing has been called."""
    code = "import requests\n" + RUN + "    await http_client.get('https://example.com')\n    yield input()"
    outcome = await both.run(Program(code, {}), abilities, LIMITS)
    assert outcome.failure
    assert outcome.failure.error.startswith("NotImplementedError: line 1: There is no module `requests` here. Use")
    assert "yield" not in outcome.failure.error
    assert abilities.calls.http == []
    failure = await both.load(code, LIMITS)
    assert failure == outcome.failure


async def test_the_outcome_says_which_engine_it_was(both: Engines, abilities: ScriptedAbilities) -> None:
    """And why, for the full one."""
    fast = await both.run(Program(RUN + "    return 1", {}), abilities, LIMITS)
    assert (fast.result, fast.engine, fast.why) == (1, "fast", None)
    full = await both.run(Program("import enum\n" + RUN + "    return 1", {}), abilities, LIMITS)
    assert (full.result, full.engine, full.why) == (1, "full", "line 1: There is no module `enum` in the fast engine")


async def test_newer_python_than_this_process_has_runs(both: Engines, abilities: ScriptedAbilities) -> None:
    """What the look cannot read, the full engine can."""
    code = "type Pair[T] = tuple[T, T]\n" + RUN + '    return f"{input_dict["x"]}"'
    outcome = await both.run(Program(code, {"x": 1}), abilities, LIMITS)
    assert (outcome.failure, outcome.result) == (None, "1")


async def test_what_a_load_runs_is_where_the_run_would_be(both: Engines) -> None:
    """Code for either engine is loaded in it."""
    assert await both.load("import enum\n" + RUN + "    return 1", LIMITS) is None
    failure = await both.load("import enum\nenum.nothing\n" + RUN + "    return 1", replace(LIMITS, seconds=20))
    assert failure
    assert failure.error.startswith("AttributeError: module 'enum' has no attribute 'nothing'")
