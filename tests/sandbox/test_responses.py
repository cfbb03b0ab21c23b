"""The HTTP responses that agent code gets: their text, JSON, headers and status."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sandbox import CallFailed, HttpCall, HttpResponse
from shared.sandbox.guest.httpx import Headers as InsideHeaders
from shared.sandbox.guest.httpx import Response as InsideResponse
from shared.sandbox.inside.http_objects import Response

CALL = HttpCall("GET", "https://example.com/a")


def response(content: bytes, content_type: str = "", status: int = 200, reason: str = "OK") -> Response:
    headers = [("Content-Type", content_type)] if content_type else []
    return Response(HttpResponse(status, reason, headers, content, "https://example.com/a"), CALL)


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
def test_text_is_decoded_with_its_charset(content: bytes, content_type: str, text: str) -> None:
    """Text is decoded as UTF-8 if no known charset is given. Invalid bytes are replaced."""
    assert response(content, content_type).text == text


_CODECS = ["base64", "rot13", "zlib", "hex", "unicode_escape", "punycode", "x" * 10_000]
_INVALID_CODECS = ["undefined", "idna", "a\0b"]


def test_a_slow_charset_is_not_used() -> None:
    """Text with an unusual charset is decoded as UTF-8, as some of these would be decoded in quadratic time."""
    assert response(b"a" * 200_000, "text/html; charset=punycode").text == "a" * 200_000


def test_json_with_too_many_values_is_refused() -> None:
    """JSON with too many values is refused, as parsing a few megabytes of brackets would take seconds."""
    with pytest.raises(CallFailed, match="too many to parse"):
        response(b"[" + b"{}," * 400_000 + b"0]", "application/json").json()


@pytest.mark.parametrize("charset", [*_CODECS, *_INVALID_CODECS])
def test_any_charset_is_harmless(charset: str) -> None:
    """The response has text, whichever of Python's codecs the charset names, and even if it names none."""
    assert isinstance(response(b"abc", f"text/plain; charset={charset}").text, str)


JSON_TEXTS = ['{"a": "é 日本 🎉"}', '"x"', "1", "[]", '["\\ud800"]', "", "{", "\ufeff1"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "latin-1"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=utf-16", "; charset=no-such-thing"])
def test_the_encoding_of_json_is_detected_as_in_httpx(encoding: str, charset: str) -> None:
    """JSON is decoded as UTF-8, UTF-16 or UTF-32 according to its first bytes, regardless of the charset."""
    for text in JSON_TEXTS:
        content = text.encode(encoding, "replace")
        try:
            expected: Any = httpx.Response(200, content=content, headers={"Content-Type": f"a/b{charset}"}).json()
        except ValueError:
            continue
        assert response(content, f"application/json{charset}").json() == expected


@given(st.binary(max_size=40) | st.text(max_size=20).map(lambda text: json.dumps(text).encode("utf-16")))
def test_any_bytes_are_parsed_as_in_httpx(content: bytes) -> None:
    """Bytes that httpx parses as JSON have the same value here. Other bytes raise a `ValueError`."""
    try:
        expected: Any = httpx.Response(200, content=content).json()
    except ValueError:
        with pytest.raises(CallFailed) as raised:
            response(content, "application/json").json()
        assert raised.value.kind is ValueError
    else:
        assert json.dumps(response(content, "application/json").json()) == json.dumps(expected)


def test_json_is_decoded_with_the_given_charset_if_necessary() -> None:
    """If JSON has none of its standard encodings, the given charset is used, whereas httpx would raise an exception."""
    content = '{"a": "é"}'.encode("latin-1")
    assert response(content, "application/json; charset=iso-8859-1").json() == {"a": "é"}
    for content_type in ("", "application/json", "application/json; charset=utf-8", "a/b; charset=idna"):
        with pytest.raises(CallFailed) as raised:
            response(content, content_type).json()
        assert raised.value.name == "UnicodeDecodeError"
        assert raised.value.message == "The response is not JSON: it is not text in UTF-8, from byte 8 on."


def test_headers_are_in_lower_case() -> None:
    """Header names are in lower case, and multiple values of a name are joined with commas."""
    answer = HttpResponse(
        200, "OK", [("X-THING", "1"), ("x-thing", "2"), ("content-type", "a/b")], b"", "https://e.com"
    )
    assert Response(answer, CALL).headers == {"x-thing": "1, 2", "content-type": "a/b"}


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        (404, "Not Found", "Client error '404 Not Found' for url 'https://example.com/a'"),
        (500, "", "Server error '500' for url 'https://example.com/a'"),
        (302, "Found", "Redirect response '302 Found' for url 'https://example.com/a'"),
    ],
)
def test_an_error_status_is_raised_with_the_message_of_httpx(status: int, reason: str, message: str) -> None:
    """For an error status, the message is the same as in httpx. For a successful one, the response is returned."""
    with pytest.raises(CallFailed) as raised:
        response(b"", status=status, reason=reason).raise_for_status()
    assert raised.value.message == message
    successful = response(b"", status=204)
    assert successful.raise_for_status() is successful


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5000, b"\xff\xfe{"])
def test_a_response_that_is_not_json_raises_a_value_error(content: bytes) -> None:
    """A response that is not JSON raises a `ValueError`, the base class of `json.JSONDecodeError`."""
    with pytest.raises(CallFailed) as raised:
        response(content).json()
    assert raised.value.kind is ValueError


_HEADERS = [("Set-Cookie", "a=1; Path=/"), ("X-One", "1"), ("set-cookie", "b=2"), ("x-one", "2, 3"), ("Empty", "")]


def _read_and_change(headers: Any) -> list[Any]:
    """Calls all methods of headers, including those that change them. Returns the results."""
    return [
        *([headers[name] for name in ("x-one", "SET-COOKIE", "empty")]),
        *([headers.get_list(name) for name in ("x-one", "Set-Cookie", "none")]),
        headers.get_list("x-one", split_commas=True),
        *(list(headers), list(headers.items()), len(headers), "X-ONE" in headers, "none" in headers),
        headers.multi_items(),
        *(headers == {"a": "1"}, headers.copy() == headers, headers.copy() is headers, headers.get("none", "-")),
        headers.__setitem__("X-One", "4"),  # the other headers keep their positions
        *(headers.setdefault("new", "5"), headers.multi_items()),
        *(headers.pop("set-cookie"), headers.multi_items()),
    ]


@pytest.mark.parametrize("pairs", [_HEADERS, _HEADERS[::-1]])
def test_headers_behave_as_in_httpx(pairs: list[tuple[str, str]]) -> None:
    """All methods give the same results as in httpx, even for multiple values of one name."""
    assert _read_and_change(InsideHeaders(pairs)) == _read_and_change(httpx.Headers(pairs))
    assert repr(InsideHeaders({"A": "1"})) == repr(httpx.Headers({"A": "1"}))
    for headers in (InsideHeaders(pairs), httpx.Headers(pairs)):
        with pytest.raises(KeyError):
            headers["none"]
        with pytest.raises(KeyError):
            del headers["none"]


def test_cookies_are_read_from_each_header() -> None:
    """A response may have several `Set-Cookie` headers, one for each cookie."""
    set_cookies = [("Set-Cookie", "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT"), ("Set-Cookie", 'b="2, 3"; Path=/')]
    response = InsideResponse(HttpResponse(200, "OK", set_cookies, b"", "http://x"), HttpCall("GET", "http://x"))
    assert response.cookies == {"a": "1", "b": "2, 3"}
    assert response.headers.get_list("set-cookie") == [value for _, value in set_cookies]
