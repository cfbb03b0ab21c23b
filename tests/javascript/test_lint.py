"""`find_problems` reports lines of JavaScript that cannot be parsed or cannot work in a demo's page."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.javascript.lint import find_problems
from tests.growth import grows_linearly

APIS = ["echo", "weather-1"]


def describe_problems(code: str) -> list[str]:
    return [str(problem) for problem in find_problems(code, APIS)]


@pytest.mark.parametrize(
    "code",
    [
        "",
        "// a comment, /rest/nope",
        "fetch(`${API_BASE_URL}/rest/echo`, { method: 'POST' });",
        "fetch(`${ API_BASE_URL }/rest/weather-1?x=1`);",
        'fetch(API_BASE_URL + "/rest/echo");',
        "fetch('/api/rest/echo'); fetch('https://app.example/api/rest/echo#x');",
        "fetch('/rest/%65cho'); fetch('\\/rest\\/echo');",
        "const run = async (x) => { for await (const y of x) { await y; } return 1; };",
        "class A { #x = 1; static async *f() { yield await 1; } }",
        "const { a = 1, ...b } = {}, c = a ?? b?.d ?? 2n; label: for (;;) break label;",
        "const re = /<\\/script>/giu; x = `a ${`b ${c}`}`;",
        "<!-- an old comment\nx = 1",
        "settings.localStorage = { localStorage: 1 };",
        "const text = 'localStorage, await, /rest or /rest/nope';",
    ],
)
def test_working_code_has_no_problems(code: str) -> None:
    """Code that current browsers run has no problems, and neither have strings and comments that look like code."""
    assert describe_problems(code) == []


@pytest.mark.parametrize(
    "code",
    [
        "fetch(`${API_BASE_URL}/rest/${name}`)",
        "fetch(`${API_BASE_URL}/rest/agent-${number}/x`)",
        "fetch(API_BASE_URL + '/rest/' + name)",
        "fetch(API_BASE_URL + '/rest/agent-' + number)",
        "fetch((API_BASE_URL + '/rest/agent-') + number)",
        "fetch(`${base}/rest/nope`)",
    ],
)
def test_names_that_are_computed_at_run_time_are_accepted(code: str) -> None:
    """A name that is computed at run time is accepted, because its value is not known in advance."""
    assert describe_problems(code) == []


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("fetch(`${API_BASE_URL}/rest/nope`)", "nope"),
        ("fetch(API_BASE_URL + '/rest/nope')", "nope"),
        ("fetch('/rest/nope?x=' + y)", "nope"),
        ("const url = '/api/rest/Echo'", "Echo"),
        ("fetch(`https://elsewhere.example/rest/nope/x`)", "nope"),
        ("fetch(`${API_BASE_URL}/rest/`)", ""),
    ],
)
def test_calls_of_unselected_apis_are_reported(code: str, name: str) -> None:
    """The message names the API and lists the selected ones. Names are case-sensitive."""
    expected = [f"line 2: /rest/{name} is not among the selected APIs. They are: echo, weather-1."]
    assert describe_problems(f"\n{code}") == expected


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("let a = 1;\nlet b = ;", "line 2: Syntax error"),
        ("f(;\n", "line 1: Syntax error"),
        ("let a: string = 'x'", "line 1: Syntax error"),
        ("async function f() {\n  if (x) {\n    g();\n", "line 3: Syntax error: '}' is missing"),
        ("const page = {\n  title: f(\n    1,\n", "Is the code complete?"),
        ("'unclosed", "line 1: Syntax error"),
        ("`unclosed", "line 1: Syntax error"),
        ("let x = <b>y</b>", "JSX"),
        ("let x = <b/>", "JSX"),
        ("import x from 'y'", "import does not work"),
        ("export default 1", "export does not work"),
        ("let x = await f()", "await only works in async"),
        ("return 1", "return only works in functions"),
        ("const API_BASE_URL = 'x'", "without declaring it"),
        ("var { API_BASE_URL } = window", "without declaring it"),
        ("(() => { let API_BASE_URL; })()", "without declaring it"),
        ("localStorage.getItem('x')", "no localStorage"),
        ("window.sessionStorage.x = 1", "no sessionStorage"),
    ],
)
def test_code_that_cannot_run_is_reported(code: str, message: str) -> None:
    """Code that cannot run is reported once, with its line."""
    (problem,) = describe_problems(code)
    assert message in problem


def test_syntax_errors_hide_other_problems() -> None:
    """If there are syntax errors, only these are reported, because they may cause the other problems."""
    assert all("Syntax error" in problem for problem in describe_problems("fetch('/rest/nope'); let b = ;"))


def test_the_first_ten_problems_are_reported() -> None:
    """At most ten problems are reported, in the order of the lines."""
    problems = find_problems("\n".join(f"fetch('/rest/nope-{number}')" for number in range(30)), APIS)
    assert [problem.line for problem in problems] == list(range(1, 11))


@given(
    st.one_of(st.text(), st.lists(st.sampled_from(["(", "{", "`", "${", "}", "/rest/", "'", "/", "x"])).map("".join))
)
def test_any_text_is_accepted(code: str) -> None:
    """No text raises an error or has more than ten problems."""
    assert len(find_problems(code, APIS)) <= 10


@pytest.mark.parametrize("code", ["[" * 100_000, "a(" * 50_000, "`${" * 30_000, "!" * 100_000 + "x", "a." * 50_000])
def test_deep_nesting_is_accepted(code: str) -> None:
    """Deeply nested code neither overflows the stack nor takes long."""
    find_problems(code, APIS)


HOSTILE: dict[str, Callable[[int], str]] = {
    "deep returns": lambda n: "{" * n + "return;" * 50 + "}" * n,
    "a long sum": lambda n: "x=" + "a+" * 3 * n + "a",
    "a long text": lambda n: "y=" + '"/rest/a"+' * n + "1",
    "deep storage": lambda n: "{" * n + "localStorage;" * 500 + "}" * n,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(60)
def test_hostile_code_is_read_in_linear_time(name: str) -> None:
    """The time grows linearly with the length of the code, even for hostile code."""
    assert grows_linearly(lambda code: find_problems(code, {"a"}), HOSTILE[name], 10_000)
