"""JSON responses in agent code, which are decoded as `httpx` does."""

import json
from typing import Any

from shared.sandbox import Program
from shared.sandbox.engine import WasmEngine
from tests.doubles.api_server import ApiServer
from tests.sandbox.conftest import LIMITS
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions

CODE = """async def run(input_dict, tools):
    found = []
    for url in input_dict["urls"]:
        response = await http_client.get(url)
        try:
            found.append(response.json())
        except ValueError as error:
            found.append(type(error).__name__ in ("ValueError", "UnicodeDecodeError"))
    return found
"""


async def test_json_in_every_encoding(
    engine: WasmEngine, host_functions: ScriptedHostFunctions, api_server: ApiServer
) -> None:
    """JSON may be UTF-8, UTF-16 or UTF-32, with or without a byte order mark. Other bytes raise an exception."""
    value: Any = {"größe": ["日本", 1, None]}
    text = json.dumps(value, ensure_ascii=False)
    encodings = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le"]
    as_json = {"Content-Type": "application/json; charset=utf-8"}
    for encoding in encodings:
        api_server.documents[encoding] = (text.encode(encoding), as_json)
    api_server.documents["bytes"] = (b'{"a": "\xe9"}', as_json)
    urls = [f"{api_server.address}/documents/{name}" for name in (*encodings, "bytes")]
    outcome = await engine.run(Program(CODE, {"urls": [*urls]}), host_functions, LIMITS)
    assert outcome.failure is None
    assert outcome.result == [value] * len(encodings) + [True]
