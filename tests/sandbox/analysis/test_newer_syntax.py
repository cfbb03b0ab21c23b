"""The analysis of code with the syntax of Python 3.12 to 3.14. Agents run in 3.14, but the analysis may run in 3.11."""

import ast
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.wire import JsonObject
from shared.sandbox import Program, analyze_sync
from shared.sandbox.analysis.newer_syntax import UnsupportedSyntax, to_older_syntax
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.sandbox.conftest import LIMITS
from tests.sandbox.programs import list_names, load_code

RUN = "async def run(input_dict, tools):\n"
NEWER = [
    """x = f"{d["a"]}\"""",
    """x = f'{d['a']}'""",
    """x = f"{d["a"]["b"]!r:>{width}} and {{no field}} {y=}\"""",
    """x = f"{f"{f"{1 + 1}"}"}\"""",
    r'''x = f"{'\n'.join(lines)}"''',
    r'''x = f"{"\N{EN DASH}"} \N{BULLET} \" {y}"''',
    """x = f"{', '.join(f"{key}={value!r}" for key, value in d.items())}\"""",
    'x = f"{\n    d["a"]  # why\n}"',
    'x = f"""{\n    d["a"]  # "why\n    + 1\n}\nand {y:\n}"""',
    """x = "a" f"{d["a"]}" 'b' rf"{y}\\d\"""",
    """x = ("a"  # one\n    f"{d["a"]}"\n    "c")""",
    """x = f"{d["a"]}" \\\n    "b\"""",
    """x = t"{d["a"]} {y}\"""",
    """x = tr"{y}\"""",
    "x = rt'{y}'",
    """x = f"{x:{"a"}}\"""",
    """x = f"{(lambda z: z["a"])(d)}\"""",
    """x = f"{a if b == "c" else "d"} {a != "b"} {a <= "b"}\"""",
    """print(f"{d["a"]}", f"{d["b"]}", end="")""",
    "x = f'{await call_llm(prompt=f'{d['a']}')}'",
    "type A = int",
    "type A[T] = list[T]",
    "type A[T: (int, str) = int, *Ts, **P] = dict[T, list[Ts]]",
    "type type = type",
    "def f[T](x: T) -> T:\n        return x",
    "def f[T: int = bool](x: T) -> T: return x",
    "async def f[*Ts, **P](*x: *Ts): return x",
    "class A[T]: pass",
    "class A[\n        T,\n        U: list[int],\n    ](dict): pass",
    "try:\n        pass\n    except ValueError, TypeError:\n        pass",
    "try:\n        pass\n    except ValueError, json.JSONDecodeError: pass",
    "try:\n        pass\n    except* ValueError, TypeError:\n        pass",
    "if x: type A = int",
    "type A = int; type B = str",
]
INVALID = [
    'x = f"{d["a"]"',
    'x = f"{}"',
    'x = f"{d["a"]}',
    "type A[T = int",
    "def f[T(x): pass",
    "except ValueError, TypeError",
    "type A B = int",
    "x = ",
    "class A[T: pass",
    'x = f"{d["a"}"]',
    'x = f"{' * 200 + "1" + '}"' * 200,
    "x = f'{a!r",
    "x = f'{a:",
    "x = f'{a",
]


def body(statement: str) -> str:
    return f"{RUN}    d, y, width, a, b, lines = input_dict, 1, 2, 3, 4, []\n    {statement}\n    return requests.get\n"


@pytest.mark.parametrize("statement", NEWER)
def test_newer_syntax_is_accepted(statement: str) -> None:
    """Newer syntax has no findings, regardless of this process's Python version."""
    assert analyze_sync(body(statement)) == []


@pytest.mark.parametrize("statement", NEWER)
def test_the_rest_of_the_code_is_also_analyzed(statement: str) -> None:
    """Findings in code with newer syntax have the correct line numbers."""
    code = body(f"{statement}\n    import requests\n    call_llm(prompt='x').strip()")
    line = code.split("\n").index("    import requests") + 1
    assert [finding.line for finding in analyze_sync(code)] == [line, line + 1]


@pytest.mark.parametrize("expression", ["call_llm(prompt='x').strip()", "__import__('requests')", 'input("a")'])
def test_expressions_in_f_strings_are_analyzed(expression: str) -> None:
    """Expressions in f-strings and in their formats are analyzed."""
    for text in (f'x = f"{{d["a"]}} {{{expression}}}"', f'x = f"{{d["a"]:{{{expression}}}}}"'):
        assert [finding.line for finding in analyze_sync(body(text))] == [3]


@pytest.mark.parametrize("statement", INVALID)
def test_invalid_code_is_still_refused(statement: str) -> None:
    """For code that no version of Python accepts, the finding is a syntax error."""
    (finding,) = analyze_sync(body(statement))
    assert finding.syntax
    assert finding.message.startswith("This is not valid Python: ")


@pytest.mark.parametrize("folder", ["algorithms", "corpus"])
def test_rewriting_does_not_change_older_code(folder: str) -> None:
    """Rewritten code has the same lines, names and calls."""
    programs = list_names(folder)
    assert programs
    for name in programs:
        code = load_code(folder, name)
        rewritten = to_older_syntax(code)
        assert rewritten.count("\n") == code.count("\n")
        assert uses(rewritten) == uses(code), name


def uses(code: str) -> list[str]:
    """Lists names, calls and imports, without positions, which differ in rewritten f-strings."""
    kinds = (ast.Name, ast.Call, ast.Attribute, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.Await)
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, kinds)]
    return sorted(f"{type(node).__name__} {getattr(node, 'id', getattr(node, 'attr', ''))}" for node in nodes)


PIECES = [
    *('f"', '"', "'", "{", "}", "{{", ":", "!r", "=", "x", "[", "]", "(", ")", "\\", "\n", "#", "type A", "def f"),
    *('f"""', '"""', "except", ",", " as e", "class A", " ", "\\N{", "t'", "rb'", "*"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=30))
def test_any_string_is_rewritten_or_refused(text: str) -> None:
    """Rewriting any string raises no exception except `UnsupportedSyntax`."""
    with contextlib.suppress(UnsupportedSyntax):
        to_older_syntax(text)


async def test_the_sandboxs_python_accepts_the_same_code(engine: WasmEngine) -> None:
    """The Python that agents run in accepts all valid examples in these tests, and refuses the invalid ones."""
    code = (
        f"import ast\n{RUN}    def reads(code):\n        try:\n            ast.parse(code)\n"
        "        except SyntaxError:\n            return False\n        return True\n"
        "    return [reads(code) for code in input_dict['codes']]"
    )
    input_dict: JsonObject = {"codes": [body(statement) for statement in (*NEWER, *INVALID)]}
    outcome = await engine.run(Program(code, input_dict), NoHostFunctions(), LIMITS)
    assert outcome.result == [True] * len(NEWER) + [False] * len(INVALID)
