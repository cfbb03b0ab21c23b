"""The names inside: what they take, what they say of what they do not, and how a request and an answer are written."""

import json
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.wire import JsonObject
from shared.sandbox import CallFailed, HttpAnswer, HttpCall, Program
from shared.sandbox.engine import WasmEngine
from shared.sandbox.guest.httpx import Headers as InsideHeaders
from shared.sandbox.guest.httpx import Response as InsideResponse
from shared.sandbox.inside.http_objects import AsyncClient, Response, httpx_timeout
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.sandbox.conftest import LIMITS, Run
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions
from tests.sandbox.shop_server import ShopServer

RUN = "async def run(input_dict, tools):\n"
CALL = HttpCall("GET", "https://example.com/a")


class Noting(NoHostFunctions):
    """Keeps the HTTP calls, and answers each with `answer`."""

    def __init__(self, answer: HttpAnswer | None = None) -> None:
        self.calls: list[HttpCall] = []
        self._answer = answer or HttpAnswer(200, "OK", [], b"", "https://example.com/")

    async def http(self, call: HttpCall) -> HttpAnswer:
        self.calls.append(call)
        return self._answer


async def sent(*, client: dict[str, Any] | None = None, method: str = "get", **options: Any) -> HttpCall:
    """The one call that a client's method makes."""
    host_functions = Noting()
    await getattr(AsyncClient(host_functions, **(client or {})), method)("https://example.com/a", **options)
    (call,) = host_functions.calls
    return call


async def test_a_bare_request_has_nothing_but_its_address() -> None:
    """No redirect is followed, as in httpx."""
    assert await sent() == HttpCall("GET", "https://example.com/a")


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
async def test_each_method_has_its_name(method: str) -> None:
    """In capitals."""
    assert (await sent(method=method)).method == method.upper()


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
async def test_a_query_is_pairs_of_text(params: Any, pairs: list[tuple[str, str]] | None) -> None:
    """As httpx writes them; a list is the name several times."""
    assert (await sent(params=params)).params == pairs


async def test_a_form_is_pairs_of_text() -> None:
    """A text or bytes as `data` is a body as it stands."""
    assert (await sent(method="post", data={"a": [1, 2], "b": "é"})).data == [("a", "1"), ("a", "2"), ("b", "é")]
    assert (await sent(method="post", data="raw é")).content == "raw é".encode()
    assert (await sent(method="post", content=b"\x00\xff")).content == b"\x00\xff"


@pytest.mark.parametrize("json", [{"a": [1, None]}, [], {}, "text", 0, False])
async def test_json_is_sent_also_where_it_is_nothing_much(json: Any) -> None:
    """Only None is no body."""
    call = await sent(method="post", json=json)
    assert (call.json, type(call.json)) == (json, type(json))
    assert (await sent(method="post", json=None)).json is None


async def test_a_clients_own_settings_come_first() -> None:
    """A call's are added to them, or take their place."""
    client = {"headers": {"X-A": "1", "X-B": "1"}, "params": {"p": 1}, "timeout": 5, "follow_redirects": True}
    call = await sent(client=client, headers={"X-B": 2}, params={"q": 2}, timeout=1.5, follow_redirects=False)
    assert call.headers == {"X-A": "1", "X-B": "2"}
    assert (call.params, call.timeout, call.follow_redirects) == ([("p", "1"), ("q", "2")], 1.5, False)
    call = await sent(client=client)
    assert (call.params, call.timeout, call.follow_redirects) == ([("p", "1")], 5.0, True)


@pytest.mark.parametrize(
    ("base", "url", "whole"),
    [
        ("https://example.com", "a", "https://example.com/a"),
        ("https://example.com/v1/", "/a", "https://example.com/v1/a"),
        ("https://example.com", "https://other.example.com/b", "https://other.example.com/b"),
        ("", "https://example.com/c", "https://example.com/c"),
    ],
)
async def test_a_base_url_goes_before(base: str, url: str, whole: str) -> None:
    """But for an address that is whole."""
    host_functions = Noting()
    await AsyncClient(host_functions, base_url=base).get(url)
    assert host_functions.calls[0].url == whole


def test_a_timeout_is_one_number() -> None:
    """The longest of its parts."""
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
            "ValueError: timeout must be a number of seconds above 0.",
        ),
        (
            "http_client.get('https://example.com', timeout='5')",
            "ValueError: timeout must be a number of seconds above 0.",
        ),
        (
            "http_client.get('https://example.com', verify=False)",
            "TypeError: get() got an unexpected keyword argument 'verify'",
        ),
        ("http_client.get()", "TypeError: get() missing 1 required positional argument: 'url'"),
        (
            "http_client.post('https://example.com', json={1, 2})",
            "TypeError: The json is not JSON: Object of type set is not JSON serializable.",
        ),
        (
            "call_llm(messages=float('nan'))",
            "TypeError: The messages is not JSON: Out of range float values are not JSON compliant",
        ),
        ("call_llm(provider=5)", "TypeError: provider must be a string, not int."),
        ("call_llm(model=5)", "TypeError: model must be a string, not int."),
        ("call_llm(parameters='x')", "TypeError: parameters must be a dict, not str."),
        ("call_llm(tools='x')", "TypeError: tools must be a list, not str."),
        ("call_llm(nonsense=1)", "TypeError: call_llm() got an unexpected keyword argument 'nonsense'"),
        ("litellm.acompletion(model=5)", "TypeError: model must be a string, not int."),
        (
            "litellm.acompletion(model='m', messages=[], timeout=-1)",
            "ValueError: timeout must be a number of seconds above 0.",
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
async def test_what_does_not_fit_is_told(call: str, error: str, engine: WasmEngine) -> None:
    """By the name of the parameter, and what it should have been."""
    program = Program(RUN + f"    await {call}", {}, {"https://mcp.example.com": ["x"]})
    outcome = await engine.run(program, NoHostFunctions(), LIMITS)
    assert outcome.failure
    assert outcome.failure.error.startswith(error)


async def test_a_number_that_is_too_long_is_told(engine: WasmEngine) -> None:
    """As any other argument that does not fit."""
    code = RUN + "    await http_client.get('https://example.com', headers={'x': 10**5000})"
    outcome = await engine.run(Program(code, {}), NoHostFunctions(), LIMITS)
    assert outcome.failure
    assert outcome.failure.error.split(":")[0] in ("TypeError", "ValueError")


async def test_a_client_that_is_made_otherwise_is_told(engine: WasmEngine) -> None:
    """What it does not take here is named."""
    code = "import httpx\n" + RUN + "    httpx.AsyncClient(verify=False, **{'proxy': 'x', 'mounts': {}})"
    outcome = await engine.run(Program(code, {}), NoHostFunctions(), LIMITS)
    assert outcome.failure
    assert outcome.failure.error == "TypeError: AsyncClient() takes no proxy, mounts here."


def response(content: bytes, content_type: str = "", status: int = 200, reason: str = "OK") -> Response:
    headers = [("Content-Type", content_type)] if content_type else []
    return Response(HttpAnswer(status, reason, headers, content, "https://example.com/a"), CALL)


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        ("é".encode(), "", "é"),
        ("é".encode(), "application/json", "é"),
        ("é".encode("latin-1"), "text/plain; charset=latin-1", "é"),
        ("é".encode("latin-1"), 'text/plain; charset="ISO-8859-1"', "é"),
        ("ш".encode("cp1251"), "text/html; charset=windows-1251", "ш"),
        ("é".encode("utf-16"), "text/plain; charset=utf-16", "é"),
        (b"\xff\xfe", "text/plain", "\ufffd\ufffd"),
        ("é".encode(), "text/plain; charset=no-such-thing", "é"),
        ("é".encode(), "text/plain; charset=", "é"),
        (b"", "text/plain", ""),
    ],
)
def test_a_text_is_read_by_its_charset(content: bytes, content_type: str, text: str) -> None:
    """UTF-8 where none is named or known; what cannot be read is replaced."""
    assert response(content, content_type).text == text


_CODECS = ["base64", "rot13", "zlib", "hex", "unicode_escape", "punycode", "x" * 10_000]
_NO_CODECS = ["undefined", "idna", "a\0b"]


def test_a_slow_charset_is_not_used() -> None:
    """A server cannot have a body read in quadratic time: what is not the web's is read as UTF-8."""
    assert response(b"a" * 200_000, "text/html; charset=punycode").text == "a" * 200_000


def test_json_of_too_many_values_is_refused() -> None:
    """A few megabytes of brackets would take seconds to read."""
    with pytest.raises(CallFailed, match="too many to be read"):
        response(b"[" + b"{}," * 400_000 + b"0]", "application/json").json()


@pytest.mark.parametrize("charset", [*_CODECS, *_NO_CODECS])
def test_a_strangers_charset_breaks_nothing(charset: str) -> None:
    """Whatever Python knows by that name."""
    assert isinstance(response(b"abc", f"text/plain; charset={charset}").text, str)


JSON_TEXTS = ['{"a": "é 日本 🎉"}', '"x"', "1", "[]", '["\\ud800"]', "", "{", "\ufeff1"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "latin-1"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("named", ["", "; charset=utf-8", "; charset=utf-16", "; charset=no-such-thing"])
def test_json_is_read_by_its_bytes_as_httpx_does(encoding: str, named: str) -> None:
    """Whatever the charset says: with a byte order mark or without, in UTF-8, 16 or 32."""
    for text in JSON_TEXTS:
        content = text.encode(encoding, "replace")
        try:
            expected: Any = httpx.Response(200, content=content, headers={"Content-Type": f"a/b{named}"}).json()
        except ValueError:
            continue
        assert response(content, f"application/json{named}").json() == expected


@given(st.binary(max_size=40) | st.text(max_size=20).map(lambda text: json.dumps(text).encode("utf-16")))
def test_any_bytes_are_json_where_they_are_for_httpx(content: bytes) -> None:
    """And a `ValueError` where they are none."""
    try:
        expected: Any = httpx.Response(200, content=content).json()
    except ValueError:
        with pytest.raises(CallFailed) as raised:
            response(content, "application/json").json()
        assert raised.value.kind is ValueError
    else:
        assert json.dumps(response(content, "application/json").json()) == json.dumps(expected)


def test_json_in_a_charset_that_is_named_is_read_by_it() -> None:
    """Where it is not in one of JSON's own encodings: httpx gives up there."""
    content = '{"a": "é"}'.encode("latin-1")
    assert response(content, "application/json; charset=iso-8859-1").json() == {"a": "é"}
    for content_type in ("", "application/json", "application/json; charset=utf-8", "a/b; charset=idna"):
        with pytest.raises(CallFailed) as raised:
            response(content, content_type).json()
        assert raised.value.name == "UnicodeDecodeError"
        assert raised.value.message == "The answer is not JSON: it is not text in UTF-8, from byte 8 on."


def test_headers_are_in_lower_case() -> None:
    """Several of one name are one, with commas."""
    answer = HttpAnswer(200, "OK", [("X-THING", "1"), ("x-thing", "2"), ("content-type", "a/b")], b"", "https://e.com")
    assert Response(answer, CALL).headers == {"x-thing": "1, 2", "content-type": "a/b"}


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        (404, "Not Found", "Client error '404 Not Found' for url 'https://example.com/a'"),
        (500, "", "Server error '500' for url 'https://example.com/a'"),
        (302, "Found", "Redirect response '302 Found' for url 'https://example.com/a'"),
    ],
)
def test_a_status_is_raised_in_the_words_of_httpx(status: int, reason: str, message: str) -> None:
    """And one that is fine gives the response."""
    with pytest.raises(CallFailed) as raised:
        response(b"", status=status, reason=reason).raise_for_status()
    assert raised.value.message == message
    fine = response(b"", status=204)
    assert fine.raise_for_status() is fine


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5000, b"\xff\xfe{"])
def test_an_answer_that_is_not_json_is_a_value_error(content: bytes) -> None:
    """As `json.JSONDecodeError` is one."""
    with pytest.raises(CallFailed) as raised:
        response(content).json()
    assert raised.value.kind is ValueError


async def test_what_httpx_has_besides(run: Run, addresses: dict[str, str]) -> None:
    """Names and passwords, cookies, files, streams, parts of addresses, headers in any case."""
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
    found: Any = (await run(code, {"url": addresses["$API"] + "/echo"})).result
    assert found == {
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


async def test_a_request_arrives_as_it_was_written(
    run: Run, host_functions: ScriptedHostFunctions, addresses: dict[str, str]
) -> None:
    """Query and form, encoded, at a real server."""
    code = RUN + (
        "    first = await http_client.get(input_dict['url'], params={'q': 'a b&c=é', 'n': [1, 2]})\n"
        "    second = await http_client.post(input_dict['url'], data={'q': 'a b&c=é', 'n': [1, 2]})\n"
        "    return [first.json(), second.json()]"
    )
    echoes: Any = (await run(code, {"url": addresses["$API"] + "/echo"})).result
    pairs = [("q", "a b&c=é"), ("n", "1"), ("n", "2")]
    assert [tuple(pair) for pair in echoes[0]["query"]] == pairs
    assert parse_qsl(echoes[1]["body"]) == pairs


async def test_parameters_of_a_model_call_go_on_as_they_are(run: Run, host_functions: ScriptedHostFunctions) -> None:
    """By `call_llm` and by litellm's name."""
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


async def test_calls_that_are_gathered_are_under_way_together(
    run: Run, shop_server: ShopServer, addresses: dict[str, str]
) -> None:
    """Twenty of them, by the server's own count."""
    code = RUN + (
        "    urls = [f\"{input_dict['url']}/meet/20?key=w&n={n}\" for n in range(20)]\n"
        "    return [r.status_code for r in await asyncio.gather(*[http_client.get(url) for url in urls])]"
    )
    assert (await run(code, {"url": addresses["$SHOP"]})).result == [200] * 20
    assert shop_server.most_at_once == 20


_HEADERS = [("Set-Cookie", "a=1; Path=/"), ("X-One", "1"), ("set-cookie", "b=2"), ("x-one", "2, 3"), ("Empty", "")]


def _looked_at(headers: Any) -> list[Any]:
    """All that code may ask of headers, and what is left of them when some were changed."""
    return [
        *([headers[name] for name in ("x-one", "SET-COOKIE", "empty")]),
        *([headers.get_list(name) for name in ("x-one", "Set-Cookie", "none")]),
        headers.get_list("x-one", split_commas=True),
        *(list(headers), list(headers.items()), len(headers), "X-ONE" in headers, "none" in headers),
        headers.multi_items(),
        *(headers == {"a": "1"}, headers.copy() == headers, headers.copy() is headers, headers.get("none", "-")),
        headers.__setitem__("X-One", "4"),  # one by one: what is left stays in its place
        *(headers.setdefault("new", "5"), headers.multi_items()),
        *(headers.pop("set-cookie"), headers.multi_items()),
    ]


@pytest.mark.parametrize("pairs", [_HEADERS, _HEADERS[::-1]])
def test_headers_are_those_of_httpx(pairs: list[tuple[str, str]]) -> None:
    """Several of one name are kept apart for those that ask for a list."""
    assert _looked_at(InsideHeaders(pairs)) == _looked_at(httpx.Headers(pairs))
    assert repr(InsideHeaders({"A": "1"})) == repr(httpx.Headers({"A": "1"}))
    for headers in (InsideHeaders(pairs), httpx.Headers(pairs)):
        with pytest.raises(KeyError):
            headers["none"]
        with pytest.raises(KeyError):
            del headers["none"]


def test_cookies_are_read_from_each_header() -> None:
    """Of which a server sends one for each cookie."""
    dates = [("Set-Cookie", "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT"), ("Set-Cookie", 'b="2, 3"; Path=/')]
    response = InsideResponse(HttpAnswer(200, "OK", dates, b"", "http://x"), HttpCall("GET", "http://x"))
    assert response.cookies == {"a": "1", "b": "2, 3"}
    assert response.headers.get_list("set-cookie") == [value for _, value in dates]
