"""The agent programs that these tests run, and their expected outcomes.

`corpus/` contains programs like those that models write, and `hostile/` programs like those that attackers would write.
A program is in `name.agent`: Python code in its author's style, in a file that ruff and pyright ignore. The cases of
`corpus/` are in `name.json` files, in which `$API`, `$SHOP`, `$MCP` and `$NOWHERE` are placeholders for the addresses
of the tests' servers.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue

from shared.models.wire import JsonObject

HERE = Path(__file__).parent


class Case(BaseModel):
    """The input and the expected outcome of one run, which is `error` or, if that is None, `result`.

    `answers`: the model's answers, each with a part of the question. `meet`: the number of model, tool or agent calls
    that must be in progress at the same time. `meet_http`: the same for HTTP calls. `cpython`: whether CPython in this
    process must give the same outcome.
    """

    model_config = ConfigDict(extra="forbid")

    input: JsonObject
    tools: dict[str, list[str]] = {}
    result: JsonValue = None
    error: str | None = None
    logs: list[str] = []
    answers: list[tuple[str, str]] = []
    meet: int = 0
    meet_http: int = 0
    cpython: bool = True


class _Cases(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cases: list[Case]


def load_code(folder: str, name: str) -> str:
    return (HERE / folder / f"{name}.agent").read_text()


@cache
def list_names(folder: str) -> list[str]:
    return sorted(file.stem for file in (HERE / folder).glob("*.agent"))


def load_cases(name: str, addresses: Mapping[str, str] | None = None) -> list[Case]:
    """Returns the cases of a program in the corpus."""
    text = (HERE / "corpus" / f"{name}.json").read_text()
    for placeholder, address in (addresses or {}).items():
        text = text.replace(placeholder, address)
    return _Cases.model_validate_json(text).cases


@cache
def list_cases() -> list[tuple[str, int]]:
    """Returns every case of the corpus, as the program's name and the case's number."""
    return [(name, number) for name in list_names("corpus") for number in range(len(load_cases(name)))]
