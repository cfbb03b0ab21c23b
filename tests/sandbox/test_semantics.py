"""Small programs for which a subset or another implementation of Python would silently give wrong results."""

from typing import Any

import pytest

from tests.sandbox.conftest import Run

HEAD = "import asyncio, datetime, functools, itertools, json, math, re, uuid, zoneinfo\n"
RUN = "async def run(input_dict, tools):\n"


@pytest.mark.parametrize(
    ("lines", "result"),
    [
        (["x = [1, 2]", "for i, n in enumerate(x):", "    if i < 2: x.append(n * 10)",
          "return x"], [1, 2, 10, 20]),
        (
            ["x, seen = [1, 2], []", "for a, b in zip(x, itertools.count()):", "    seen.append(a)",
             "    if b == 0: x.append(3)", "return seen"],
            [1, 2, 3],
        ),
        (["x, seen = [1, 2, 3], []", "for n in reversed(x):", "    seen.append(n); x[0] = 9",
          "return seen"], [3, 2, 9]),
        (["seen = []", "any(seen.append(n) or n == 2 for n in [1, 2, 3])", "return seen"], [1, 2]),
        (
            ["seen = []", "for n in map(lambda n: seen.append(n) or n, [1, 2, 3]):", "    if n == 2: break",
             "return seen"],
            [1, 2],
        ),
        (["g = (n for n in [1, 2])", "return [list(g), list(g)]"], [[1, 2], []]),
        (["n = 1", "g = (n * k for k in [1, 2])", "n = 10", "return list(g)"], [10, 20]),
        (["fs = [lambda: n for n in range(3)]", "return [f() for f in fs]"], [2, 2, 2]),
        (["return bool(re.match(r'^\\d+$', '42\\n'))"], True),
        (["return re.sub(',', r'\\n', 'a,b')"], "a\nb"),
        (["return re.sub('x*', '-', 'axb')"], "-a--b-"),
        (["return [m.span() for m in re.finditer('b*', 'abb')]"], [[0, 0], [1, 3], [3, 3]]),
        (["d = {'a': 1, 'b': 3}", "return max(d, key=d.get)"], "b"),
        (["out = []", "add = out.append", "add(1)", "return [out, list(map(''.join, [['a', 'b']]))]"], [[1], ["ab"]]),
        (["try: json.loads('{')", "except json.JSONDecodeError as error: return [error.msg, error.pos]"],
         ["Expecting property name enclosed in double quotes", 1]),
        (["def f(): pass", "return [(10).bit_length(), f.__name__, len(uuid.uuid4().hex)]"], [4, "f", 32]),
        (["try: open('/no/such')", "except FileNotFoundError as error: return error.filename"], "/no/such"),
        (["berlin = zoneinfo.ZoneInfo('Europe/Berlin')",
          "return datetime.datetime(2024, 7, 1, 12, tzinfo=berlin).isoformat()"], "2024-07-01T12:00:00+02:00"),
        (["return {1: 'a', True: 'b'}"], {"1": "b"}),
        (["return [round(2.675, 2), round(0.5), round(1.5), 0.1 + 0.2]"], [2.67, 0, 2, 0.30000000000000004]),
        (["x = [1, 2, 3]", "del x[1]", "return x"], [1, 3]),
        (["async def g():", "    for n in range(3): yield n", "return [n async for n in g() if n]"], [1, 2]),
        (["@functools.cache", "def f(n): return n if n < 2 else f(n - 1) + f(n - 2)", "return f(50)"], 12586269025),
        (["x = 'abc'", "return f'{x!r:>8}|{x[0]:<3}|{3.14159:.2f}|{1234567:,}'"], "   'abc'|a  |3.14|1,234,567"),
    ],
)  # fmt: skip
async def test_results_are_those_of_cpython(lines: list[str], result: Any, run: Run) -> None:
    """Evaluation order, late binding, regular expressions, rounding and other details are the same as in CPython."""
    outcome = await run(HEAD + RUN + "".join(f"    {line}\n" for line in lines))
    assert (outcome.failure, outcome.result) == (None, result)


async def test_line_ends_are_one_character(run: Run) -> None:
    """Windows line ends in a multi-line string become a single newline."""
    assert (await run(RUN + "    x = '''a\r\nb'''\r\n    return x")).result == "a\nb"


async def test_code_for_the_main_module_does_not_run(run: Run) -> None:
    """Code below `if __name__ == "__main__"` does not run, as the agent's module is not started as a script."""
    code = RUN + "    return 1\n\nif __name__ == '__main__':\n    print('twice')\n    asyncio.run(run({}, {}))\n"
    outcome = await run(code)
    assert (outcome.result, outcome.logs) == (1, [])


@pytest.mark.parametrize(
    "line",
    [
        "from services.llm_service import call_llm",
        "from agent_factory.remote_mcp_client import RemoteMCPClient",
        "import services.llm_service as s; call_llm = s.call_llm",
    ],
)
async def test_imports_of_code_from_the_older_system_work(line: str, run: Run) -> None:
    """The modules that code from the older system imports are available."""
    assert (await run(f"{line}\n{RUN}    return callable(call_llm)")).result is True


@pytest.mark.parametrize(
    "text", ["{d['a']}", '{d["a"]}', "{', '.join([str(n) for n in range(2)])}", "{d['a']!r:>3}", "{'\\\\n'.join('ab')}"]
)
async def test_the_newest_syntax_runs(text: str, run: Run) -> None:
    """The newest syntax runs even if the service's own Python is older."""
    code = RUN + f"    type Number = int\n    d: dict[str, Number] = {{'a': 1}}\n    return f\"{text}\""
    outcome = await run(code)
    assert outcome.failure is None
    assert isinstance(outcome.result, str)
