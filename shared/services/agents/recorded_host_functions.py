"""Host functions whose calls are recorded in a run's journal, so that none takes effect twice.

A call whose process died before its outcome was recorded is made again where that is harmless: calls of models, whose
charge has the call's id, GET, HEAD and OPTIONS, requests with an `Idempotency-Key`, which every POST gets, and tools
that say that they only read or are idempotent. Other calls are recorded before they begin. If their outcome is unknown,
the code gets an `InterruptedCall`.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import asdict, dataclass, replace
from functools import partial

from pydantic import JsonValue

from shared.late_imports import import_late
from shared.llm.failures import ModelFailure
from shared.models.agent_run import StepStatus
from shared.models.chat import ChatResult
from shared.models.ticket import LeaseLost
from shared.models.wire import JsonObject
from shared.outbound.errors import OutboundError
from shared.sandbox import CallFailed, HttpCall, HttpResponse, ModelAnswer, ToolDoc
from shared.sandbox.recorder import Answer, Call
from shared.services.agents.error_translation import to_call_failed
from shared.services.agents.host_functions import MadeCall, RunHostFunctions, to_model_answer
from shared.services.agents.program_journal import INTERRUPTED, ProgramJournal, to_error
from shared.services.agents.steps import name_call
from shared.services.model_calls import ChargeRecord
from shared.store import Transaction

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_KEY_HEADER = "Idempotency-Key"
_MAX_WITH_CHARGE = 1_500_000
"""The maximum size of the records that are written together with a charge."""


@dataclass(frozen=True)
class RecordedHostFunctions:
    """`HostFunctions` for one call of a program. `functions` are those of the run, which make the call."""

    functions: RunHostFunctions
    program: ProgramJournal
    call: Call

    async def call_model(
        self,
        provider: str | None,
        model: str | None,
        messages: JsonValue,
        parameters: JsonObject,
        tools: list[JsonValue],
        timeout: float | None,
    ) -> ModelAnswer:
        """See `HostFunctions`."""
        return await self._make().call_model(provider, model, messages, parameters, tools, timeout)

    async def http(self, call: HttpCall) -> HttpResponse:
        """See `HostFunctions`."""
        method = call.method.upper()
        if method in _SAFE_METHODS:
            return await self.functions.http(call)
        if any(name.lower() == _KEY_HEADER.lower() for name in call.headers):
            await self._write_before()
        elif method == "POST":
            await self._write_before()
            call = replace(call, headers={**call.headers, _KEY_HEADER: self._id})
        else:
            await self._begin()
        return await self.functions.http(call)

    async def call_tool(self, url: str, token: str | None, tool: str, arguments: JsonObject) -> JsonValue:
        """See `HostFunctions`."""
        if not self._has_begun or not await self._is_repeatable(url, token, tool):
            await self._begin()
        return await self.functions.call_tool(url, token, tool, arguments)

    async def list_tools(self, url: str, token: str | None) -> list[ToolDoc]:
        """See `HostFunctions`."""
        return await self.functions.list_tools(url, token)

    async def call_agent(self, name: str, input_dict: JsonObject) -> JsonValue:
        """See `HostFunctions`."""
        return await self._make().call_agent(name, input_dict)

    @property
    def _id(self) -> str:
        return f"{self.functions.run_id}-{self.program.path_of(self.call)}"

    @property
    def _has_begun(self) -> bool:
        """Whether the call may have been made before."""
        return self.program.make_record(self.call).has_begun

    def _make(self) -> RunHostFunctions:
        path = self.program.path_of(self.call)
        return replace(self.functions, made_call=MadeCall(self._id, path, self.call.clock, self._record_charge))

    async def _is_repeatable(self, url: str, token: str | None, tool: str) -> bool:
        """Returns whether the server says that calling the tool again has no further effect. If it says nothing, no."""
        module = await import_late("shared.outbound.mcp")
        try:
            tools = await module.list_tools(url, token, self.functions.settings)
        except OutboundError:
            return False
        return any(each.name == tool and each.is_repeatable for each in tools)

    async def _begin(self) -> None:
        """Records that a call begins which must not be repeated. Raises `CallFailed` if it has begun before."""
        record = self.program.make_record(self.call)
        if record.has_begun:
            name = name_call(self.call.function, self.call.arguments)
            raise CallFailed(
                f"The run was interrupted during the call {name!r}. It is unknown whether it took effect.",
                name=INTERRUPTED,
            )
        step = self.program.describe(self.call, StepStatus.RUNNING)
        path = self.program.path_of(self.call)
        await self._write(self.program.journal.begin_call(path, record, step))

    async def _write_before(self) -> None:
        """Writes everything that led to a call which others may notice."""
        if self.program.journal.has_unwritten:
            await self._write(self.program.journal.flush())

    async def _write(self, work: Awaitable[None]) -> None:
        """Writes to the journal. If that fails, or the lease has expired, ends the run in this process."""
        try:
            await work
        except Exception as error:
            self.program.suspension.abort(error)
        # Another worker may take the run once the lease has expired, and finds what was written until then.
        if not self.program.recording.is_lease_valid():
            self.program.suspension.abort(LeaseLost())
        if self.program.suspension.is_over:
            await self.program.suspension.wait_for_end()

    def _record_charge(self, outcome: ChatResult | ModelFailure, cost: int) -> ChargeRecord | None:
        """Records the outcome of a model call. See `RecordCharge`."""
        known = self.program.journal.history.records.get(self.program.path_of(self.call))
        if (known is not None and known.end is not None) or self.call.moment is not None:
            return None  # the code waited no longer
        answer: Answer
        if isinstance(outcome, ChatResult):
            answer, usage = {"value": asdict(to_model_answer(outcome))}, outcome.usage.model_dump()
        else:
            answer, usage = to_error(to_call_failed(outcome)), outcome.usage and outcome.usage.model_dump()
        self.program.record_end(self.call, answer, cost=cost, usage=usage)
        journal = self.program.journal
        batch = journal.take(_MAX_WITH_CHARGE)
        assert batch is not None  # noqa: S101 - it has at least this record

        async def write(transaction: Transaction) -> None:
            try:
                await journal.write_in(batch, transaction)
            except LeaseLost as error:  # the call is charged nevertheless
                transaction.on_commit(partial(self.program.suspension.abort, error))

        return ChargeRecord(write, lambda: journal.put_back(batch))
