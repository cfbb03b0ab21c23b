"""What the model is told when it writes an agent, and how its answer is read."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from shared.llm.text import whole_text
from shared.models.wire import JsonObject
from shared.services.generation.code_pieces import with_helpers

_FENCED = re.compile(r"```[ \t]*[\w+-]*[ \t]*\r?\n(.*?)(?:\r?\n)?```", re.DOTALL)
_RUN = re.compile(r"^(?:async[ \t]+)?def[ \t]+run[ \t]*\(", re.MULTILINE)
_CODE_STARTS = re.compile(
    r"^(?:import |from |async def |def |class |@|#|\"\"\"|[A-Za-z_]\w*\s*(?::[^=]+)?=)", re.MULTILINE
)
_JSON_STARTS = re.compile(r"^[^\n\"'{\[]*(?P<json>[{\[]\s*[{\[\"])", re.MULTILINE)
"""Where a line has an object or a list of texts before any quotation mark."""
_MOST_STARTS = 20
_SNAKE = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$")
_LONGEST_NAME = 60

CODE_RULES = """\
You write one Python agent. Answer with its code alone: no explanation, no Markdown.

The code defines exactly one entry point at the top level:

    async def run(input_dict, tools):
        ...

`input_dict` is a dict by the input schema; the return value is JSON by the output schema (a dict as a rule).
`tools` is a dict of MCP server URLs and tool names; call tools through `mcpc` as shown below.

The code runs in CPython 3.14, in a sandbox without environment, threads, processes or sockets; files are in memory, \
and gone with the run. In it there is:
- the standard library, and no other package: no requests, numpy, pandas or pydantic
- `http_client`, an HTTP client: `response = await http_client.get(url, params=..., headers=..., timeout=...)`, and \
post, put, patch, delete, request, with json=, data= or content=. The response has status_code, text, content, \
headers, json() and raise_for_status(), and failures are the exceptions of httpx, which can be imported.
- `content, thoughts = await call_llm(provider=..., model=..., messages=[{"role": "user", "content": ...}], \
parameters={...})`, to call the models named below and no others
- `await mcpc[url].call(tool_name=..., argument=value)` for the tools named below
- `await gofannon_client.call(agent_name=..., input_dict={...})` for the agents named below
- `print(...)`, whose lines go to the log"""

NAME_RULES = """\
You name an agent and document it. Answer with one JSON object alone, no explanation, no Markdown:
{"friendly_name": "a short snake_case name of two to four words", "docstring": "what it does, what input it takes, \
what it returns, in a few lines"}"""


def request_text(
    description: str, input_schema: JsonObject | None, output_schema: JsonObject | None, docs: dict[str, str]
) -> str:
    """The user message: what is wanted, and what there is for it. `docs`: a heading for each part that is not empty."""
    parts = [
        f"# What the agent shall do\n{description}",
        f"# Input schema\n{json.dumps(input_schema or {'inputText': 'string'}, ensure_ascii=False)}",
        f"# Output schema\n{json.dumps(output_schema or {'outputText': 'string'}, ensure_ascii=False)}",
        *(f"# {heading}\n{text}" for heading, text in docs.items() if text),
    ]
    return "\n\n".join(parts)


def name_text(request: str) -> str:
    """The user message of whoever names it."""
    return f"Name and document this agent.\n\n{request}"


def mend_text(error: str) -> str:
    """The user message after code that does not hold."""
    return f"This code cannot be used: {error}\nAnswer with the whole code, mended, and nothing else."


def code_of(answer: str) -> str:
    """The code in an answer, without fences, prose or JSON around it. Where only the body of `run` came, with `run`.

    What holds no code comes out as a `run` that does nothing: see `written_code.fault_of`.
    """
    answer = answer.removeprefix("\ufeff")
    inner = _code_in_json(answer)
    return _bare(answer if inner is None else whole_text(inner))


def _code_in_json(answer: str) -> str | None:
    """The code in an answer that is JSON, as in `{"code": "…"}`, fenced or after a sentence; None where it is not.

    Of several texts, the longest that defines `run`, with those that define what it uses. Line breaks within texts are
    taken, too, as models write them.
    """
    decoder = json.JSONDecoder(strict=False)
    plain = _RUN.search(answer)
    for number, start in enumerate(_JSON_STARTS.finditer(answer)):
        if number == _MOST_STARTS or (plain and plain.start() < start.start("json")):
            break
        try:
            found: Any = decoder.raw_decode(answer, start.start("json"))[0]
        except (ValueError, RecursionError):
            continue
        texts = list(_texts(found))
        if codes := [text for text in texts if _RUN.search(text)]:
            code = max(codes, key=len)
            return with_helpers(code, [text for text in texts if text is not code][::-1])
    return None


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict | list):
            waiting += cast("dict[str, Any]", each).values() if isinstance(each, dict) else cast("list[Any]", each)


def _bare(answer: str) -> str:
    blocks: list[str] = _FENCED.findall(answer)
    code = max(blocks, key=lambda block: (bool(_RUN.search(block)), len(block))) if blocks else _unfenced(answer)
    code = code.strip("\n").rstrip()
    if _RUN.search(code):
        return with_helpers(code, [block for block in blocks if block.strip("\n").rstrip() != code]) + "\n"
    imports, body = _split(code)
    indented = [f"    {line}" if line.strip() else "" for line in body]
    return "\n".join([*imports, *([""] if imports else []), "async def run(input_dict, tools):", *indented]) + "\n"


def _unfenced(answer: str) -> str:
    """Without a fence that was never closed, and without the sentences before and after."""
    text = re.sub(r"^```[\w+-]*[ \t]*$", "", answer.strip(), flags=re.MULTILINE)
    if not (start := _CODE_STARTS.search(text)) or not _RUN.search(text):
        return text
    lines = text[start.start() :].split("\n")
    last = max(index for index, line in enumerate(lines) if line[:1] in (" ", "\t", "}", ")", "]") or _is_code(line))
    return "\n".join(lines[: last + 1])


def _is_code(line: str) -> bool:
    return bool(_CODE_STARTS.match(line))


def _split(code: str) -> tuple[list[str], list[str]]:
    """The imports at the beginning, which stay outside of `run`, and the rest."""
    lines = code.split("\n")
    count = 0
    while count < len(lines) and (lines[count].startswith(("import ", "from ")) or not lines[count].strip()):
        count += 1
    return [line for line in lines[:count] if line.strip()], lines[count:]


def name_and_docstring(answer: str, description: str) -> tuple[str, str]:
    """What the model named it, made a valid snake_case name; from the description where it did not say."""
    match = re.search(r"\{.*\}", answer, re.DOTALL)
    try:
        parsed: Any = json.loads(match[0]) if match else {}
    except (ValueError, RecursionError):
        parsed = {}
    fields = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
    name = fields.get("friendly_name") or fields.get("friendlyName")
    docstring = fields.get("docstring")
    return (
        snake_case(name if isinstance(name, str) else "") or snake_case(" ".join(description.split()[:4])) or "agent",
        whole_text(docstring.strip()) if isinstance(docstring, str) and docstring.strip() else description.strip(),
    )


def snake_case(text: str) -> str:
    """`text` as a snake_case name; empty if nothing of it can be one."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    words = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
    words = re.sub(r"^[0-9_]+", "", words)[:_LONGEST_NAME].strip("_")
    return words if _SNAKE.match(words) else ""
