"""The `httpx` client and response in the sandbox, with the features that agent code needs.

`methods`: the methods whose failures are translated into exceptions that agent code can catch.
"""

import json as json_
import os
from base64 import b64encode
from email.message import Message
from mimetypes import guess_type
from typing import Any, cast

from shared.sandbox.inside.arguments import check_string, check_timeout, copy_json, to_bytes, to_pairs, to_string_dict
from shared.sandbox.inside.calls import CallFailed, HostFunctions, HttpCall, HttpResponse

_CHARSETS = {
    *("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1", "iso-8859-15", "windows-1250"),
    *("windows-1251", "windows-1252", "koi8-r", "utf-16", "utf-16le", "utf-16be", "shift_jis", "euc-jp", "euc-kr"),
    *("gb2312", "gbk", "gb18030", "big5"),
}
"""The supported charsets. All of them are decoded in linear time, unlike some of Python's other codecs."""
_IGNORED_OPTIONS = {"limits", "http1", "http2", "verify", "trust_env", "max_redirects", "default_encoding"}
_MAX_VALUES = 300_000
"""The maximum number of values in a JSON response. Parsing more would take too long."""


class Response:
    """An `httpx.Response` that has been read. `headers`: by name in lower case; multiple values are comma-separated."""

    methods = ("json", "raise_for_status")

    def __init__(self, received: HttpResponse, call: HttpCall) -> None:
        self.status_code = received.status_code
        self.reason_phrase = received.reason
        self.content = received.content
        self.url = received.url
        self.is_success = 200 <= received.status_code < 300
        self.is_error = received.status_code >= 400
        lower: dict[str, str] = {}
        for name, value in received.headers:
            lower[name.lower()] = f"{lower[name.lower()]}, {value}" if name.lower() in lower else value
        self.headers = lower
        self._content_type = lower.get("content-type", "")
        self.encoding = _find_charset(self._content_type)
        self.text = received.content.decode(self.encoding, "replace")
        self._call = call

    def json(self) -> Any:
        text_ = self._json_text()
        if sum(text_.count(sign) for sign in "{[,") > _MAX_VALUES:
            message = f"The response has more than {_MAX_VALUES} values, which are too many to parse here."
            raise CallFailed(message, ValueError)
        try:
            return json_.loads(text_)
        except RecursionError as error:
            raise CallFailed("The response's JSON is nested too deeply.", ValueError) from error
        except json_.JSONDecodeError as error:
            raise CallFailed(f"The response is not JSON: {error}", ValueError, name="JSONDecodeError") from error
        except ValueError as error:
            raise CallFailed("The response's JSON contains a number with thousands of digits.", ValueError) from error

    def _json_text(self) -> str:
        """Decodes the body like httpx: as UTF-8, UTF-16 or UTF-32 according to its first bytes, without the BOM.

        If that fails, uses the charset in the Content-Type, which httpx ignores.
        """
        encoding = json_.detect_encoding(self.content)
        try:
            return self.content.decode(encoding, "surrogatepass")
        except UnicodeDecodeError as error:
            if _find_charset(self._content_type) not in ("utf-8", "utf8"):
                return self.text
            message = f"The response is not JSON: it is not text in {encoding.upper()}, from byte {error.start + 1} on."
            raise CallFailed(message, ValueError, name="UnicodeDecodeError") from error

    def raise_for_status(self) -> "Response":
        if self.is_success:
            return self
        kinds = {1: "Informational response", 3: "Redirect response", 4: "Client error"}
        kind = kinds.get(self.status_code // 100, "Server error")
        reason = f" {self.reason_phrase}" if self.reason_phrase else ""
        raise CallFailed(f"{kind} '{self.status_code}{reason}' for url '{self.url}'", Exception, name="HTTPStatusError")


class AsyncClient:
    """`httpx.AsyncClient`, with the features that agent code needs. It stores no connections and no cookies.

    Connection options such as `limits`, `http2` and `verify` are accepted but ignored, as the host connects.
    """

    response_type = Response
    methods = ("get", "post", "put", "patch", "delete", "head", "options", "request", "aclose")

    def __init__(
        self,
        host_functions: HostFunctions,
        /,
        *,
        base_url: Any = "",
        headers: Any = None,
        params: Any = None,
        cookies: Any = None,
        auth: Any = None,
        timeout: Any = None,
        follow_redirects: Any = False,
        **other_options: Any,
    ) -> None:
        if refused := [name for name in other_options if name not in _IGNORED_OPTIONS]:
            raise CallFailed(f"AsyncClient() does not accept {', '.join(refused)} here.", TypeError)
        self._host_functions = host_functions
        self._base_url = check_string("base_url", str(base_url))
        self._headers = to_string_dict("headers", headers)
        self._params = params
        self._cookies = to_string_dict("cookies", cookies)
        self._auth = auth
        self._timeout = timeout
        self._follow_redirects = bool(follow_redirects)

    async def request(
        self,
        method: Any,
        url: Any,
        *,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        auth: Any = None,
        json: Any = None,
        data: Any = None,
        files: Any = None,
        content: Any = None,
        timeout: Any = None,
        follow_redirects: Any = None,
    ) -> "Response":
        url = check_string("url", url)
        if self._base_url and "://" not in url:
            url = f"{self._base_url.rstrip('/')}/{url.lstrip('/')}"
        common_headers = {**self._headers, **_make_authorization_headers(self._auth if auth is None else auth)}
        if all_cookies := {**self._cookies, **to_string_dict("cookies", cookies)}:
            common_headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in all_cookies.items())
        raw = data if isinstance(data, str | bytes) else content
        if files is not None:
            raw, common_headers["Content-Type"] = encode_multipart(to_pairs("data", data), files)
            data = None
        call = HttpCall(
            method=check_string("method", method).upper(),
            url=url,
            params=(to_pairs("params", self._params) + to_pairs("params", params)) or None,
            headers={**common_headers, **to_string_dict("headers", headers)},
            json=None if json is None else copy_json("json", json),
            data=None if data is None or isinstance(data, str | bytes) else to_pairs("data", data),
            content=None if raw is None else to_bytes("content", raw),
            timeout=check_timeout(self._timeout if timeout is None else timeout),
            follow_redirects=self._follow_redirects if follow_redirects is None else bool(follow_redirects),
        )
        return self.response_type(await self._host_functions.http(call), call)

    async def get(self, url: Any, **options: Any) -> "Response":
        return await self.request("GET", url, **options)

    async def post(self, url: Any, **options: Any) -> "Response":
        return await self.request("POST", url, **options)

    async def put(self, url: Any, **options: Any) -> "Response":
        return await self.request("PUT", url, **options)

    async def patch(self, url: Any, **options: Any) -> "Response":
        return await self.request("PATCH", url, **options)

    async def delete(self, url: Any, **options: Any) -> "Response":
        return await self.request("DELETE", url, **options)

    async def head(self, url: Any, **options: Any) -> "Response":
        return await self.request("HEAD", url, **options)

    async def options(self, url: Any, **options: Any) -> "Response":
        return await self.request("OPTIONS", url, **options)

    async def aclose(self) -> None:
        """Does nothing, as there are no connections. Agent code may close its client."""


def _make_authorization_headers(auth: Any) -> dict[str, str]:
    """Returns the header for `auth=`, which is a pair of a name and a password."""
    if auth is None:
        return {}
    if not isinstance(auth, tuple | list) or len(cast("list[Any]", auth)) != 2:
        raise CallFailed("auth must be a tuple of a name and a password.", TypeError)
    name, password = cast("list[Any]", auth)
    credentials = f"{check_string('auth', name)}:{check_string('auth', password)}".encode("utf-8", "replace")
    return {"Authorization": f"Basic {b64encode(credentials).decode()}"}


def encode_multipart(fields: list[tuple[str, str]], files: Any) -> tuple[bytes, str]:
    """Encodes form fields and files as a body. Returns the body and its content type.

    `files`: a dict or a list of pairs. Each value is the content, or a tuple (file name, content, content type).
    """
    items: Any = files.items() if isinstance(files, dict) else files
    if not isinstance(files, dict | list | tuple):
        raise CallFailed("files must be a dict or a list of pairs.", TypeError)
    boundary = os.urandom(16).hex()
    parts: list[bytes] = []
    for name, value in fields:
        parts.append(_encode_part(boundary, f'name="{_quote(name)}"', "", value.encode("utf-8", "replace")))
    for name, value in items:
        file_parts: list[Any] = [*value] if isinstance(value, tuple) else [name, value]
        file_name, content = check_string("files", file_parts[0]), _read_content(file_parts[1])
        kind = (
            check_string("files", file_parts[2])
            if len(file_parts) > 2
            else guess_type(file_name)[0] or "application/octet-stream"
        )
        disposition = f'name="{_quote(check_string("files", name))}"; filename="{_quote(file_name)}"'
        parts.append(_encode_part(boundary, disposition, f"Content-Type: {kind}\r\n", content))
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def _encode_part(boundary: str, disposition: str, extra_headers: str, content: bytes) -> bytes:
    start = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{extra_headers}\r\n"
    return start.encode("utf-8", "replace") + content + b"\r\n"


def _read_content(value: Any) -> bytes:
    return to_bytes("files", value.read() if hasattr(value, "read") else value)


def _quote(name: str) -> str:
    """Quotes a name as browsers do in the headers of form fields."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def httpx_timeout(timeout: Any = None, **parts: Any) -> Any:
    """Implements `httpx.Timeout`. Returns one timeout for the whole call, as parts of a call have no timeouts here."""
    return timeout if timeout is not None else max((part for part in parts.values() if part is not None), default=None)


def _find_charset(content_type: str) -> str:
    """Returns the charset in a Content-Type if it is one of `_CHARSETS`; otherwise UTF-8."""
    message = Message()
    message["content-type"] = content_type
    charset = str(message.get_param("charset", "utf-8")).strip().lower()
    return charset if charset in _CHARSETS else "utf-8"
