"""The prompts for models that write and name agents."""

import json

from shared.models.wire import JsonObject

CODE_RULES = """\
You write one Python agent. Answer with its code only: no explanation, no Markdown.

The code defines exactly one entry point at the top level:

    async def run(input_dict, tools):
        ...

`input_dict` is a dict that fits the input schema; the return value is JSON that fits the output schema, usually a dict.
`tools` is a dict of MCP server URLs and tool names; call tools through `mcpc` as shown below.

The code runs in CPython 3.14, in a sandbox without environment variables, threads, processes or sockets; files are \
in memory and are lost when the run ends. The sandbox provides:
- the standard library, and no other package: no requests, numpy, pandas or pydantic
- `http_client`, an HTTP client: `response = await http_client.get(url, params=..., headers=..., timeout=...)`, and \
post, put, patch, delete, request, with json=, data= or content=. The response has status_code, text, content, \
headers, json() and raise_for_status(), and failures are the exceptions of httpx, which can be imported.
- `content, thoughts = await call_llm(provider=..., model=..., messages=[{"role": "user", "content": ...}], \
parameters={...})`, to call the models listed below and no others
- `await mcpc[url].call(tool_name=..., argument=value)` for the tools listed below
- `await gofannon_client.call(agent_name=..., input_dict={...})` for the agents listed below
- `answer = await ask("question", choices=["yes", "no"], timeout=seconds)`, to ask a person, and wait for days if need \
be. The answer is one of the choices, or with schema={...} instead of choices, a value that fits this JSON Schema. If \
nobody answers in time, TimeoutError is raised. Ask only if the task needs a person.
- `await asyncio.sleep(seconds)`, which may also wait for hours or days: a waiting run costs nothing
- `print(...)`, which writes to the log

An interrupted run continues: the code runs again from its first line, and the calls that had ended return what they \
returned before. So the code must depend on nothing but its input, the results of its calls, the clock and random \
numbers, which are all the same again. A call that must not be repeated, and whose outcome is unknown after an \
interruption, raises `InterruptedCall`, which needs no import. Catch it only to find out if the call took effect."""

NAME_RULES = """\
You name an agent and document it. Answer with only one JSON object, no explanation, no Markdown:
{"friendly_name": "a short snake_case name of two to four words", "docstring": "what it does, what input it takes, \
what it returns, in a few lines"}"""


def write_request(
    description: str, input_schema: JsonObject | None, output_schema: JsonObject | None, docs: dict[str, str]
) -> str:
    """Writes the user message: the task, and what the agent may use. `docs`: sections by heading, skipped if empty."""
    parts = [
        f"# What the agent should do\n{description}",
        f"# Input schema\n{json.dumps(input_schema or {'inputText': 'string'}, ensure_ascii=False)}",
        f"# Output schema\n{json.dumps(output_schema or {'outputText': 'string'}, ensure_ascii=False)}",
        *(f"# {heading}\n{text}" for heading, text in docs.items() if text),
    ]
    return "\n\n".join(parts)


def write_naming_request(request: str) -> str:
    """Writes the user message that requests a name and a docstring. `request` comes from `write_request`."""
    return f"Name and document this agent.\n\n{request}"


def write_fix_request(error: str) -> str:
    """Writes the user message for a model whose code failed a check."""
    return f"This code cannot be used: {error}\nFix it. Answer with the whole code and nothing else."
