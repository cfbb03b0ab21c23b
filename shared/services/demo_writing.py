"""Writing a demo: a model writes its page, which is checked, and mended once where it does not hold. It is charged."""

import asyncio
from dataclasses import dataclass, field
from uuid import uuid4

from shared.llm.catalog import CatalogError, check_call
from shared.llm.failures import ModelFailure
from shared.log import get_logger
from shared.models.caller import Caller
from shared.models.chat import ChatRequest, ChatResult, Message
from shared.models.demo import DemoCode, GeneratedDemo, GenerateDemoRequest
from shared.models.deployment import Deployment
from shared.models.errors import BadRequest, UpstreamFailed, UpstreamTooSlow
from shared.models.money import to_micros
from shared.services.budgets import Budget, BudgetSpent
from shared.services.demo_page import markup_problems
from shared.services.demo_prompt import DEMO_RULES, BadAnswer, mend_text, read_answer, request_text
from shared.services.model_calls import ModelCallService
from shared.services.visibility import sees
from shared.settings import Settings
from shared.store import Database

_log = get_logger("demo_writing")
_ATTEMPTS = 2


@dataclass
class _Writing:
    """One request's. Calls are numbered, and named for what they cost by `id`."""

    caller: Caller
    request: GenerateDemoRequest
    budget: Budget
    id: str = field(default_factory=lambda: f"demo-{uuid4()}")
    calls: int = 0


@dataclass(frozen=True)
class DemoWritingService:
    """Lives as long as a request."""

    database: Database
    model_calls: ModelCallService
    settings: Settings

    async def write(self, caller: Caller, request: GenerateDemoRequest) -> GeneratedDemo:
        """A page whose script parses, and calls none but the selected deployments.

        Raises `BadRequest` for a model that cannot be called and a deployment that is not there, or must look so;
        `AllowanceSpent`, `UpstreamFailed` when the model fails, or its page does not hold after a mending,
        `UpstreamTooSlow`, and `Unavailable`.
        """
        self._refuse_uncallable(request)
        seconds = self.settings.run_timeout_seconds
        budget = Budget(seconds, self.settings.run_max_calls, to_micros(self.settings.run_max_cost))
        writing = _Writing(caller, request, budget)
        try:
            async with asyncio.timeout(seconds):
                return await self._written(writing, await self._selected(caller, request))
        except TimeoutError as error:
            raise UpstreamTooSlow(f"The demo was not written within {seconds:g} s. Choose a faster model.") from error

    def _refuse_uncallable(self, request: GenerateDemoRequest) -> None:
        try:
            route = self.model_calls.catalog.route(request.composer.provider, request.composer.model)
            check_call(route, request.composer.parameters, request.built_in_tools)
        except CatalogError as error:
            raise BadRequest(str(error)) from error

    async def _selected(self, caller: Caller, request: GenerateDemoRequest) -> list[Deployment]:
        """As they are now, whatever the request says of them. As many reads as deployments, side by side."""
        names = list(dict.fromkeys(api.friendly_name for api in request.selected_apis))
        async with self.database.outages_told():
            found = await asyncio.gather(*(self.database.deployments.get(name) for name in names))
        selected: list[Deployment] = []
        for name, deployment in zip(names, found, strict=True):
            if deployment is None or not sees(caller, deployment):
                raise BadRequest(f"Nothing is published as {name[:100]!r}, which is among selectedApis.")
            selected.append(deployment)
        return selected

    async def _written(self, writing: _Writing, selected: list[Deployment]) -> GeneratedDemo:
        text = request_text(writing.request.user_prompt, selected)
        messages = [Message(role="system", content=DEMO_RULES), Message(role="user", content=text)]
        apis = {deployment.friendly_name for deployment in selected}
        error = ""
        for _ in range(_ATTEMPTS):
            result = await self._asked(writing, messages)
            try:
                code = await asyncio.to_thread(_checked, result.content, apis)
            except BadAnswer as bad:
                error = str(bad)
                messages = [
                    *messages[:2],
                    Message(role="assistant", content=result.content if result.content.strip() else "{}"),
                    Message(role="user", content=mend_text(error)),
                ]
            else:
                return GeneratedDemo(html=code.html, css=code.css, js=code.js, thoughts=result.thoughts)
        _log.warning("A model wrote no demo that holds", extra={"fields": {"id": writing.id, "error": error}})
        raise UpstreamFailed(f"The model wrote no page that works, in {_ATTEMPTS} attempts. The last error: {error}")

    async def _asked(self, writing: _Writing, messages: list[Message]) -> ChatResult:
        composer = writing.request.composer
        request = ChatRequest(
            messages=messages,
            provider=composer.provider,
            model=composer.model,
            parameters=composer.parameters,
            built_in_tools=writing.request.built_in_tools,
        )
        writing.calls += 1
        try:
            return await self.model_calls.call(
                writing.caller,
                f"{writing.id}-{writing.calls}",
                request,
                writing.budget,
                self.settings.model_timeout_seconds,
                {"purpose": "generate-demo", "id": writing.id},
            )
        except CatalogError as error:
            raise BadRequest(str(error)) from error
        except (ModelFailure, BudgetSpent) as error:
            raise UpstreamFailed(f"The demo could not be written: {error}") from error


def _checked(answer: str, apis: set[str]) -> DemoCode:
    """Raises `BadAnswer`. The parser is imported here, as most requests need none."""
    from shared.services.javascript import problems

    code = read_answer(answer)
    found = [*(f"html: {problem}" for problem in markup_problems(code.html))]
    found += [f"js, {problem}" for problem in problems(code.js, apis)]
    if found:
        raise BadAnswer("\n".join(found))
    return code
