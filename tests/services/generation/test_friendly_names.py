"""A name and a docstring are extracted from a model's answer, or derived from a description."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.services.generation.friendly_names import read_name_and_docstring, to_snake_case


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
    """Names are converted to snake case, and derived from the description if the model gave none."""
    assert read_name_and_docstring(answer, "Reports the weather now.") == (name, docstring)


def test_a_description_without_letters_still_gives_a_name() -> None:
    """If the description contains no ASCII letters, the name is `agent`."""
    assert read_name_and_docstring("", "天気 123")[0] == "agent"


@given(st.text(max_size=200))
def test_snake_case_yields_a_valid_name_or_an_empty_string(text: str) -> None:
    """A name consists of lower-case ASCII words with single underscores between them, and has at most 60 characters."""
    name = to_snake_case(text)
    assert name == "" or (name.isidentifier() and name == name.lower() and "__" not in name and len(name) <= 60)
