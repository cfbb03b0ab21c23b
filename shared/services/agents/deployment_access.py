"""Decides who may call a published agent by its name, and counts how often they do.

This is the owner's policy (`shared.models.deployment.Deployment`). It is the same wherever an agent is called by its
name. Lists, chats and runs also require that the caller can see the agent (`shared.services.access`); at `POST
/rest/{friendly_name}`, this policy alone decides.
"""

from shared.models.api_key import Scope
from shared.models.caller import Caller
from shared.models.deployment import Deployment
from shared.models.errors import Forbidden, NotFound, TooManyRequests, Unauthenticated
from shared.services.access import can_see
from shared.services.rate_limits import RateLimitService
from shared.store import Database

_ANONYMOUS = "This agent is not open to everyone. Send an ID token or an API key as 'Authorization: Bearer <token>'."
_NO_KEY = "This agent can be called only with an API key. Create one, and send it as 'Authorization: Bearer <key>'."


def may_call(caller: Caller | None, deployment: Deployment) -> bool:
    """Returns whether the caller may call the agent. `caller`: None without a valid token."""
    try:
        require_callable(caller, deployment)
    except (Unauthenticated, Forbidden, NotFound):
        return False
    return True


def require_callable(caller: Caller | None, deployment: Deployment) -> None:
    """Raises an error if the caller may not call the agent. `caller`: None without a valid token.

    Raises `Unauthenticated` for None, even if the agent is hidden: names are no secret, and a client whose token has
    expired must find out. Raises `NotFound`, as for an unknown name, if only those who can see the agent may call it
    and the caller cannot, and `Forbidden` for any other caller who may not call it, such as one with an API key that is
    not meant for runs.
    """
    if caller is None:
        if deployment.access != "public":
            raise Unauthenticated(_ANONYMOUS)
        return
    if deployment.access == "key" and caller.uid != deployment.owner:
        if not can_see(caller, deployment):
            raise unknown_agent_error(deployment.friendly_name)
        if caller.key is None:
            raise Forbidden(_NO_KEY)
    caller.require_scope(Scope.RUN)


def unknown_agent_error(friendly_name: str) -> NotFound:
    """Returns the error for a name under which nothing is published, or nothing that the caller may know of."""
    return NotFound(f"No agent that you can see is published as {friendly_name[:100]!r}.")


def name_caller(caller: Caller | None, address: str) -> str:
    """Returns what tells callers apart: the user, or the address of a caller without a user."""
    return address if caller is None else f"user:{caller.uid}"


async def count_call(database: Database, deployment: Deployment, name: str, default: int = 0) -> None:
    """Counts a call against the deployment's limit for each caller. All ways to call the agent share this limit.

    `name`: as `name_caller` returns it. `default`: the limit per minute of a deployment without one; 0 means none.
    Raises `TooManyRequests` and `Unavailable`.
    """
    per_minute = deployment.rate_per_minute or default
    try:
        await RateLimitService(database).acquire(f"rest:{deployment.friendly_name}:{name}", per_minute)
    except TooManyRequests as error:
        raise TooManyRequests(
            f"This agent takes {per_minute} calls a minute from each caller. Try again in {error.retry_after} s.",
            retry_after=error.retry_after,
        ) from error
