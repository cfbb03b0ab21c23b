"""Fetching an API description, on the wire. What is answered is the very thing that an agent takes: `SwaggerSpec`."""

from pydantic import Field

from shared.models.agent import SwaggerSpec
from shared.models.wire import Address, SnakeModel, with_example


class FetchSpecRequest(SnakeModel):
    """What `POST /specs/fetch` takes: where the document is."""

    model_config = with_example(url="https://api.example.com/openapi.json")

    url: Address


class FetchedSpec(SwaggerSpec):
    """What it answers: an entry of an agent's `swaggerSpecs`. `warnings`: what to know before it is used, if anything.

    Not a part of what is kept of it.
    """

    warnings: list[str] | None = Field(default=None, exclude_if=lambda value: value is None)
