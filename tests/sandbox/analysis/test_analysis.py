"""The analysis of code before it runs: the findings that it reports, and the code that it accepts."""

import ast
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.sandbox import analyze_sync
from shared.sandbox.analysis.module_advice import ALTERNATIVES, UNUSABLE_FUNCTIONS
from shared.sandbox.analysis.source import MAX_CODE_CHARACTERS

RUN = "async def run(input_dict, tools):\n"


def body(*lines: str) -> str:
    """Returns a program that contains these lines. The first of them is line 2."""
    return RUN + "".join(f"    {line}\n" for line in lines) + "    return 1\n"


@pytest.mark.parametrize(
    ("code", "line", "part"),
    [
        ("from . import x\n" + body(), 1, "Relative imports do not work here"),
        ("import requests\n" + body(), 1, "Use `http_client` or `httpx.AsyncClient()`, with `await`."),
        ("import numpy as np\n" + body(), 1, "The module `numpy` is not available here. Use lists"),
        ("from pydantic import BaseModel\n" + body(), 1, "Use `dataclasses`."),
        (body("import pytz"), 2, "Use `zoneinfo`."),
        (body("x = httpx.get('x')"), 2, "`httpx` has no `get` here. Use `await http_client.get(...)`."),
        ("from httpx import Client\n" + body(), 1, "`httpx` has no `Client` here. Use `http_client`"),
        (body("try:", "    pass", "except httpx.NoSuchError as e:", "    pass"), 4, "has no `NoSuchError` here."),
        (body("x = input()"), 2, "The agent's input is in `input_dict`."),
        (body("breakpoint()"), 2, "`breakpoint` is not available here."),
        (body("x = litellm.completion()"), 2, "Use `await litellm.acompletion(...)`."),
        ("import threading\n" + body("t = threading.Thread(target=print)"), 3, "Threads are not available here."),
        (
            "from concurrent.futures import ThreadPoolExecutor\n" + body("ThreadPoolExecutor()"),
            3,
            "Threads are not available here.",
        ),
        (body("x = await asyncio.to_thread(print)"), 2, "Use `asyncio.gather`"),
        ("import subprocess as s\n" + body("s.run(['ls'])"), 3, "Processes are not available here."),
        ("import os\n" + body("os.system('ls')"), 3, "`os.system` does not work here."),
        ("import hashlib\n" + body("hashlib.pbkdf2_hmac('sha256', b'', b'', 1)"), 3, "This needs OpenSSL"),
        ("from hashlib import scrypt\n" + body("scrypt(b'', salt=b'', n=2, r=1, p=1)"), 3, "This needs OpenSSL"),
        ("import socket\n" + body("s = socket.socket()"), 3, "Sockets are not available here."),
        ("import urllib.request\n" + body("urllib.request.urlopen('x')"), 3, "Use `http_client`"),
        ("from urllib.request import urlopen as u\n" + body("u('x')"), 3, "`urllib.request.urlopen` does not work"),
        ("def run(input_dict, tools):\n    return 1\n", 1, "`run` must be `async def run(input_dict, tools)`."),
        ("x = 1\n", 1, "The code defines no `async def run(input_dict, tools)`"),
        ("async def run(:\n", 1, "This is not valid Python: invalid syntax."),
        ("#" * (MAX_CODE_CHARACTERS + 1), 1, f"the limit is {MAX_CODE_CHARACTERS}."),
    ],
)
def test_a_finding_has_a_line_and_an_alternative(code: str, line: int, part: str) -> None:
    """There is one finding, with the line of the code and a message that suggests an alternative."""
    (finding,) = analyze_sync(code)
    assert finding.line == line
    assert part in finding.message


@pytest.mark.parametrize(
    "line",
    [
        "yield 1",
        "async with x as y: pass",
        "z = [x async for x in y]",
        "x = await asyncio.wait_for(y, 1)",
        "lock = __import__('threading').Lock()",
        "x = subprocess.PIPE",
        "x = input_dict.input()",
        "import logging, enum, os.path",
        "from services.llm_service import call_llm",
        "from agent_factory.remote_mcp_client import RemoteMCPClient",
        "raise httpx.ConnectError('x')",
    ],
)
def test_working_code_has_no_findings(line: str) -> None:
    """All of Python's syntax is accepted, and so are the imports of older code."""
    assert analyze_sync(body(line)) == []


def test_findings_are_sorted_and_unique() -> None:
    """Findings are sorted by line and then by message. Equal findings are reported once."""
    code = "import numpy, pandas\n" + body("x = input(a) or input(b)", "import numpy")
    assert [finding.line for finding in analyze_sync(code)] == [1, 1, 3, 4]


def test_only_syntax_errors_are_marked_as_such() -> None:
    """Only findings about invalid syntax have `syntax` set, which determines the type of the author's error."""
    assert [finding.syntax for finding in analyze_sync("def (")] == [True]
    assert [finding.syntax for finding in analyze_sync(body("input()"))] == [False]


@pytest.mark.parametrize(
    "code",
    [
        body("vars = {'a': 1}", "x = vars['a']"),
        body("input = input_dict['x']", "print(input)"),
        "def callable(x):\n    return True\n" + body("x = callable(1)"),
        "def ascii(text):\n    return text\n" + body("x = [ascii(help) for help in 'ab']"),
        body("for dir in ['a']:", "    print(dir)"),
        body("def f(license, compile=1):", "    return license, compile"),
        body("try:", "    pass", "except ValueError as copyright:", "    print(copyright)"),
        body(
            "match input_dict:",
            "    case {'a': exit}:",
            "        print(exit)",
            "    case [*quit]:",
            "        print(quit)",
        ),
        body("class Dates:", "    pass", "datetime = Dates()", "print(datetime.anything)"),
        body("json = {'dumpx': 1}", "print(json.dumpx)"),
        body("re = input_dict", "re.sub('a', lambda m: 'b', 'c')"),
        body("next = len", "x = next(y for y in [1])"),
        body("f = lambda memoryview: memoryview"),
        body("if (issubclass := 1):", "    print(issubclass)"),
        "import math as datetime\n" + body("x = datetime.pi"),
    ],
)
def test_names_that_the_code_defines_are_accepted(code: str) -> None:
    """A name that the code itself binds has no finding, even if a built-in or a module has the same name."""
    assert analyze_sync(code) == []


@pytest.mark.parametrize(
    "handler", ["except ImportError:", "except ModuleNotFoundError:", "except:", "except (ImportError, OSError):"]
)
def test_an_import_with_an_error_handler_is_accepted(handler: str) -> None:
    """A missing module has no finding if the code handles the import's failure."""
    assert analyze_sync(f"try:\n    import numpy\n{handler}\n    numpy = None\n" + body()) == []


def test_imported_names_are_tracked_through_aliases() -> None:
    """Functions that do not work are found even if they, or their module, are imported under another name."""
    assert [finding.line for finding in analyze_sync("import os as o\n" + body("o.system('x')"))] == [3]
    assert [finding.line for finding in analyze_sync("from os import system as run_it\n" + body("run_it('x')"))] == [3]
    assert [
        finding.line for finding in analyze_sync("from urllib import request\n" + body("request.urlopen('x')"))
    ] == [3]
    assert analyze_sync("import urllib.parse as p\n" + body("x = p.quote('a')")) == []


@given(st.text())
@example("\0")
@example("\ud800")
@example("(" * 1000)
@example("\ufeff" + RUN)
@example("-" * 3000 + "1")
def test_any_string_can_be_analyzed(text: str) -> None:
    """The analysis raises no exception for any string."""
    assert all(finding.line >= 1 and finding.message for finding in analyze_sync(text))


_NAMES = [
    "json",
    "datetime",
    "re",
    "httpx",
    "x",
    "asyncio",
    "vars",
    "run",
    "str",
    *sorted({name.split(".")[0] for name in (*UNUSABLE_FUNCTIONS, *ALTERNATIVES)}),
]


def _random_code(seed: int) -> str:
    """Returns a module of random statements, as `ast` formats it."""
    rng = random.Random(seed)  # noqa: S311 - not used for secrets

    def name() -> str:
        return rng.choice(_NAMES)

    def expression(depth: int) -> ast.expr:
        if depth == 0:
            return ast.Name(name(), ast.Load())

        def inner() -> ast.expr:
            return expression(depth - 1)

        makers = [
            lambda: ast.Attribute(inner(), name(), ast.Load()),
            lambda: ast.Call(inner(), [inner()], [ast.keyword("default", inner())]),
            lambda: ast.Lambda(
                ast.arguments(posonlyargs=[], args=[ast.arg(name())], kwonlyargs=[], kw_defaults=[], defaults=[]),
                inner(),
            ),
            lambda: ast.GeneratorExp(inner(), [ast.comprehension(ast.Name(name(), ast.Store()), inner(), [], 0)]),
            lambda: ast.ListComp(inner(), [ast.comprehension(ast.Name(name(), ast.Store()), inner(), [], 0)]),
            lambda: ast.BinOp(inner(), ast.MatMult(), inner()),
            lambda: ast.Yield(inner()),
            lambda: ast.Constant(rng.choice([1, "a", None, b"x", 1.5])),
            lambda: ast.Subscript(inner(), inner(), ast.Load()),
            lambda: ast.NamedExpr(ast.Name(name(), ast.Store()), inner()),
            lambda: ast.Dict([None, inner()], [inner(), inner()]),
        ]
        return rng.choice(makers)()

    def block(depth: int) -> list[ast.stmt]:
        return [statement(depth - 1) for _ in range(rng.randint(1, 3))] if depth else [ast.Pass()]

    def handler(depth: int) -> ast.ExceptHandler:
        return ast.ExceptHandler(expression(1), rng.choice([None, name()]), block(depth))

    def statement(depth: int) -> ast.stmt:
        nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
        makers = [
            lambda: ast.Expr(expression(3)),
            lambda: ast.Assign([ast.Name(name(), ast.Store())], expression(3)),
            lambda: ast.Import([ast.alias(name(), rng.choice([None, name()]))]),
            lambda: ast.ImportFrom(name(), [ast.alias(name(), None)], rng.choice([0, 1])),
            lambda: ast.ClassDef(name(), [expression(1)], [], block(depth), [expression(1)]),
            lambda: ast.AsyncFunctionDef(name(), nothing, block(depth), [expression(1)]),
            lambda: ast.Try(block(depth), [handler(depth)], [], block(depth)),
            lambda: ast.TryStar(block(depth), [handler(depth)], [], []),
            lambda: ast.Delete([ast.Name(name(), ast.Del())]),
            lambda: ast.AsyncWith([ast.withitem(expression(1))], block(depth)),
            lambda: ast.AsyncFor(ast.Name(name(), ast.Store()), expression(1), block(depth), []),
            lambda: ast.Match(expression(1), [ast.match_case(ast.MatchAs(None, name()), None, block(depth))]),
        ]
        return rng.choice(makers)()

    return ast.unparse(ast.fix_missing_locations(ast.Module([statement(3) for _ in range(4)], [])))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**9))
def test_any_code_can_be_analyzed(seed: int) -> None:
    """The analysis raises no exception for any code, and its findings are reproducible."""
    code = _random_code(seed)
    findings = analyze_sync(code)
    assert all(finding.line >= 1 and finding.message for finding in findings)
    assert analyze_sync(code) == findings


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("r = http_client.get('x'); return r.json()", "http_client.get"),
        ("return http_client.get('x').text", "http_client.get"),
        ("content, thoughts = call_llm('p', 'm', 'hi')", "call_llm"),
        ("return f\"The answer is {ask('Go on?')}.\"", "ask"),
        ("answer = ask('Go on?', choices=['yes', 'no']); return answer.upper()", "ask"),
        ("ask('Go on?')", "ask"),
        ("return 1 if 'yes' == ask('Go on?') else 2", "ask"),
        ("if ask('Go on?', schema={'type': 'boolean'}): return 1", "ask"),
        ("if not ask('Go on?', timeout=60): return 1", "ask"),
        ("http_client.post('x')", "http_client.post"),
        ("return mcpc['u'].call(tool_name='a')['x']", "mcpc[…].call"),
        ("a = gofannon_client.call('a', {}); return a['outputText']", "gofannon_client.call"),
        ("async with httpx.AsyncClient() as client: r = client.get('x'); return r.text", "client.get"),
        ("c = httpx.AsyncClient(timeout=5); return c.post('x').text", "c.post"),
    ],
)
def test_a_forgotten_await_is_found(line: str, name: str) -> None:
    """A call without `await` is found if its result is used immediately, or never."""
    (finding,) = analyze_sync(f"async def run(input_dict, tools):\n    {line}")
    assert (finding.line, finding.message) == (2, f"`{name}(…)` must be awaited. Put `await` before it.")


@pytest.mark.parametrize(
    "line",
    [
        "calls = [call_llm('p', 'm', str(n)) for n in range(3)]; return await asyncio.gather(*calls)",
        "call = call_llm('p', 'm', 'hi'); return await call",
        "a = http_client.get('x'); b = http_client.get('y'); return await asyncio.gather(a, b)",
        "answers = [ask(str(n)) for n in range(3)]; return await asyncio.gather(*answers)",
        "question = ask('Go on?'); await http_client.get('x'); return await question",
        "return (await ask('Go on?')) == 'yes'",
        "return (await http_client.get('x')).json()",
        "r = await http_client.get('x'); return r.json()",
        "c = httpx.AsyncClient(); c = Own(); return c.get('x').text",
        "c = httpx.AsyncClient(); r = await c.get('x'); return r.text",
    ],
)
def test_awaiting_later_is_accepted(line: str) -> None:
    """Calls may be collected first and awaited later."""
    assert analyze_sync(f"async def run(input_dict, tools):\n    {line}") == []


@pytest.mark.parametrize(
    "lines",
    [
        ["def ask(question): return input_dict[question]", "return ask('name') == 'x'"],
        ["ask = input_dict.get", "return ask('name') == 'x'"],
        ["from operator import neg as ask", "return ask(1) == -1"],
        ["answer = (lambda ask: ask(1) == 2)(str)", "return answer"],
    ],
)
def test_code_may_have_its_own_function_of_the_same_name(lines: list[str]) -> None:
    """`ask` is a common name. If the code binds it to something else, its calls need no `await`."""
    assert analyze_sync(body(*lines)) == []


def find_lines(code: str) -> list[int]:
    """Returns the lines with findings. Code with findings is not run."""
    return [finding.line for finding in analyze_sync(code)]


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (body("import requests"), 2),
        (body("from requests import get"), 2),
        (body("import numpy.linalg as linalg"), 2),
        (body("if input_dict.get('x'):", "    import requests"), 3),
        (body("if name == 'x':", "    import requests"), 3),
        (body("for x in [1]:", "    import requests"), 3),
        (body("with open('x') as f:", "    import requests"), 3),
        (body("def inner():", "    def deeper():", "        import requests"), 4),
        (body("class A:", "    import requests"), 3),
        ("def helper():\n    import requests\n" + body(), 2),
        ("class A:\n    def get(self):\n        import requests\n" + body(), 3),
        (body("try:", "    import aiohttp", "except ImportError:", "    import requests"), 5),
        (body("try:", "    import json", "except ValueError:", "    import requests"), 5),
        (body("try:", "    pass", "except ImportError:", "    pass", "else:", "    import requests"), 7),
        (body("try:", "    pass", "except ImportError:", "    pass", "finally:", "    import requests"), 7),
        (body("try:", "    import requests", "except ValueError:", "    pass"), 3),
        (body("try:", "    import requests", "finally:", "    pass"), 3),
        (body("x = __import__('requests')"), 2),
        (body("x = __import__('requests').get('https://example.com')"), 2),
        (body("import importlib", "x = importlib.import_module('requests')"), 3),
        (body("import importlib", "x = importlib.import_module(name='requests.api')"), 3),
        ("from importlib import import_module as load\n" + body("x = load('requests')"), 3),
        ("import requests\n" + body(), 1),
    ],
)
def test_an_import_of_a_missing_module_is_refused_anywhere(code: str, line: int) -> None:
    """A missing module is found before the code runs, even if the import is inside a function or a block."""
    assert find_lines(code) == [line]
    (finding,) = analyze_sync(code)
    assert "is not available here" in finding.message
    assert "`http_client`" in finding.message or "numpy" in finding.message


@pytest.mark.parametrize(
    "code",
    [
        *(
            body("try:", f"    {statement}", f"except {caught}:", "    x = None")
            for statement in ("import requests", "from requests import get", "x = __import__('requests')")
            for caught in ("ImportError", "ModuleNotFoundError", "(ImportError, OSError)", "Exception as e")
        ),
        body("try:", "    if input_dict:", "        import requests", "except ImportError:", "    pass"),
        body(
            "try:",
            "    try:",
            "        import ujson",
            "    finally:",
            "        pass",
            "except ImportError:",
            "    pass",
        ),
        body(
            "try:",
            "    import ujson",
            "except ImportError:",
            "    try:",
            "        import orjson",
            "    except ImportError:",
        ).removesuffix("    return 1\n")
        + "            pass\n    return 1\n",
        body("try:", "    import json", "except ImportError:", "    import simplejson as json"),
        body("try:", "    import numpy", "except ImportError:", "    pass", "else:", "    from numpy import linalg"),
        body("try:", "    import numpy", "except ImportError:", "    pass", "if x:", "    from numpy import linalg"),
        body("import contextlib", "with contextlib.suppress(ImportError):", "    import requests"),
        "def load():\n    import requests\n    return requests\n"
        + body("try:", "    x = load()", "except ImportError:", "    x = None"),
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import requests\n" + body(),
        "import typing\nif typing.TYPE_CHECKING:\n    import requests\n" + body(),
        "if False:\n    import requests\n" + body(),
        "import sys\nif sys.platform == 'win32':\n    import winreg\n" + body(),
        "import sys\nif sys.version_info < (3, 11):\n    import tomli\nelse:\n    import tomllib\n" + body(),
        "import importlib.util\nif importlib.util.find_spec('requests'):\n    import requests\n" + body(),
        "from importlib.util import find_spec\n"
        + body("if find_spec('requests') is None:", "    return 0", "import requests"),
        body("import json, re, math"),
        body("import textwrap"),
        body("import importlib", "x = importlib.import_module('json')"),
        body("import importlib", "x = importlib.import_module(input_dict['name'])"),
        body("import importlib", "x = importlib.import_module('.x', 'requests')"),
        body("x = __import__('json')"),
        body("def __import__(name):", "    return name", "x = __import__('requests')"),
        body("x = 'import requests'"),
    ],
)
def test_an_import_that_may_safely_fail_is_accepted(code: str) -> None:
    """Guarded imports, imports that the code does not reach here, and imports of existing modules are accepted."""
    assert find_lines(code) == []
