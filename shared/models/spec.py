"""Fetching an API description, on the wire. The response can be used as an agent's `SwaggerSpec`."""

from pydantic import Field

from shared.models.agent import SwaggerSpec
from shared.models.wire import Address, SnakeModel, with_example


class FetchSpecRequest(SnakeModel):
    """The request body of `POST /specs/fetch`: the document's address."""

    model_config = with_example(url="https://api.example.com/openapi.json")

    url: Address


class FetchedSpec(SwaggerSpec):
    """The response of `POST /specs/fetch`: an entry for an agent's `swaggerSpecs`.

    `warnings`: problems to know about before using it, if any. They are not stored with the agent.
    """

    warnings: list[str] | None = Field(default=None, exclude_if=lambda value: value is None)
