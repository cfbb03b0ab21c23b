"""Writing a demo: a model writes its page, which is checked, and mended once where it does not hold. It is charged."""

import asyncio
from dataclasses import dataclass

from shared.log import get_logger
from shared.models.caller import Caller
from shared.models.chat import Message
from shared.models.demo import DemoCode, GeneratedDemo, GenerateDemoRequest
from shared.models.deployment import Deployment
from shared.models.errors import BadRequest, UpstreamFailed
from shared.services.access import sees
from shared.services.demos.page import markup_problems
from shared.services.generation.composition import Composer
from shared.services.generation.demo_prompt import DEMO_RULES, BadAnswer, mend_text, read_answer, request_text
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from shared.store import Database

_log = get_logger("demo_writing")
_ATTEMPTS = 2


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
        composer = Composer(
            self.model_calls, self.settings, caller, request.composer, request.built_in_tools, what="demo"
        )
        async with composer.in_time():
            selected = await self._selected(caller, request)
            return await _written(composer, request_text(request.user_prompt, selected), selected)

    async def _selected(self, caller: Caller, request: GenerateDemoRequest) -> list[Deployment]:
        """As they are now, whatever the request says of them. As many reads as deployments, side by side."""
        names = list(dict.fromkeys(api.friendly_name for api in request.selected_apis))
        async with self.database.raising_unavailable():
            found = await asyncio.gather(*(self.database.deployments.get(name) for name in names))
        selected: list[Deployment] = []
        for name, deployment in zip(names, found, strict=True):
            if deployment is None or not sees(caller, deployment):
                raise BadRequest(f"Nothing is published as {name[:100]!r}, which is among selectedApis.")
            selected.append(deployment)
        return selected


async def _written(composer: Composer, text: str, selected: list[Deployment]) -> GeneratedDemo:
    messages = [Message(role="system", content=DEMO_RULES), Message(role="user", content=text)]
    apis = {deployment.friendly_name for deployment in selected}
    error = ""
    for _ in range(_ATTEMPTS):
        result = await composer.ask(messages)
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
    _log.warning("A model wrote no demo that holds", extra={"fields": {"id": composer.id, "error": error}})
    raise UpstreamFailed(f"The model wrote no page that works, in {_ATTEMPTS} attempts. The last error: {error}")


def _checked(answer: str, apis: set[str]) -> DemoCode:
    """Raises `BadAnswer`. The parser is imported here, as most requests need none."""
    from shared.javascript.lint import problems

    code = read_answer(answer)
    found = [*(f"html: {problem}" for problem in markup_problems(code.html))]
    found += [f"js, {problem}" for problem in problems(code.js, apis)]
    if found:
        raise BadAnswer("\n".join(found))
    return code
