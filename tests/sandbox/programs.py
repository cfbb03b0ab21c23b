"""The agent programs that these tests run, and what each is expected to do.

`corpus/` holds programs as models write them, and `hostile/` such as an attacker would. A program is `name.agent`:
Python, but of its author's taste, so that neither ruff nor pyright reads it; what it is run with stands beside it in
`name.json`. In those, `$API`, `$SHOP`, `$MCP` and `$NOWHERE` stand for the addresses of this session's servers.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue

from shared.models.wire import JsonObject

HERE = Path(__file__).parent


class Case(BaseModel):
    """One run. Without `error` its result is `result`.

    `answers`: the model's, each by a text that the question has in it; `meet`: how many model, tool or agent calls
    must be under way at the same time, and `meet_http` the same of HTTP calls. `cpython`: whether CPython in this
    process does the same, which is tried.
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


def code_of(folder: str, name: str) -> str:
    return (HERE / folder / f"{name}.agent").read_text()


@cache
def names(folder: str) -> list[str]:
    return sorted(file.stem for file in (HERE / folder).glob("*.agent"))


def cases_of(name: str, addresses: Mapping[str, str] | None = None) -> list[Case]:
    """Of a program of the corpus."""
    text = (HERE / "corpus" / f"{name}.json").read_text()
    for placeholder, address in (addresses or {}).items():
        text = text.replace(placeholder, address)
    return _Cases.model_validate_json(text).cases


@cache
def numbered_cases() -> list[tuple[str, int]]:
    """Every case of the corpus, as its program's name and its number there."""
    return [(name, number) for name in names("corpus") for number in range(len(cases_of(name)))]
