"""How a model's answer becomes code."""

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
    """Whatever a model puts around the code, only the code remains."""
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
    """Under any key, and with real line breaks, which JSON does not allow."""
    assert read_code(answer).strip() == RUN


def test_a_byte_order_mark_is_removed() -> None:
    """As when code is saved."""
    assert read_code(f"\ufeff{RUN}").strip() == RUN


def test_code_with_code_in_a_string_stays_as_it_is() -> None:
    """What comes first counts: the code, not the JSON in it."""
    code = f"{RUN}\n\n\nEXAMPLE = {json.dumps({'code': RUN})}\n"
    assert read_code(code) == code


def test_a_body_alone_is_wrapped() -> None:
    """Its imports stay at the top; the other lines become the body of `run`."""
    code = read_code("```python\nimport json\n\ntext = input_dict['a']\nreturn {'outputText': text}\n```")
    body = "    text = input_dict['a']\n    return {'outputText': text}\n"
    assert code == f"import json\n\nasync def run(input_dict, tools):\n{body}"
    ast.parse(code)


def test_helpers_around_run_are_kept() -> None:
    """Imports, constants, functions and classes beside it are part of the code."""
    code = f"import re\n\nLIMIT = 3\n\n\nclass Box:\n    pass\n\n\ndef help_me():\n    return 1\n\n\n{RUN}"
    assert read_code(f"Here you are.\n{code}\nDone!").strip() == code
    assert read_code(f"```python\n{code}\n```").strip() == code


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
def test_helpers_in_separate_pieces_are_kept(answer: str) -> None:
    """Those that `run` uses, and what they use in turn; nothing else."""
    assert read_code(answer) == f"{MARK}\n\n\n{HELPER}\n\n\n{USES}\n"


def test_the_number_of_pieces_is_limited() -> None:
    """An answer of very many pieces does not hold up the function."""
    examples = "".join(f"```python\nx{number} = 1\n```\n" for number in range(MAX_PIECES))
    assert read_code(f"{examples}```python\n{HELPER}\n```\n```python\n{USES}\n```") == f"{USES}\n"


@given(st.text(max_size=300))
def test_any_answer_gives_some_code(answer: str) -> None:
    """It may fail its checks, but it has a `run` that they can report on."""
    assert "def run" in read_code(answer)
