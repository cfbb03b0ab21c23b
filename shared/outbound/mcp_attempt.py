"""One attempt at a session with an MCP server, as its transport observes it."""

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
"""Statuses of servers that have something else at this address."""


class Attempt:
    """An attempt over streamable HTTP, or over the older SSE.

    `deadline` must be entered around the attempt; the first permanent failure moves it to now, because the SDK would
    keep waiting. `words` makes a server's words fit to show.
    """

    def __init__(self, host: str, guard: Guard, limit: int, words: Callable[[str], str], *, sse: bool) -> None:
        self.sse = sse
        self.deadline: asyncio.Timeout | None = None
        self.failure: OutboundError | None = None
        self.status: int | None = None
        self.words = ""
        self.is_json_rpc = False
        """Whether the rejection was a JSON-RPC error."""
        self.content_type = ""
        """Of the last answer."""
        self.greeted = False
        self._over = False
        self._host = host
        self._guard = guard
        self._budget = Budget(limit)
        self._fit = words

    def client(self, token: str | None) -> httpx2.AsyncClient:
        """A client for this attempt, with the server's token if there is one."""
        headers = {"User-Agent": USER_AGENT}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        transport = SessionTransport(self._guard, self._budget, self, listens=self.sse)
        return httpx2.AsyncClient(
            transport=transport,
            headers=headers,
            trust_env=False,
            timeout=None,  # the deadline is for the whole
            max_redirects=MAX_REDIRECTS,
        )

    def mark_greeted(self) -> None:
        """Note that it is an MCP server, and forget what it rejected before."""
        self.greeted = True
        self.status, self.words, self.is_json_rpc = None, "", False

    def mark_answered(self) -> None:
        """Note that the result is there: what happens while the session ends changes nothing."""
        self._over = True

    def on_failure(self, failure: OutboundError) -> None:
        """Remembers the first failure, which explains the others."""
        if self._over or self.failure is not None:
            return
        self.failure = failure
        if self.deadline is not None:
            with contextlib.suppress(RuntimeError):  # the deadline has just passed anyway
                self.deadline.reschedule(asyncio.get_running_loop().time())

    def on_answer(self, content_type: str) -> None:
        """Remembers what kind of content was answered."""
        self.content_type = content_type

    def on_redirect(self, target: str | None) -> NotMcp:
        """The error of a server that redirects, which is not followed."""
        led = f"it redirects to {one_line(target)}" if target else "it redirects to an invalid address"
        failure = self.not_mcp("", f"{led}, which is not followed. Give the address of the server itself.")
        self.on_failure(failure)
        return failure

    def on_rejection(self, status: int, body: bytes) -> None:
        """Remembers an answer that is an error, with as much of its text as can be shown."""
        words, self.is_json_rpc = _find_words(body)
        self.status, self.words = status, self._fit(words)
        if status in (401, 403):
            wants = "requires a token, or a different one" if status == 401 else "does not allow it"
            self.on_failure(Unauthorized(_write_sentence(f"{self._host} {wants}", self.words)))
        elif self.sse:  # over SSE the SDK drops the error, and no answer would come
            self.on_failure(self.not_mcp(self.words))

    def not_mcp(self, words: str, otherwise: str = "") -> NotMcp:
        """The error for a server that does not speak MCP, in its own `words`, or `otherwise` in ours."""
        status = f" (status {self.status})" if self.status else ""
        if not words and not otherwise and self.status in _WRONG_ADDRESS:
            otherwise = ADDRESS_HINT
        beginning = f"{self._host} did not answer as an MCP server does{status}"
        return NotMcp(_write_sentence(beginning, words or otherwise))


def _write_sentence(beginning: str, words: str) -> str:
    """A complete sentence, whatever the server's words end in."""
    if not words:
        return f"{beginning}."
    return f"{beginning}: {words}{'' if words.endswith(('.', '!', '?', '…')) else '.'}"


def _find_words(body: bytes) -> tuple[str, bool]:
    """The message in an error's body, if there is one, and whether the body is JSON-RPC."""
    text = body.decode(errors="replace").strip()
    try:
        parsed: Any = json.loads(text)
    except (ValueError, RecursionError):
        return ("" if text.startswith("<") else text), False
    if not isinstance(parsed, dict):
        return "", False
    error: Any = parsed.get("error")
    inner: Any = error if isinstance(error, dict) else parsed
    found = (inner.get(name) for name in ("message", "error_description", "detail", "error"))
    return next((words for words in found if isinstance(words, str)), ""), "jsonrpc" in parsed
