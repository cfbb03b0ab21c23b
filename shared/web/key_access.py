"""Verifies the API key of a request, and decides which routes it opens: those of its scopes.

A route whose path is not listed here opens with no key.
"""

from fastapi import Request

from shared.models.api_key import ApiKey, Scope
from shared.models.errors import Forbidden, Unavailable
from shared.services.api_keys.verification import KeyVerification
from shared.settings import Settings
from shared.store import Database
from shared.web.address import address_block, client_address

ANY_SCOPE = frozenset(Scope)
_NO_KEY = frozenset[Scope]()
SCOPES: tuple[tuple[str, frozenset[Scope]], ...] = (
    ("/users/me/keys", _NO_KEY),
    ("/users", frozenset({Scope.ACCOUNT})),
    ("/chat", frozenset({Scope.CHAT})),
    ("/sessions", frozenset({Scope.CHAT})),
    ("/providers", frozenset({Scope.CHAT, Scope.AGENTS})),
    ("/runs", frozenset({Scope.RUN})),
    ("/rest", frozenset({Scope.RUN})),
    ("/mcp/tools", frozenset({Scope.AGENTS})),
    ("/mcp", frozenset({Scope.RUN})),
    ("/schedules", frozenset({Scope.RUN})),
    ("/webhooks", frozenset({Scope.RUN})),
    ("/agents", frozenset({Scope.AGENTS})),
    ("/deployments", frozenset({Scope.AGENTS, Scope.RUN})),
    ("/demos", frozenset({Scope.AGENTS})),
    ("/specs", frozenset({Scope.AGENTS})),
    ("/v1", frozenset({Scope.CHAT, Scope.RUN})),
    ("/log", ANY_SCOPE),
)
"""The scopes that open the paths below a prefix; a key needs one of them. The first prefix counts.

With the OpenAI-compatible endpoints and in chats, `shared.models.caller.Caller.require_scope` distinguishes models from
agents.
"""


async def verify_key(text: str, request: Request, settings: Settings) -> ApiKey:
    """Returns the key, and records its id in the access log. Raises what `KeyVerification.verify` raises.

    Also raises `Forbidden` if none of its scopes opens the route.
    """
    block = address_block(client_address(request, settings))
    key = await KeyVerification(Database(settings)).verify(text, block)
    request.state.access["key"] = key.id
    _refuse_out_of_scope(key, request.url.path)
    return key


async def is_still_valid(text: str, settings: Settings) -> bool:
    """Whether a key still opens what it has opened, for a response that lasts long. It does while that is unknown."""
    try:
        return await KeyVerification(Database(settings)).is_still_valid(text)
    except Unavailable:
        return True


def scopes_of(path: str) -> frozenset[Scope]:
    """Returns the scopes that open a path in its canonical form; none if no key opens it."""
    for prefix, scopes in SCOPES:
        if path == prefix or path.startswith(f"{prefix}/"):
            return scopes
    return _NO_KEY


def _refuse_out_of_scope(key: ApiKey, path: str) -> None:
    scopes = scopes_of(path)
    if not scopes:
        raise Forbidden("API keys cannot be used here. Sign in, and send an ID token instead.")
    if scopes.isdisjoint(key.scopes):
        needed = " or ".join(sorted(f"'{scope.value}'" for scope in scopes))
        raise Forbidden(f"This API key needs the scope {needed}. Create a key that has it.")
