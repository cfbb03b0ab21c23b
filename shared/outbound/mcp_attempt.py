"""What becomes of one attempt at a session with an MCP server, as its transport sees it."""

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
"""Statuses of servers that have something else there."""


class Attempt:
    """By streamable HTTP, or by the older SSE.

    `deadline` is to be entered around the attempt; the first failure for good moves it to now, since the SDK would
    wait on. `words` makes a stranger's words fit to be shown.
    """

    def __init__(self, host: str, guard: Guard, limit: int, words: Callable[[str], str], *, sse: bool) -> None:
        self.sse = sse
        self.deadline: asyncio.Timeout | None = None
        self.failure: OutboundError | None = None
        self.status: int | None = None
        self.words = ""
        self.is_json_rpc = False
        """Whether the rejection was one of the protocol's own."""
        self.content_type = ""
        """Of the last answer."""
        self.greeted = False
        self._over = False
        self._host = host
        self._guard = guard
        self._budget = Budget(limit)
        self._fit = words

    def client(self, token: str | None) -> httpx2.AsyncClient:
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
        """It is an MCP server. What it rejected on the way here is of no more interest."""
        self.greeted = True
        self.status, self.words, self.is_json_rpc = None, "", False

    def mark_answered(self) -> None:
        """What happens from here on, in parting, changes nothing."""
        self._over = True

    def on_failure(self, failure: OutboundError) -> None:
        if self._over or self.failure is not None:
            return
        self.failure = failure
        if self.deadline is not None:
            with contextlib.suppress(RuntimeError):  # the time was just up anyway
                self.deadline.reschedule(asyncio.get_running_loop().time())

    def on_answer(self, content_type: str) -> None:
        self.content_type = content_type

    def on_redirect(self, target: str | None) -> NotMcp:
        led = f"it redirects to {one_line(target)}" if target else "it redirects to what is no address"
        failure = self.not_mcp("", f"{led}, which is not followed. Give the address of the server itself.")
        self.on_failure(failure)
        return failure

    def on_rejection(self, status: int, body: bytes) -> None:
        words, self.is_json_rpc = _find_words(body)
        self.status, self.words = status, self._fit(words)
        if status in (401, 403):
            wants = "wants a token, or another one" if status == 401 else "does not allow it"
            self.on_failure(Unauthorized(_write_sentence(f"{self._host} {wants}", self.words)))
        elif self.sse:  # over SSE, nobody would answer: the SDK drops it
            self.on_failure(self.not_mcp(self.words))

    def not_mcp(self, words: str, otherwise: str = "") -> NotMcp:
        """`words`: of the server. `otherwise`: ours, about it."""
        status = f" (status {self.status})" if self.status else ""
        if not words and not otherwise and self.status in _WRONG_ADDRESS:
            otherwise = ADDRESS_HINT
        beginning = f"{self._host} did not answer as an MCP server does{status}"
        return NotMcp(_write_sentence(beginning, words or otherwise))


def _write_sentence(beginning: str, words: str) -> str:
    """Ends as a sentence does, whatever the words of a stranger end in."""
    if not words:
        return f"{beginning}."
    return f"{beginning}: {words}{'' if words.endswith(('.', '!', '?', '…')) else '.'}"


def _find_words(body: bytes) -> tuple[str, bool]:
    """The message in an error's body, if it has one, and whether it is JSON-RPC's."""
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
