"""Starts an agent's run, which is a ticket: a worker runs the agent, however long that takes.

The caller owns the run and is charged for it. If a published agent is called at `POST /rest/{friendly_name}`, and its
policy does not have callers pay, the agent's owner is charged, and owns the run.
"""

from shared.models.agent import StoredAgent
from shared.models.agent_run import StartedRun, StartRunRequest
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import RunInput, TicketStatus
from shared.models.errors import AllowanceSpent
from shared.models.ticket import Ticket
from shared.models.wire import JsonObject
from shared.services.access import can_see, require_visible
from shared.services.accounts.disabled_users import DisabledUserService
from shared.services.agents.deployment_access import count_call, name_caller, require_callable, unknown_agent_error
from shared.services.agents.input_fitting import fit_input
from shared.services.agents.published_lookup import Identify, PublishedLookUp
from shared.services.chat.admission import AGENT_BOUNDS, Admission, make_draft
from shared.services.idempotency import make_keyed_request
from shared.services.webhooks.ownership import refuse_unknown
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import TaskQueue


class RunSubmission:
    """Starts runs."""

    def __init__(self, database: Database, queue: TaskQueue, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._admission = Admission(database, queue, settings)

    async def start(self, caller: Caller, request: StartRunRequest, key: str | None) -> tuple[StartedRun, bool]:
        """Starts a run. When this returns, look-ups find it, and a worker will run the agent.

        A request that is repeated with the same `key` within 24 hours gets the same run; then the second value is True.

        Raises `NotFound` for an agent that the caller cannot see, `InvalidInput` for an input that does not fit the
        agent's schema and for a webhook that is not the caller's, `Forbidden` for a disabled owner and for a published
        agent that the caller may not call by its name, and what `Admission.admit_once` raises.
        """
        keyed = None
        if key is not None:
            keyed = make_keyed_request("/runs", caller.uid, caller.uid, key, request.model_dump(mode="json"))
            if (stored := await self._admission.find(keyed)) is not None:  # the agent may have changed since
                return StartedRun(run_id=stored.made, status=TicketStatus.PENDING), True
        agent = await self._find_agent(caller, request)
        if request.webhook is not None:
            await refuse_unknown(self._database, caller, request.webhook)
        body = RunInput(input=await fit_input(agent, request.input))
        draft = _make_run(caller.uid, agent, webhook=request.webhook)
        run_id, replayed = await self._admission.admit_once(caller, draft, body, AGENT_BOUNDS, keyed)
        return StartedRun(run_id=run_id, status=TicketStatus.PENDING), replayed

    async def start_in(
        self, caller: Caller, agent_id: str, input_dict: JsonObject, run_id: str, transaction: Transaction
    ) -> Ticket:
        """Stores a run with this id in a transaction, for a schedule. After the commit, `enqueue` must be called.

        Raises what `start` raises, except for keys. Three reads, and those of `Admission.admit_in`.
        """
        agent = await self._find_agent(caller, StartRunRequest(agent_id=agent_id))
        body = RunInput(input=await fit_input(agent, input_dict))
        draft = _make_run(caller.uid, agent, run_id)
        return await self._admission.admit_in(caller, draft, body, AGENT_BOUNDS, transaction)

    async def enqueue(self, ticket: Ticket) -> None:
        """Queues a run that `start_in` has stored."""
        await self._admission.enqueue(ticket)

    async def start_public(
        self,
        friendly_name: str,
        input_dict: JsonObject,
        address: str,
        key: str | None,
        identify: Identify | None = None,
    ) -> tuple[StartedRun, bool]:
        """Starts a run of a published agent that is called at `POST /rest/{friendly_name}`. See `start`.

        It is checked like a call that waits for its result: who the caller is (`identify`), the limit of each caller,
        the budget of the day and the agent's schema. Keys are remembered separately from those of such calls. Raises
        what `PublishedLookUp.find` raises, and `DeploymentBudgetSpent`.
        """
        look_up = PublishedLookUp(self._database, self._settings, kind="/rest async")
        call, now = await look_up.find(friendly_name, input_dict, address, key, identify)
        if call.stored is not None:
            return StartedRun(run_id=call.stored.made, status=TicketStatus.PENDING), True
        call.refuse_spent(now)
        body = RunInput(input=await fit_input(call.agent, input_dict))
        draft = _make_run(call.payer.uid, call.agent).model_copy(update={"model": call.deployment.friendly_name})
        if (budget := call.budget) is not None:
            requester = None if call.caller is None else call.caller.uid
            public = {"is_public": True, "requester": requester, "budget_per_day": budget.per_day}
            draft = draft.model_copy(update=public)
        try:
            run_id, replayed = await self._admission.admit_once(call.payer, draft, body, AGENT_BOUNDS, call.request)
        except AllowanceSpent as error:
            raise call.explain(error) from error
        return StartedRun(run_id=run_id, status=TicketStatus.PENDING), replayed

    async def _find_agent(self, caller: Caller, request: StartRunRequest) -> StoredAgent:
        """Returns the agent. One read, two for a name, and occasionally another. Counts a call by a name.

        A name that is not published and one of an agent that the caller cannot see raise the same error.
        """
        deployment = None
        async with self._database.raising_unavailable():
            agent_id = request.agent_id
            if request.friendly_name is not None:
                deployment = await self._database.deployments.get(request.friendly_name)
                if deployment is None or not can_see(caller, deployment):
                    raise unknown_agent_error(request.friendly_name)
                agent_id = deployment.agent_id
            agent = require_visible(caller, await self._database.agents.get(agent_id or ""), "agent")
        if deployment is not None:
            require_callable(caller, deployment)
        if agent.owner != caller.uid:
            await DisabledUserService(self._database).refuse_disabled_owner(agent.owner)
        if deployment is not None:
            await count_call(self._database, deployment, name_caller(caller, ""))
        return agent


def _make_run(owner: str, agent: StoredAgent, run_id: str | None = None, webhook: str | None = None) -> Ticket:
    draft = make_draft(owner, GOFANNON, agent.fields.friendly_name or agent.id, run_id)
    return draft.model_copy(update={"agent_id": agent.id, "webhook": webhook})
