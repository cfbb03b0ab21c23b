"""How a model's answer becomes code, a name and a docstring."""

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.services.generation.code_pieces import MOST_PIECES
from shared.services.generation.code_prompt import CODE_RULES, code_of, name_and_docstring, request_text, snake_case

RUN = "async def run(input_dict, tools):\n    return {'outputText': 'x'}"


@pytest.mark.parametrize(
    "answer",
    [
        RUN,
        f"```python\n{RUN}\n```",
        f"Sure! Here is your agent:\n\n```python\n{RUN}\n```\n\nIt returns x. Let me know!",
        f"```\n{RUN}\n```",
        f"```py\n{RUN}",
        f"First install it:\n```sh\npip install nothing-at-all-of-this-kind-exists\n```\nThen:\n```python\n{RUN}\n```",
        f"Here is the code:\n{RUN}\nThis agent returns x.",
        f"```python\r\n{RUN}\r\n```",
        f"\n\n{RUN}\n\n",
        f"~~~\n{RUN}\n~~~".replace("~~~", "```"),
    ],
)
def test_fences_and_prose_go(answer: str) -> None:
    """Whatever a model puts around the code, the code is what remains."""
    assert code_of(answer).replace("\r", "").strip() == RUN


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps({"code": RUN}),
        json.dumps({"friendly_name": "x", "code": f"```python\n{RUN}\n```"}, indent=2),
        f"```json\n{json.dumps({'code': RUN})}\n```",
        f"Here you are: {json.dumps({'result': {'python': RUN}, 'note': 'x'})} Enjoy!",
        json.dumps([{"filename": "agent.py", "content": RUN}, {"filename": "README.md", "content": "# run"}]),
        json.dumps({"code": RUN}).replace("\\n", "\n"),
    ],
)
def test_code_in_json_is_unwrapped(answer: str) -> None:
    """Under whatever key; with real line breaks, which JSON does not allow."""
    assert code_of(answer).strip() == RUN


def test_a_byte_order_mark_goes() -> None:
    """As it does where code is saved."""
    assert code_of(f"\ufeff{RUN}").strip() == RUN


def test_code_that_has_code_in_a_text_stays_as_it_is() -> None:
    """Whichever comes first."""
    code = f"{RUN}\n\n\nEXAMPLE = {json.dumps({'code': RUN})}\n"
    assert code_of(code) == code


def test_a_body_alone_is_wrapped() -> None:
    """Its imports stay at the top, the rest becomes the body of `run`."""
    code = code_of("```python\nimport json\n\ntext = input_dict['a']\nreturn {'outputText': text}\n```")
    body = "    text = input_dict['a']\n    return {'outputText': text}\n"
    assert code == f"import json\n\nasync def run(input_dict, tools):\n{body}"
    ast.parse(code)


def test_helpers_around_run_stay() -> None:
    """Imports, constants, functions and classes beside it are part of the code."""
    code = f"import re\n\nLIMIT = 3\n\n\nclass Box:\n    pass\n\n\ndef help_me():\n    return 1\n\n\n{RUN}"
    assert code_of(f"Here you are.\n{code}\nDone!").strip() == code
    assert code_of(f"```python\n{code}\n```").strip() == code


USES = "async def run(input_dict, tools):\n    return {'outputText': clean(input_dict['a'])}"
HELPER = "def clean(text):\n    return text.strip() + MARK"
MARK = "MARK = '.'"


@pytest.mark.parametrize(
    "answer",
    [
        f"First:\n```python\n{MARK}\n```\n```python\n{HELPER}\n```\nThen:\n```python\n{USES}\n```\n"
        "Try:\n```python\nx = 1\n```",
        json.dumps({"constants": MARK, "helpers": HELPER, "code": USES, "tests": "assert True", "note": "Enjoy"}),
    ],
)
def test_helpers_in_pieces_of_their_own_stay(answer: str) -> None:
    """Those that `run` uses, and what they use in turn; nothing else."""
    assert code_of(answer) == f"{MARK}\n\n\n{HELPER}\n\n\n{USES}\n"


def test_only_so_many_pieces_are_looked_at() -> None:
    """An answer of very many pieces does not hold up the function."""
    examples = "".join(f"```python\nx{number} = 1\n```\n" for number in range(MOST_PIECES))
    assert code_of(f"{examples}```python\n{HELPER}\n```\n```python\n{USES}\n```") == f"{USES}\n"


@given(st.text(max_size=300))
def test_any_answer_gives_some_code(answer: str) -> None:
    """It may not hold, but there is a `run` in it to be told about."""
    assert "def run" in code_of(answer)


@pytest.mark.parametrize(
    ("answer", "name", "docstring"),
    [
        ('{"friendly_name": "weather_report", "docstring": "Tells it."}', "weather_report", "Tells it."),
        (
            '```json\n{"friendly_name": "Weather Report!", "docstring": " Tells it. "}\n```',
            "weather_report",
            "Tells it.",
        ),
        ('Here: {"friendlyName": "WeatherReport", "docstring": ""} ok?', "weather_report", "Reports the weather now."),
        ("weather", "reports_the_weather_now", "Reports the weather now."),
        ('{"friendly_name": 5, "docstring": 5}', "reports_the_weather_now", "Reports the weather now."),
        ('{"friendly_name": "../../etc", "docstring": "x"}', "etc", "x"),
        ('{"friendly_name": "天気", "docstring": "x"}', "reports_the_weather_now", "x"),
    ],
)
def test_names_are_made_valid(answer: str, name: str, docstring: str) -> None:
    """Snake case, from the description where the model gave none."""
    assert name_and_docstring(answer, "Reports the weather now.") == (name, docstring)


def test_a_description_without_letters_gives_a_name_all_the_same() -> None:
    """There is always one."""
    assert name_and_docstring("", "天気 123")[0] == "agent"


@given(st.text(max_size=200))
def test_snake_case_is_a_name_or_nothing(text: str) -> None:
    """Lower-case words of ASCII, with single underscores between, at most 60 characters."""
    name = snake_case(text)
    assert name == "" or (name.isidentifier() and name == name.lower() and "__" not in name and len(name) <= 60)


def test_the_rules_name_what_there_is() -> None:
    """What is there without an import, and which Python it is."""
    for name in ("http_client", "call_llm", "mcpc", "gofannon_client", "CPython 3.14"):
        assert name in CODE_RULES


def test_a_request_without_schemas_has_the_usual_ones() -> None:
    """Text in, text out; parts without content are left out."""
    text = request_text("Do it.", None, None, {"Models": "", "MCP tools": "### add"})
    assert '{"inputText": "string"}' in text
    assert "# MCP tools" in text
    assert "# Models" not in text
