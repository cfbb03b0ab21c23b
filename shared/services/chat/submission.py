"""Chat, the caller's side: an accepted chat becomes a ticket, which the caller looks up until it is finished.

The caller owns the ticket and is charged for it. `shared.services.chat.admission` stores and queues it. From then on,
`shared.services.chat.answering` handles the ticket, and `shared.services.chat.tickets` looks it up.
"""

from typing import Any

from shared.llm.catalog import Catalog, CatalogError
from shared.llm.estimate import bound_cost
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import Accepted, ChatRequest, TicketStatus, images_of
from shared.models.conversation import CompletionRequest
from shared.models.errors import BadRequest, Forbidden, TooManyRequests
from shared.models.money import CostBounds
from shared.services.access import can_see
from shared.services.accounts.disabled_users import DisabledUserService
from shared.services.agents.deployment_access import count_call, name_caller, require_callable
from shared.services.chat.admission import AGENT_BOUNDS, Admission, make_draft
from shared.services.idempotency import make_keyed_request
from shared.settings import Settings
from shared.store import Database
from shared.tasks import TaskQueue


class ChatService:
    """Accepts chats."""

    def __init__(self, database: Database, queue: TaskQueue, catalog: Catalog, settings: Settings) -> None:
        self._database = database
        self._catalog = catalog
        self._admission = Admission(database, queue, settings)
        self._settings = settings

    async def submit(self, caller: Caller, request: ChatRequest) -> Accepted:
        """Accepts a chat without an idempotency key. See `submit_once`."""
        accepted, _ = await self.submit_once(caller, request, None)
        return accepted

    async def submit_once(
        self, caller: Caller, request: ChatRequest, key: str | None, target: str = "/chat", body: Any = None
    ) -> tuple[Accepted, bool]:
        """Accepts a chat. When this returns, look-ups find the ticket, and a worker will answer it.

        A chat that is repeated with the same `key` within 24 hours gets the same ticket; then the second value is True.
        Each `target`, which is the path that the chat was sent to, has keys of its own. `body`: what was sent, as JSON,
        if the chat also has what it went on from, which may change.

        Raises `BadRequest` for a provider, model, parameter or tool that cannot be served, `Forbidden` for an agent
        that the caller may not call or whose owner is disabled, and what `Admission.admit_once` raises.
        """
        keyed_request = None
        if key is not None:
            sent = request.model_dump(mode="json") if body is None else body
            keyed_request = make_keyed_request(target, caller.uid, caller.uid, key, sent)
        called_agent = None
        try:
            if request.provider == GOFANNON:
                _refuse_what_agents_lack(request)
                called_agent, bounds = await self._call_published(caller, request.model), AGENT_BOUNDS
            else:
                bounds = self._bound_cost(request)
        except (BadRequest, Forbidden, TooManyRequests):  # the chat may have been accepted when it was first sent
            if keyed_request is None or (stored := await self._admission.find(keyed_request)) is None:
                raise
            return Accepted(ticket_id=stored.made, status=TicketStatus.PENDING), True
        draft = make_draft(caller.uid, request.provider, request.model)
        draft = draft.model_copy(update={"called_agent": called_agent})
        ticket_id, replayed = await self._admission.admit_once(caller, draft, request, bounds, keyed_request)
        return Accepted(ticket_id=ticket_id, status=TicketStatus.PENDING), replayed

    async def find_once(self, caller: Caller, key: str, target: str, body: Any) -> str | None:
        """Returns the id of the ticket of a chat that was sent before with the same `key` and `body`, or None.

        One transaction. Raises `Conflict` for another body. See `submit_once`.
        """
        stored = await self._admission.find(make_keyed_request(target, caller.uid, caller.uid, key, body))
        return None if stored is None else stored.made

    def _bound_cost(self, request: ChatRequest) -> CostBounds:
        """Returns the bounds of the cost of a model's answer. Raises `BadRequest` if it cannot be served."""
        try:
            return bound_cost(self._catalog.route(request.provider, request.model), request, self._settings)
        except CatalogError as error:
            raise BadRequest(str(error)) from error

    async def _call_published(self, caller: Caller, friendly_name: str) -> str:
        """Counts a call of a published agent, and returns its id. One read, and occasionally another.

        Raises `BadRequest` for one that is not published for the caller, `Forbidden` for one that the caller may not
        call or whose owner is disabled, and `TooManyRequests`.
        """
        async with self._database.raising_unavailable():
            deployment = await self._database.deployments.get(friendly_name)
        if deployment is None or not can_see(caller, deployment):
            raise BadRequest(
                f"No agent that you can see is published as {friendly_name[:100]!r}. See GET /providers/gofannon."
            )
        require_callable(caller, deployment)
        if deployment.owner != caller.uid:
            await DisabledUserService(self._database).refuse_disabled_owner(deployment.owner)
        await count_call(self._database, deployment, name_caller(caller, ""))
        return deployment.agent_id


def _refuse_what_agents_lack(request: ChatRequest) -> None:
    """Raises `BadRequest` for a chat with an agent that has images or functions."""
    if images_of(message.content for message in request.messages):
        raise BadRequest("Agents take text, and no images. Put the image's address into the text instead.")
    if isinstance(request, CompletionRequest) and request.functions:
        raise BadRequest("Agents cannot call functions of their callers. Omit the tools.")
