"""Has a model write a demo, and correct it once if a check fails. The caller is charged."""

import asyncio
from dataclasses import dataclass

from shared.log import get_logger
from shared.models.caller import Caller
from shared.models.chat import Message
from shared.models.demo import DemoCode, GeneratedDemo, GenerateDemoRequest
from shared.models.deployment import Deployment
from shared.models.errors import BadRequest, UpstreamFailed
from shared.services.access import can_see
from shared.services.demos.markup import find_markup_problems
from shared.services.generation.composition import Composer
from shared.services.generation.demo_answer import BadAnswer, read_answer
from shared.services.generation.demo_prompt import DEMO_RULES, write_fix_request, write_request
from shared.services.model_calls import ModelCallService
from shared.settings import Settings
from shared.store import Database

_log = get_logger("demo_writing")
_MAX_ATTEMPTS = 2


@dataclass(frozen=True)
class DemoWritingService:
    """Has models write demos."""

    database: Database
    model_calls: ModelCallService
    settings: Settings

    async def write(self, caller: Caller, request: GenerateDemoRequest) -> GeneratedDemo:
        """Has a model write a page whose script parses and calls only the selected deployments.

        The caller is charged for every call of the model. Raises `BadRequest` for a model that cannot be called, and
        for a deployment that does not exist or that the caller may not see. Also raises `AllowanceSpent`,
        `UpstreamFailed` if the model fails or its second page still fails a check, `UpstreamTooSlow`, and
        `Unavailable`.
        """
        composer = Composer(
            self.model_calls, self.settings, caller, request.composer, request.built_in_tools, subject="demo"
        )
        async with composer.limit_time():
            selected = await self._get_selected(caller, request)
            return await _write(composer, write_request(request.user_prompt, selected), selected)

    async def _get_selected(self, caller: Caller, request: GenerateDemoRequest) -> list[Deployment]:
        """Reads the selected deployments, as the request's copies may be outdated. One read each, concurrently."""
        names = list(dict.fromkeys(api.friendly_name for api in request.selected_apis))
        async with self.database.raising_unavailable():
            stored = await asyncio.gather(*(self.database.deployments.get(name) for name in names))
        selected: list[Deployment] = []
        for name, deployment in zip(names, stored, strict=True):
            if deployment is None or not can_see(caller, deployment):
                raise BadRequest(f"Nothing is published as {name[:100]!r}, which is among selectedApis.")
            selected.append(deployment)
        return selected


async def _write(composer: Composer, prompt: str, selected: list[Deployment]) -> GeneratedDemo:
    """Calls the model, and calls it again with the faults of its first answer, if any. Raises `UpstreamFailed`."""
    messages = [Message(role="system", content=DEMO_RULES), Message(role="user", content=prompt)]
    apis = {deployment.friendly_name for deployment in selected}
    error = ""
    for _ in range(_MAX_ATTEMPTS):
        result = await composer.call_model(messages)
        try:
            code = await asyncio.to_thread(_check, result.content, apis)
        except BadAnswer as problem:
            error = str(problem)
            messages = [
                *messages[:2],
                Message(role="assistant", content=result.content if result.content.strip() else "{}"),
                Message(role="user", content=write_fix_request(error)),
            ]
        else:
            return GeneratedDemo(html=code.html, css=code.css, js=code.js, thoughts=result.thoughts)
    _log.warning("A model's demo failed its checks", extra={"fields": {"id": composer.id, "error": error}})
    raise UpstreamFailed(f"The model wrote no working page in {_MAX_ATTEMPTS} attempts. The last error: {error}")


def _check(answer: str, apis: set[str]) -> DemoCode:
    """Returns the demo in the answer. Raises `BadAnswer` for a demo that would not work."""
    # Imported here because most requests need no parser.
    from shared.javascript.lint import find_problems

    code = read_answer(answer)
    problems = [f"html: {problem}" for problem in find_markup_problems(code.html)]
    problems += [f"js, {problem}" for problem in find_problems(code.js, apis)]
    if problems:
        raise BadAnswer("\n".join(problems))
    return code
