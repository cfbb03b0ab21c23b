"""Records the request body that litellm builds from a checked call."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

from shared.llm.catalog import Catalog, ModelRoute, check_call
from shared.llm.completion import call_arguments
from shared.llm.engine import litellm
from shared.models.chat import ChatRequest
from tests.doubles.recorder import Recorder
from tests.llm.catalog.environs import ADDRESSES, EVERYTHING

QUESTION = [{"role": "user", "content": "Answer in JSON."}]


class Wire:
    """Sends calls through the catalog's routes to a recorder and returns the received bodies."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.catalog = Catalog.load({**EVERYTHING, **dict.fromkeys(ADDRESSES, recorder.address)})

    @property
    def path(self) -> str:
        """The path of the last request."""
        return self._recorder.paths[-1]

    def routes(self, provider: str) -> list[ModelRoute]:
        """Returns the routes of all models, with the recorder's address, which no variable can set for Bedrock."""
        routes = [self.catalog.route(provider, model) for model in self.catalog.get_provider(provider).models]
        return [replace(route, base_url=self._recorder.address) for route in routes]

    async def send(
        self,
        route: ModelRoute,
        parameters: dict[str, Any],
        tools: Sequence[str] = (),
        messages: list[dict[str, Any]] = QUESTION,
        *,
        stream: bool = False,
    ) -> dict[str, Any]:
        """Returns the body. Raises `CatalogError` for a refused call, or litellm's error if nothing is sent."""
        request = ChatRequest.model_validate(
            {
                "messages": messages,
                "provider": route.provider,
                "model": route.model,
                "parameters": parameters,
                "builtInTools": list(tools),
            }
        )
        call = check_call(route, request.parameters, request.built_in_tools, request.messages)
        self._recorder.bodies.clear()
        try:
            answer: Any = await litellm.acompletion(**call_arguments(route, request, call, stream=stream), timeout=10)
            if stream:
                await anext(answer)
        except Exception:
            if not self._recorder.bodies:
                raise
        (body,) = self._recorder.bodies
        return body


def leaves(value: Any) -> Iterator[Any]:
    """Yields all values in JSON, without the names of fields."""
    if isinstance(value, dict):
        for item in cast("dict[str, Any]", value).values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from leaves(item)
    else:
        yield value
