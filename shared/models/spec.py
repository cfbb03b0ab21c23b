"""Fetching an API description, on the wire. What is answered is the very thing that an agent takes: `SwaggerSpec`."""

from shared.models.wire import Address, SnakeModel, shown_as


class FetchSpecRequest(SnakeModel):
    """What `POST /specs/fetch` takes: where the document is."""

    model_config = shown_as(url="https://api.example.com/openapi.json")

    url: Address
