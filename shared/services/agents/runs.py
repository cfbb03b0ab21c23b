"""Runs agents: passes the code and its permissions to the engine, and returns the outcome to the caller.

The payer is charged for the model calls of a run and of the agents that it calls. A run in an HTTP request is never
repeated, because agents' side effects must not happen twice. A recorded run continues where it was interrupted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import uuid4

from pydantic import JsonValue

from shared.log import get_logger
from shared.models.agent import ENGINE, StoredAgent
from shared.models.caller import Caller
from shared.models.chat import Usage
from shared.models.errors import AllowanceSpent, CodeFailed
from shared.models.money import to_micros
from shared.models.run import RunCodeRequest, RunCodeResponse
from shared.models.wire import JsonObject
from shared.redaction import redact
from shared.sandbox import CallFailed, Engine, Limits, Outcome, Program
from shared.services.accounts.deployment_budgets import DeploymentBudget
from shared.services.accounts.disabled_users import DisabledUserService
from shared.services.accounts.run_budgets import Budget
from shared.services.agents.call_counter import CallCounter
from shared.services.agents.host_functions import MadeCall, RunHostFunctions
from shared.services.agents.permissions import Permissions
from shared.services.agents.program_journal import ProgramJournal, Recording
from shared.services.agents.recorded_host_functions import RecordedHostFunctions
from shared.services.agents.run_time import RunTimeService
from shared.services.agents.sharer_names import caller_of, sharers_of
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from shared.store import Database

_log = get_logger("running")
_MAX_LINES = 50
"""The maximum number of lines in the log of a failed run: the last ones that it printed."""
_MAX_LINE_CHARACTERS = 500


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended. `cost`: millionths of a dollar, already charged, including the agents that it called.

    `calls`: the number of host function calls that it made, including refused ones.
    """

    run_id: str
    outcome: Outcome
    cost: int
    usage: Usage
    calls: int


@dataclass(frozen=True)
class _Chain:
    """The state that a run shares with the agents that it calls. `caller`: the user id or address that requested it."""

    run_id: str
    payer: Caller
    caller: str
    budget: Budget
    deployment: DeploymentBudget | None = None
    on_start: Callable[[], None] | None = None
    call_counter: CallCounter = field(default_factory=CallCounter)
    recording: Recording | None = None


@dataclass(frozen=True)
class RunService:
    """Runs code and saved agents."""

    database: Database
    model_calls: ModelCallService
    engine: Engine
    settings: Settings

    async def run_code(self, caller: Caller, request: RunCodeRequest) -> RunCodeResponse:
        """Runs code that need not be saved. The payer is the caller.

        Raises `CodeFailed` for code that fails, `AllowanceSpent` for code that costs more than is left,
        `TooManyRequests` if the caller's runs have lasted too long, and `Unavailable` if too many runs are active.
        """
        permissions = Permissions(
            viewer=caller.uid,
            tools=request.tools,
            models=request.invokable_models,
            agents=request.gofannon_agents,
        )
        chain = self._start_chain(caller, self.settings.run_timeout_seconds)
        async with RunTimeService(self.database, self.settings).count(caller.uid) as on_start:
            chain = replace(chain, on_start=on_start)
            try:
                outcome = await self._run(chain, request.code, request.input_dict, permissions, path=())
            finally:
                await self.model_calls.close_budget(chain.budget)
        _log_run(chain, outcome, None)
        if outcome.failure is not None:
            if isinstance(outcome.failure.cause, AllowanceSpent):
                raise outcome.failure.cause
            raise CodeFailed(outcome.failure.error, outcome.logs, outcome.failure.traceback, ENGINE)
        return RunCodeResponse(
            result=outcome.result,
            logs=outcome.logs,
            duration_ms=round(outcome.seconds * 1000),
            engine=ENGINE,
        )

    async def run_agent(
        self,
        payer: Caller,
        agent: StoredAgent,
        input_dict: JsonObject,
        seconds: float,
        run_id: str | None = None,
        deployment: DeploymentBudget | None = None,
        on_start: Callable[[], None] | None = None,
        caller: str | None = None,
    ) -> FinishedRun:
        """Runs a saved agent. `payer` is charged. A failure is in the outcome, and in the log.

        `seconds`: the run's time limit. `deployment`: a budget that all model calls of the run and of the agents that
        it calls also count against. `on_start` is called when the run gets its slot. `caller`: the user id or address
        that requested the run; None means the payer.

        Raises `Unavailable` if too many runs are active. Then the run has not started.
        """
        chain = self._start_chain(payer, seconds, run_id, deployment)
        chain = replace(chain, on_start=on_start, caller=caller or payer.uid)
        permissions = Permissions.of(agent.fields, agent.owner)
        try:
            outcome = await self._run(chain, agent.fields.code, input_dict, permissions, path=(agent,))
        finally:
            await self.model_calls.close_budget(chain.budget)
        _log_run(chain, outcome, agent)
        return FinishedRun(
            chain.run_id, outcome, chain.budget.spent, chain.call_counter.usage, chain.budget.calls_taken
        )

    async def run_recorded(
        self,
        payer: Caller,
        agent: StoredAgent,
        input_dict: JsonObject,
        seconds: float,
        recording: Recording,
        deployment: DeploymentBudget | None = None,
    ) -> FinishedRun:
        """Runs a saved agent, or continues it after an interruption. See `run_agent`. All calls are recorded.

        `seconds`: the time limit of this attempt. Raises `Suspended` if the run was put aside, the error with which it
        was aborted, and `Unavailable`, also if the process that runs the code died.
        """
        history = recording.journal.history
        chain = self._start_chain(payer, seconds, recording.journal.run_id, deployment)
        chain.budget.continue_with(self.settings.long_run_max_calls, history.calls, history.spent)
        chain.call_counter.add(history.usage)
        chain = replace(chain, recording=recording)
        permissions = Permissions.of(agent.fields, agent.owner)
        try:
            outcome = await self._run(chain, agent.fields.code, input_dict, permissions, path=(agent,))
        finally:
            await self.model_calls.close_budget(chain.budget)
        _log_run(chain, outcome, agent)
        return FinishedRun(
            chain.run_id, outcome, chain.budget.spent, chain.call_counter.usage, chain.budget.calls_taken
        )

    def _start_chain(
        self, payer: Caller, seconds: float, run_id: str | None = None, deployment: DeploymentBudget | None = None
    ) -> _Chain:
        budget = Budget(seconds, self.settings.run_max_calls, to_micros(self.settings.run_max_cost))
        return _Chain(run_id or f"run-{uuid4()}", payer, payer.uid, budget, deployment)

    async def _run(
        self,
        chain: _Chain,
        code: str,
        input_dict: JsonObject,
        permissions: Permissions,
        path: tuple[StoredAgent, ...],
        level: int = 0,
        call: MadeCall | None = None,
    ) -> Outcome:
        """Runs one agent of the chain. `path`: the saved agents from the first one to this one. `level`: its depth.

        `call`: the recorded call that runs it, if another agent does.
        """
        callable_agents: list[StoredAgent] | None = None

        async def call_another(name: str, input_dict: JsonObject, call: MadeCall | None) -> JsonValue:
            nonlocal callable_agents
            if chain.recording and call and (pinned := chain.recording.journal.history.agents.get(call.path)):
                return await self._run_another(chain, pinned, input_dict, path, level + 1, call)
            if callable_agents is None:
                async with self.database.raising_unavailable():
                    stored = await self.database.agents.get_many(permissions.agents)
                callable_agents = [
                    agent
                    for agent in stored
                    if permissions.viewer == agent.owner or agent.fields.visibility == "shared"
                ]
            unknown = [id_ for id_ in permissions.agents if id_ not in {agent.id for agent in callable_agents}]
            agent = _find_by_name(name, callable_agents, unknown, show_agents=permissions.viewer == chain.payer.uid)
            if agent.owner != chain.payer.uid:
                await DisabledUserService(self.database).refuse_disabled_owner(agent.owner)
            if chain.recording and call:
                agent = chain.recording.journal.pin_agent(call.path, agent)
            return await self._run_another(chain, agent, input_dict, path, level + 1, call)

        host_functions = RunHostFunctions(
            run_id=chain.run_id,
            payer=chain.payer,
            permissions=permissions,
            budget=chain.budget,
            model_calls=self.model_calls,
            settings=self.settings,
            call_another=call_another,
            about={"run_id": chain.run_id, **({"agent_id": path[-1].id} if path else {})},
            call_counter=chain.call_counter,
            deployment=chain.deployment,
        )
        limits = Limits(
            seconds=chain.budget.seconds_left,
            cpu_seconds=self.settings.run_cpu_seconds,
            memory_bytes=self.settings.run_memory_bytes,
            log_bytes=self.settings.run_log_bytes,
            result_bytes=self.settings.run_result_bytes,
        )
        sharers = sharers_of(chain.payer.uid, path[0].id if path else None)
        program = Program(code, input_dict, permissions.tools, sharers, caller=caller_of(chain.payer.uid, chain.caller))
        if (recording := chain.recording) is not None:
            program = replace(program, recorder=_make_recorder(recording, chain, host_functions, path, call))
        if chain.on_start is not None and level == 0:
            program = replace(program, on_start=chain.on_start)
        return await self.engine.run(program, host_functions, limits, level)

    async def _run_another(
        self,
        chain: _Chain,
        agent: StoredAgent,
        input_dict: JsonObject,
        path: tuple[StoredAgent, ...],
        level: int,
        call: MadeCall | None,
    ) -> JsonValue:
        """Returns the agent's result. Raises `CallFailed`, without details of other users' agents."""
        if any(agent.id == other.id for other in path):
            names = " → ".join(
                other.fields.name if other.owner == chain.payer.uid else "another user's agent"
                for other in (*path, agent)
            )
            raise CallFailed(f"The agents call each other in a circle: {names}.", RecursionError)
        if level > self.settings.run_max_depth:
            raise CallFailed(
                f"Agents may call each other to a depth of {self.settings.run_max_depth};"
                f" {agent.fields.name!r} would be deeper.",
                RecursionError,
            )
        outcome = await self._run(
            chain, agent.fields.code, input_dict, Permissions.of(agent.fields, agent.owner), (*path, agent), level, call
        )
        if outcome.failure is not None:
            _log_failure(chain, outcome, agent)
            is_payers = agent.owner == chain.payer.uid
            details = f": {outcome.failure.error}" if is_payers else f". Its run is {chain.run_id}"
            raise CallFailed(f"The agent {agent.fields.name!r} failed{details}", cause=outcome.failure.cause)
        return outcome.result


def _make_recorder(
    recording: Recording,
    chain: _Chain,
    functions: RunHostFunctions,
    path: tuple[StoredAgent, ...],
    call: MadeCall | None,
) -> ProgramJournal:
    """Returns the recorder of the last agent of `path`, which runs for `call`, or is the first one."""
    return ProgramJournal(
        recording,
        call.path if call else "",
        call.clock if call else recording.journal.history.clock,
        lambda program, made: RecordedHostFunctions(functions, program, made),
        is_visible=path[-1].owner == chain.payer.uid,
    )


def _find_by_name(name: str, agents: list[StoredAgent], unknown: list[str], show_agents: bool) -> StoredAgent:
    """Returns the agent with this name, friendly name or id.

    Raises `CallFailed`. If `show_agents`, the message lists the agents and the `unknown` ids.
    """
    for agent in agents:
        if name in (agent.fields.name, agent.fields.friendly_name, agent.id):
            return agent
    names = ", ".join(agent.fields.name for agent in agents) or "none"
    names_hint = f" It may call: {names}." if show_agents else ""
    not_found = f" No agent with the id {', '.join(unknown[:5])} is visible to you." if show_agents and unknown else ""
    message = f"This agent may not call an agent named {name!r}.{names_hint}"
    raise CallFailed(f"{message} gofannonAgents takes the ids of agents.{not_found}", LookupError)


def _log_run(chain: _Chain, outcome: Outcome, agent: StoredAgent | None) -> None:
    """Logs a line for each run with its id and its cost. The line of a failed run also has its error and output.

    The line contains neither input nor result. A failure of unsaved code is logged at a lower level, since such code
    fails often, and its author gets the error in the response.
    """
    fields: dict[str, object] = {
        "run": chain.run_id,
        "agent": agent.id if agent else None,
        "payer": chain.payer.uid,
        "seconds": round(outcome.seconds, 3),
        "cost_micros": chain.budget.spent,
    }
    if outcome.failure is None:
        _log.info("A run ended", extra={"fields": fields})
    elif agent is None:
        _log.info("Unsaved code failed", extra={"fields": fields})
    else:
        _log_failure(chain, outcome, agent, fields)


def _format_last_lines(outcome: Outcome) -> list[str]:
    """Returns the last lines that the run printed, each with its time in seconds since the start."""
    lines = list(zip(outcome.log_times, outcome.logs, strict=True))[-_MAX_LINES:]
    return [f"{seconds:.3f} s: {redact(line[:_MAX_LINE_CHARACTERS])}" for seconds, line in lines]


def _log_failure(chain: _Chain, outcome: Outcome, agent: StoredAgent, fields: dict[str, object] | None = None) -> None:
    """Logs a failure, so that the agent's author can find it by the run's id."""
    assert outcome.failure is not None  # noqa: S101 - callers have checked
    error = redact(outcome.failure.error)
    details = {
        **(fields or {"run": chain.run_id, "agent": agent.id}),
        "error": error,
        "traceback": redact(outcome.failure.traceback),
        "printed": _format_last_lines(outcome),
    }
    _log.warning("%s: agent %r failed: %s", chain.run_id, agent.fields.name, error[:200], extra={"fields": details})
