"""A demo is extracted from a model's answer."""

import json

import pytest

from shared.services.generation.demo_answer import BadAnswer, read_answer

PARTS = {"html": '<p id="now">{}</p>', "css": "p { color: red }", "js": "now.textContent = `it's\n${Date()}`;"}
ANSWER = json.dumps(PARTS)


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        f"```json\n{ANSWER}\n```",
        f'Here you are, with {{braces}} and {{ "css" }}:\n\n```\n{ANSWER}\n```\nEnjoy {{it}}!',
        f"```json\n{json.dumps(PARTS, indent=2)}",
        ANSWER.replace("\\n", "\n"),
        f'{{"note": "first"}}\n{json.dumps({"plan": "x", **PARTS})}',
    ],
)
def test_answers_are_read_in_many_forms(answer: str) -> None:
    """The JSON may be fenced, have prose and other objects around it, and contain line breaks in its strings."""
    assert read_answer(answer).model_dump() == PARTS


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("", "no JSON object"),
        ("Sorry, no.", "no JSON object"),
        ("<html></html>", "no JSON object"),
        ('["html", "css", "js"]', "no JSON object"),
        (ANSWER[:-10], "It is not valid JSON: a string that begins there is not closed"),
        ('{"html": "x" "css": ""}', "It is not valid JSON: a comma or the end is missing, line 1, column 14"),
        ('{"html": "x", "css": ""}', "lacks js"),
        ('{"html": null, "css": [], "js": ""}', "lacks html, css"),
        ('{"html": " ", "css": "p {}", "js": ""}', "would show nothing"),
        ('{"html": "\\ud800", "css": "", "js": ""}', "surrogate"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"' * 100_000, "It is not valid JSON"),
    ],
)
def test_unusable_answers_are_reported(answer: str, message: str) -> None:
    """The error is a sentence that the model can act on."""
    with pytest.raises(BadAnswer, match=message):
        read_answer(answer)
