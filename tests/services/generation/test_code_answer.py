"""Code is extracted from a model's answer."""

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.services.generation.code_answer import read_code
from shared.services.generation.code_pieces import MAX_PIECES

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
def test_fences_and_prose_are_removed(answer: str) -> None:
    """Only the code remains, whatever a model puts around it."""
    assert read_code(answer).replace("\r", "").strip() == RUN


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
    """Code is found under any key, even with real line breaks, which JSON does not allow."""
    assert read_code(answer).strip() == RUN


def test_a_byte_order_mark_is_removed() -> None:
    """A byte order mark is removed, as it is when code is saved."""
    assert read_code(f"\ufeff{RUN}").strip() == RUN


def test_code_that_contains_code_in_a_string_is_not_changed() -> None:
    """If an answer begins with code, all of that code is used, and JSON in it is not unwrapped."""
    code = f"{RUN}\n\n\nEXAMPLE = {json.dumps({'code': RUN})}\n"
    assert read_code(code) == code


def test_a_body_without_run_is_wrapped() -> None:
    """Imports stay at the top, and the remaining lines become the body of `run`."""
    code = read_code("```python\nimport json\n\ntext = input_dict['a']\nreturn {'outputText': text}\n```")
    body = "    text = input_dict['a']\n    return {'outputText': text}\n"
    assert code == f"import json\n\nasync def run(input_dict, tools):\n{body}"
    ast.parse(code)


def test_helpers_around_run_are_part_of_the_code() -> None:
    """Imports, constants, functions and classes around `run` are preserved."""
    code = f"import re\n\nLIMIT = 3\n\n\nclass Box:\n    pass\n\n\ndef help_me():\n    return 1\n\n\n{RUN}"
    assert read_code(f"Here you are.\n{code}\nDone!").strip() == code
    assert read_code(f"```python\n{code}\n```").strip() == code


CLEANER = "async def run(input_dict, tools):\n    return {'outputText': clean(input_dict['a'])}"
HELPER = "def clean(text):\n    return text.strip() + MARK"
MARK = "MARK = '.'"


@pytest.mark.parametrize(
    "answer",
    [
        f"First:\n```python\n{MARK}\n```\n```python\n{HELPER}\n```\nThen:\n```python\n{CLEANER}\n```\n"
        "Try:\n```python\nx = 1\n```",
        json.dumps({"constants": MARK, "helpers": HELPER, "code": CLEANER, "tests": "assert True", "note": "Enjoy"}),
    ],
)
def test_helpers_in_separate_pieces_are_part_of_the_code(answer: str) -> None:
    """The code includes the pieces that `run` uses, directly or indirectly, and no others."""
    assert read_code(answer) == f"{MARK}\n\n\n{HELPER}\n\n\n{CLEANER}\n"


def test_the_number_of_pieces_is_limited() -> None:
    """Pieces beyond the limit are ignored, so that an answer with many pieces does not block the function."""
    examples = "".join(f"```python\nx{number} = 1\n```\n" for number in range(MAX_PIECES))
    assert read_code(f"{examples}```python\n{HELPER}\n```\n```python\n{CLEANER}\n```") == f"{CLEANER}\n"


@given(st.text(max_size=300))
def test_any_answer_yields_code(answer: str) -> None:
    """The code may fail its checks, but it always contains a `run` for them to check."""
    assert "def run" in read_code(answer)
