"""The state of one attempt at a session with an MCP server, updated by its transport."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import httpx2

from shared.outbound.bodies import Budget
from shared.outbound.errors import NotMcp, OutboundError, Unauthorized, one_line
from shared.outbound.mcp_diagnosis import ADDRESS_HINT
from shared.outbound.mcp_transport import MAX_REDIRECTS, SessionTransport
from shared.outbound.network import USER_AGENT, Guard

_WRONG_ADDRESS = {400, 404, 405, 406, 410, 415, 501}
"""Statuses that suggest that the address is not that of an MCP endpoint."""


class Attempt:
    """An attempt over streamable HTTP, or over the older SSE transport.

    The attempt must run inside `deadline`. The first permanent failure moves the deadline to the current time, because
    the SDK would keep waiting. `clean_message` makes a server's message fit to show.
    """

    def __init__(
        self, host: str, guard: Guard, max_bytes: int, clean_message: Callable[[str], str], *, sse: bool
    ) -> None:
        self.sse = sse
        self.deadline: asyncio.Timeout | None = None
        self.failure: OutboundError | None = None
        self.status: int | None = None
        self.message = ""
        """The server's message from the last rejection; empty if it sent none."""
        self.is_json_rpc = False
        """Whether the rejection was a JSON-RPC error."""
        self.content_type = ""
        """The content type of the last successful response."""
        self.initialized = False
        self._finished = False
        self._host = host
        self._guard = guard
        self._budget = Budget(max_bytes)
        self._clean_message = clean_message

    def client(self, token: str | None) -> httpx2.AsyncClient:
        """Returns a client for this attempt, with the server's token if there is one."""
        headers = {"User-Agent": USER_AGENT}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        transport = SessionTransport(self._guard, self._budget, self, listens=self.sse)
        return httpx2.AsyncClient(
            transport=transport,
            headers=headers,
            trust_env=False,
            timeout=None,  # the deadline covers the whole attempt
            max_redirects=MAX_REDIRECTS,
        )

    def mark_initialized(self) -> None:
        """Records that the server is an MCP server, and clears earlier rejections."""
        self.initialized = True
        self.status, self.message, self.is_json_rpc = None, "", False

    def mark_finished(self) -> None:
        """Records that the result has arrived, so that failures while the session ends are ignored."""
        self._finished = True

    def on_failure(self, failure: OutboundError) -> None:
        """Stores the first failure, which usually causes the later ones, and ends the attempt."""
        if self._finished or self.failure is not None:
            return
        self.failure = failure
        if self.deadline is not None:
            with contextlib.suppress(RuntimeError):  # the deadline has just passed anyway
                self.deadline.reschedule(asyncio.get_running_loop().time())

    def on_response(self, content_type: str) -> None:
        """Stores the content type of a successful response."""
        self.content_type = content_type

    def on_redirect(self, target: str | None) -> NotMcp:
        """Returns the error for a redirect that is not followed."""
        redirect = f"it redirects to {one_line(target)}" if target else "it redirects to an invalid address"
        failure = self.not_mcp("", f"{redirect}, which is not followed. Give the address of the server itself.")
        self.on_failure(failure)
        return failure

    def on_rejection(self, status: int, body: bytes) -> None:
        """Stores the status and the message of an error response. Some of them end the attempt."""
        message, self.is_json_rpc = _find_message(body)
        self.status, self.message = status, self._clean_message(message)
        if status in (401, 403):
            problem = "requires a token, or a different one" if status == 401 else "does not allow this request"
            self.on_failure(Unauthorized(_write_sentence(f"{self._host} {problem}", self.message)))
        elif self.sse:  # over SSE, the SDK drops the error and waits for a response that never comes
            self.on_failure(self.not_mcp(self.message))

    def not_mcp(self, server_message: str, explanation: str = "") -> NotMcp:
        """Returns the error for a server that does not support MCP.

        `explanation` is shown if `server_message` is empty.
        """
        status = f" (status {self.status})" if self.status else ""
        if not server_message and not explanation and self.status in _WRONG_ADDRESS:
            explanation = ADDRESS_HINT
        beginning = f"{self._host} did not respond like an MCP server{status}"
        return NotMcp(_write_sentence(beginning, server_message or explanation))


def _write_sentence(beginning: str, message: str) -> str:
    """Joins both parts and adds a full stop, unless the server's message ends with punctuation."""
    if not message:
        return f"{beginning}."
    return f"{beginning}: {message}{'' if message.endswith(('.', '!', '?', '…')) else '.'}"


def _find_message(body: bytes) -> tuple[str, bool]:
    """Returns the message in the body of an error response (empty if there is none), and whether it is JSON-RPC."""
    text = body.decode(errors="replace").strip()
    try:
        parsed: Any = json.loads(text)
    except (ValueError, RecursionError):
        return ("" if text.startswith("<") else text), False
    if not isinstance(parsed, dict):
        return "", False
    error: Any = parsed.get("error")
    inner: Any = error if isinstance(error, dict) else parsed
    values = (inner.get(name) for name in ("message", "error_description", "detail", "error"))
    return next((value for value in values if isinstance(value, str)), ""), "jsonrpc" in parsed
