"""Extracts the code from a model's answer, which may put it into a fence, into JSON, or between sentences."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from shared.llm.text import repair_text
from shared.services.generation.code_pieces import add_helpers

_FENCED = re.compile(r"```[ \t]*[\w+-]*[ \t]*\r?\n(.*?)(?:\r?\n)?```", re.DOTALL)
_RUN = re.compile(r"^(?:async[ \t]+)?def[ \t]+run[ \t]*\(", re.MULTILINE)
_CODE_STARTS = re.compile(
    r"^(?:import |from |async def |def |class |@|#|\"\"\"|[A-Za-z_]\w*\s*(?::[^=]+)?=)", re.MULTILINE
)
_JSON_STARTS = re.compile(r"^[^\n\"'{\[]*(?P<json>[{\[]\s*[{\[\"])", re.MULTILINE)
"""Matches an object, or a list of strings, that begins before the first quotation mark of its line."""
_MAX_STARTS = 20


def read_code(answer: str) -> str:
    """Returns the code in an answer, without the fences, prose or JSON around it. Wraps a bare body in `run`.

    An answer without code becomes a `run` that returns nothing, which `code_check.find_fault` reports.
    """
    answer = answer.removeprefix("\ufeff")
    inner = _read_json(answer)
    return _unfence(answer if inner is None else repair_text(inner))


def _read_json(answer: str) -> str | None:
    """Returns the code in an answer that is JSON, such as `{"code": "…"}`, fenced or after a sentence; otherwise None.

    If there are several strings, chooses the longest that defines `run`, and adds the strings that define its helpers.
    Accepts line breaks within strings, since models write them.
    """
    decoder = json.JSONDecoder(strict=False)
    plain = _RUN.search(answer)
    for number, start in enumerate(_JSON_STARTS.finditer(answer)):
        if number == _MAX_STARTS or (plain and plain.start() < start.start("json")):
            break
        try:
            value: Any = decoder.raw_decode(answer, start.start("json"))[0]
        except (ValueError, RecursionError):
            continue
        strings = list(_walk_strings(value))
        if candidates := [text for text in strings if _RUN.search(text)]:
            code = max(candidates, key=len)
            return add_helpers(code, [text for text in strings if text is not code][::-1])
    return None


def _walk_strings(value: Any) -> Iterator[str]:
    """Yields all strings in a JSON value, the last one first."""
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict | list):
            stack += cast("dict[str, Any]", part).values() if isinstance(part, dict) else cast("list[Any]", part)


def _unfence(answer: str) -> str:
    """Returns the code in an answer that is not JSON: the longest block that defines `run`, with its helpers."""
    blocks: list[str] = _FENCED.findall(answer)
    code = max(blocks, key=lambda block: (bool(_RUN.search(block)), len(block))) if blocks else _strip_prose(answer)
    code = code.strip("\n").rstrip()
    if _RUN.search(code):
        return add_helpers(code, [block for block in blocks if block.strip("\n").rstrip() != code]) + "\n"
    imports, body = _split_imports(code)
    indented = [f"    {line}" if line.strip() else "" for line in body]
    return "\n".join([*imports, *([""] if imports else []), "async def run(input_dict, tools):", *indented]) + "\n"


def _strip_prose(answer: str) -> str:
    """Removes fences that were never closed, and the sentences before and after the code."""
    text = re.sub(r"^```[\w+-]*[ \t]*$", "", answer.strip(), flags=re.MULTILINE)
    if not (start := _CODE_STARTS.search(text)) or not _RUN.search(text):
        return text
    lines = text[start.start() :].split("\n")
    last = max(index for index, line in enumerate(lines) if line[:1] in (" ", "\t", "}", ")", "]") or _is_code(line))
    return "\n".join(lines[: last + 1])


def _is_code(line: str) -> bool:
    return bool(_CODE_STARTS.match(line))


def _split_imports(code: str) -> tuple[list[str], list[str]]:
    """Returns the import lines at the beginning, which stay outside of `run`, and the other lines."""
    lines = code.split("\n")
    count = 0
    while count < len(lines) and (lines[count].startswith(("import ", "from ")) or not lines[count].strip()):
        count += 1
    return [line for line in lines[:count] if line.strip()], lines[count:]
