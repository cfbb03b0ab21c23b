"""The names that agent code uses: the arguments they accept, their errors, and the requests that they send."""

from typing import Any
from urllib.parse import parse_qsl

import pytest

from shared.models.wire import JsonObject
from shared.sandbox import HttpCall, HttpResponse, Program
from shared.sandbox.engine import WasmEngine
from shared.sandbox.inside.http_objects import AsyncClient, httpx_timeout
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.sandbox.conftest import LIMITS, Run
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions
from tests.sandbox.shop_server import ShopServer

RUN = "async def run(input_dict, tools):\n"
CALL = HttpCall("GET", "https://example.com/a")


class RecordingHostFunctions(NoHostFunctions):
    """Records the HTTP calls, and returns `response` for each."""

    def __init__(self, response: HttpResponse | None = None) -> None:
        self.calls: list[HttpCall] = []
        self._response = response or HttpResponse(200, "OK", [], b"", "https://example.com/")

    async def http(self, call: HttpCall) -> HttpResponse:
        self.calls.append(call)
        return self._response


async def send(*, client: dict[str, Any] | None = None, method: str = "get", **options: Any) -> HttpCall:
    """Calls a method of a client, and returns the call that it makes."""
    host_functions = RecordingHostFunctions()
    await getattr(AsyncClient(host_functions, **(client or {})), method)("https://example.com/a", **options)
    (call,) = host_functions.calls
    return call


async def test_a_request_without_options_has_only_its_url() -> None:
    """A request without options has only a method and a URL. As in httpx, redirects are not followed by default."""
    assert await send() == HttpCall("GET", "https://example.com/a")


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
async def test_each_method_sends_its_http_method(method: str) -> None:
    """The HTTP method is the name of the client's method in capital letters."""
    assert (await send(method=method)).method == method.upper()


@pytest.mark.parametrize(
    ("params", "pairs"),
    [
        (
            {"a": 1, "b": 1.5, "c": True, "d": None, "e": "x y&z=é"},
            [("a", "1"), ("b", "1.5"), ("c", "true"), ("d", ""), ("e", "x y&z=é")],
        ),
        ({"a": [1, "b"]}, [("a", "1"), ("a", "b")]),
        ([("a", 1), ("a", 2)], [("a", "1"), ("a", "2")]),
        ({1: False}, [("1", "false")]),
        ({}, None),
        (None, None),
    ],
)
async def test_query_parameters_become_pairs_of_strings(params: Any, pairs: list[tuple[str, str]] | None) -> None:
    """Values are formatted as in httpx. A list repeats the name."""
    assert (await send(params=params)).params == pairs


async def test_form_fields_become_pairs_of_strings() -> None:
    """A form's fields are sent as pairs. A string or bytes are sent as the body, unchanged."""
    assert (await send(method="post", data={"a": [1, 2], "b": "é"})).data == [("a", "1"), ("a", "2"), ("b", "é")]
    assert (await send(method="post", data="raw é")).content == "raw é".encode()
    assert (await send(method="post", content=b"\x00\xff")).content == b"\x00\xff"


@pytest.mark.parametrize("json", [{"a": [1, None]}, [], {}, "text", 0, False])
async def test_any_json_except_null_is_sent(json: Any) -> None:
    """Only `json=None` sends no body."""
    call = await send(method="post", json=json)
    assert (call.json, type(call.json)) == (json, type(json))
    assert (await send(method="post", json=None)).json is None


async def test_a_calls_options_extend_those_of_the_client() -> None:
    """The options of a call are added to those of the client, or replace them."""
    client = {"headers": {"X-A": "1", "X-B": "1"}, "params": {"p": 1}, "timeout": 5, "follow_redirects": True}
    call = await send(client=client, headers={"X-B": 2}, params={"q": 2}, timeout=1.5, follow_redirects=False)
    assert call.headers == {"X-A": "1", "X-B": "2"}
    assert (call.params, call.timeout, call.follow_redirects) == ([("p", "1"), ("q", "2")], 1.5, False)
    call = await send(client=client)
    assert (call.params, call.timeout, call.follow_redirects) == ([("p", "1")], 5.0, True)


@pytest.mark.parametrize(
    ("base", "url", "full_url"),
    [
        ("https://example.com", "a", "https://example.com/a"),
        ("https://example.com/v1/", "/a", "https://example.com/v1/a"),
        ("https://example.com", "https://other.example.com/b", "https://other.example.com/b"),
        ("", "https://example.com/c", "https://example.com/c"),
    ],
)
async def test_a_base_url_is_prepended(base: str, url: str, full_url: str) -> None:
    """A base URL is prepended only to relative URLs."""
    host_functions = RecordingHostFunctions()
    await AsyncClient(host_functions, base_url=base).get(url)
    assert host_functions.calls[0].url == full_url


def test_a_timeout_is_one_number() -> None:
    """`httpx.Timeout` returns its first argument or, without one, the longest of its parts."""
    assert httpx_timeout(5) == 5
    assert httpx_timeout(None, connect=2, read=7.5, pool=None) == 7.5
    assert httpx_timeout() is None


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("http_client.get(5)", "TypeError: url must be a string, not int."),
        ("http_client.get(None)", "TypeError: url must be a string, not None."),
        ("http_client.request(1, 'https://example.com')", "TypeError: method must be a string, not int."),
        ("http_client.get('https://example.com', params=5)", "TypeError: params must be a dict, not int."),
        ("http_client.get('https://example.com', params=[1])", "TypeError: params must be a dict or a list of pairs."),
        (
            "http_client.get('https://example.com', params={'a': {}})",
            "TypeError: params may contain strings and numbers, not dict.",
        ),
        ("http_client.get('https://example.com', headers='x')", "TypeError: headers must be a dict, not str."),
        (
            "http_client.get('https://example.com', timeout=0)",
            "ValueError: timeout must be a positive number of seconds.",
        ),
        (
            "http_client.get('https://example.com', timeout='5')",
            "ValueError: timeout must be a positive number of seconds.",
        ),
        (
            "http_client.get('https://example.com', verify=False)",
            "TypeError: get() got an unexpected keyword argument 'verify'",
        ),
        ("http_client.get()", "TypeError: get() missing 1 required positional argument: 'url'"),
        (
            "http_client.post('https://example.com', json={1, 2})",
            "TypeError: The value of json is not JSON: Object of type set is not JSON serializable.",
        ),
        (
            "call_llm(messages=float('nan'))",
            "TypeError: The value of messages is not JSON: Out of range float values are not JSON compliant",
        ),
        ("call_llm(provider=5)", "TypeError: provider must be a string, not int."),
        ("call_llm(model=5)", "TypeError: model must be a string, not int."),
        ("call_llm(parameters='x')", "TypeError: parameters must be a dict, not str."),
        ("call_llm(tools='x')", "TypeError: tools must be a list, not str."),
        ("call_llm(nonsense=1)", "TypeError: call_llm() got an unexpected keyword argument 'nonsense'"),
        ("litellm.acompletion(model=5)", "TypeError: model must be a string, not int."),
        (
            "litellm.acompletion(model='m', messages=[], timeout=-1)",
            "ValueError: timeout must be a positive number of seconds.",
        ),
        ("gofannon_client.call(5)", "TypeError: agent_name must be a string, not int."),
        ("gofannon_client.call('a', 'b')", "TypeError: input_dict must be a dict, not str."),
        ("gofannon_client.call()", "TypeError: call() missing 1 required positional argument: 'agent_name'"),
        ("mcpc['https://mcp.example.com'].call(5)", "TypeError: tool_name must be a string, not int."),
        (
            "mcpc['https://mcp.example.com'].call()",
            "TypeError: call() missing 1 required positional argument: 'tool_name'",
        ),
    ],
)
async def test_invalid_arguments_are_reported(call: str, error: str, engine: WasmEngine) -> None:
    """The error names the parameter and the expected type."""
    program = Program(RUN + f"    await {call}", {}, {"https://mcp.example.com": ["x"]})
    outcome = await engine.run(program, NoHostFunctions(), LIMITS)
    assert outcome.failure
    assert outcome.failure.error.startswith(error)


async def test_a_number_that_is_too_long_is_reported(engine: WasmEngine) -> None:
    """An integer with too many digits for a string raises a `TypeError` or a `ValueError`."""
    code = RUN + "    await http_client.get('https://example.com', headers={'x': 10**5000})"
    outcome = await engine.run(Program(code, {}), NoHostFunctions(), LIMITS)
    assert outcome.failure
    assert outcome.failure.error.split(":")[0] in ("TypeError", "ValueError")


async def test_unknown_options_of_a_client_are_reported(engine: WasmEngine) -> None:
    """The error names the options that the client does not accept here."""
    code = "import httpx\n" + RUN + "    httpx.AsyncClient(verify=False, **{'proxy': 'x', 'mounts': {}})"
    outcome = await engine.run(Program(code, {}), NoHostFunctions(), LIMITS)
    assert outcome.failure
    assert outcome.failure.error == "TypeError: AsyncClient() does not accept proxy, mounts here."


async def test_other_features_of_httpx_work(run: Run, addresses: dict[str, str]) -> None:
    """Passwords, cookies, files, streams, parts of URLs and case-insensitive headers work as in httpx."""
    code = (
        "import httpx, io\n"
        + RUN
        + (
            "    url = input_dict['url']\n"
            "    async with httpx.AsyncClient(auth=('me', 'pass'), cookies={'a': '1'}, limits=httpx.Limits(),"
            " timeout=httpx.Timeout(5, connect=2), http2=True) as client:\n"
            "        response = await client.post(url + '?q=1', cookies={'b': '2'}, data={'field': 'é'},"
            " files={'f': ('x.txt', io.BytesIO(b'abc')), 'g': b'raw'})\n"
            "        async with client.stream('GET', url, auth=httpx.BasicAuth('x', 'y')) as streamed:\n"
            "            lines = [line async for line in streamed.aiter_lines()]\n"
            "            whole = b''.join([part async for part in streamed.aiter_bytes(7)])\n"
            "    sent = response.json()\n"
            "    return {\n"
            "        'url': [response.url.path, response.url.params, str(response.url) == url + '?q=1'],\n"
            "        'status': [response.status_code == httpx.codes.OK, response.encoding, response.history],\n"
            "        'type': [response.headers[name] for name in ('content-type', 'Content-Type', 'CONTENT-TYPE')],\n"
            "        'names': sorted(set(response.headers) & {'content-type', 'Content-Type'}),\n"
            "        'sent': {name: sent['headers'].get(name) for name in ('authorization', 'cookie')},\n"
            "        'body': sent['body'].replace(response.request.headers['content-type'].split('=')[1], 'B'),\n"
            "        'streamed': [len(lines), whole == streamed.content == await streamed.aread()],\n"
            "    }"
        )
    )
    result: Any = (await run(code, {"url": addresses["$API"] + "/echo"})).result
    assert result == {
        "url": ["/echo", {"q": "1"}, True],
        "status": [True, "utf-8", []],
        "type": ["application/json"] * 3,
        "names": ["content-type"],
        "sent": {"authorization": "Basic bWU6cGFzcw==", "cookie": "a=1; b=2"},
        "body": (
            '--B\r\nContent-Disposition: form-data; name="field"\r\n\r\né\r\n'
            '--B\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\n'
            "Content-Type: text/plain\r\n\r\nabc\r\n"
            '--B\r\nContent-Disposition: form-data; name="g"; filename="g"\r\n'
            "Content-Type: application/octet-stream\r\n\r\nraw\r\n--B--\r\n"
        ),
        "streamed": [1, True],
    }


async def test_a_request_arrives_unchanged(
    run: Run, host_functions: ScriptedHostFunctions, addresses: dict[str, str]
) -> None:
    """A query and a form reach a real server with the correct encoding."""
    code = RUN + (
        "    first = await http_client.get(input_dict['url'], params={'q': 'a b&c=é', 'n': [1, 2]})\n"
        "    second = await http_client.post(input_dict['url'], data={'q': 'a b&c=é', 'n': [1, 2]})\n"
        "    return [first.json(), second.json()]"
    )
    echoes: Any = (await run(code, {"url": addresses["$API"] + "/echo"})).result
    pairs = [("q", "a b&c=é"), ("n", "1"), ("n", "2")]
    assert [tuple(pair) for pair in echoes[0]["query"]] == pairs
    assert parse_qsl(echoes[1]["body"]) == pairs


async def test_parameters_of_a_model_call_are_passed_on_unchanged(
    run: Run, host_functions: ScriptedHostFunctions
) -> None:
    """The parameters of `call_llm` and `litellm.acompletion` reach the host function unchanged."""
    host_functions.answers = [("hi", "hello")]
    code = RUN + (
        "    messages = [{'role': 'user', 'content': 'hi'}]\n"
        "    await call_llm('openai', 'gpt-4o', messages, {'temperature': 0}, [{'id': 'web'}], timeout=3)\n"
        "    await litellm.acompletion('openai/gpt-4o', messages, temperature=0, timeout=3)\n"
        "    await call_llm(messages=messages)"
    )
    outcome = await run(code)
    assert outcome.failure is None
    messages: Any = [{"role": "user", "content": "hi"}]
    common: JsonObject = {"messages": messages, "timeout": 3.0}
    assert host_functions.calls.models == [
        {**common, "provider": "openai", "model": "gpt-4o", "parameters": {"temperature": 0}, "tools": [{"id": "web"}]},
        {**common, "provider": None, "model": "openai/gpt-4o", "parameters": {"temperature": 0}, "tools": []},
        {"provider": None, "model": None, "messages": messages, "parameters": {}, "tools": [], "timeout": None},
    ]


async def test_gathered_calls_run_at_the_same_time(
    run: Run, shop_server: ShopServer, addresses: dict[str, str]
) -> None:
    """Twenty gathered calls run at the same time, according to the server's count."""
    code = RUN + (
        "    urls = [f\"{input_dict['url']}/meet/20?key=w&n={n}\" for n in range(20)]\n"
        "    return [r.status_code for r in await asyncio.gather(*[http_client.get(url) for url in urls])]"
    )
    assert (await run(code, {"url": addresses["$SHOP"]})).result == [200] * 20
    assert shop_server.max_concurrent == 20
