"""Has a model write something within the time and budget of one request. The caller is charged for each call."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from shared.llm.catalog import CatalogError, check_call
from shared.llm.failures import ModelFailure
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult, Message
from shared.models.errors import BadRequest, UpstreamFailed, UpstreamTooSlow
from shared.models.money import to_micros
from shared.models.session import ProviderConfig
from shared.services.accounts.run_budgets import Budget, BudgetSpent
from shared.services.model_calls import ModelCallService
from shared.services.request_shares import share
from shared.settings import Settings

MAX_CONCURRENT = 8
"""The maximum number of one user's concurrent requests, of each kind and in each process, that use a composer."""


@dataclass
class Composer:
    """Calls the model for one request. `subject`: "code" or "demo". The id of a call consists of `id` and a number."""

    model_calls: ModelCallService
    settings: Settings
    caller: Caller
    model: ProviderConfig
    built_in_tools: list[str]
    subject: str
    id: str = field(default_factory=lambda: f"write-{uuid4()}")
    calls: int = 0

    def __post_init__(self) -> None:
        """Raises `BadRequest` for a model, a parameter or a tool that cannot be used."""
        settings = self.settings
        self.budget = Budget(settings.run_timeout_seconds, settings.run_max_calls, to_micros(settings.run_max_cost))
        try:
            route = self.model_calls.catalog.route(self.model.provider, self.model.model)
            check_call(route, self.model.parameters, self.built_in_tools)
        except CatalogError as error:
            raise BadRequest(str(error)) from error

    @asynccontextmanager
    async def limit_time(self) -> AsyncGenerator[None]:
        """Ends the block with `UpstreamTooSlow` when the request's time is up.

        Raises `TooManyRequests` if the user has `MAX_CONCURRENT` such requests under way, since each may take most of a
        minute.
        """
        try:
            with share(self.settings.google_cloud_project, f"generate-{self.subject}", self.caller.uid, MAX_CONCURRENT):
                async with asyncio.timeout(self.budget.seconds_left):
                    yield
        except TimeoutError as error:
            seconds = self.settings.run_timeout_seconds
            message = f"The {self.subject} was not written within {seconds:g} s. Choose a faster model."
            raise UpstreamTooSlow(message) from error
        finally:
            await self.model_calls.close_budget(self.budget)

    async def call_model(self, messages: list[Message], tools: list[str] | None = None) -> ChatResult:
        """Calls the model once. The caller is charged. `tools`: built-in tools; None means all that were requested.

        Raises `BadRequest`, `AllowanceSpent`, `UpstreamFailed`, `Unavailable`, and `TimeoutError`, which
        `limit_time` turns into `UpstreamTooSlow`.
        """
        request = ChatRequest(
            messages=messages,
            provider=self.model.provider,
            model=self.model.model,
            parameters=self.model.parameters,
            built_in_tools=self.built_in_tools if tools is None else tools,
        )
        self.calls += 1
        try:
            return await self.model_calls.call(
                self.caller,
                f"{self.id}-{self.calls}",
                request,
                self.budget,
                self.settings.model_timeout_seconds,
                {"purpose": f"generate-{self.subject}", "id": self.id},
            )
        except CatalogError as error:
            raise BadRequest(str(error)) from error
        except (ModelFailure, BudgetSpent) as error:
            if not self.budget.seconds_left:
                raise TimeoutError from error
            raise UpstreamFailed(f"The {self.subject} could not be written: {error}") from error
