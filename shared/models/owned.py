"""Resources that users save and may share: agents and demos."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime

from shared.models.wire import CamelModel, SnakeModel

Visibility = Literal["private", "shared"]
"""`shared`: every signed-in user may read and use the resource. Only its owner may change it."""


STORED_EXAMPLE = {
    "_id": "5b0a7b2e-8a53-4d4e-9a55-2a0b8f7f6c11",
    "_rev": "0d9f3c6a5b1e4f7f8a2b3c4d5e6f7081",
    "createdAt": "2026-11-24T06:00:00.120000Z",
    "updatedAt": "2026-11-24T06:00:00.120000Z",
}
"""The fields that all examples of stored resources in the OpenAPI document have in common."""
F = TypeVar("F", bound=CamelModel)
"""The fields that users set; `visibility` is one of them."""


class StoredResource(SnakeModel, Generic[F]):
    """An owned resource as it is stored. `rev` changes with every write."""

    id: str
    owner: str
    fields: F
    rev: str
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @property
    def visibility(self) -> Visibility:
        """Who may read and use the resource."""
        visible: Visibility = getattr(self.fields, "visibility")  # noqa: B009 - see F
        return visible

    def to_response_fields(self) -> dict[str, Any]:
        """Returns the fields of the response, by their Python names."""
        user_fields = {name: getattr(self.fields, name) for name in type(self.fields).model_fields}
        record = {"id": self.id, "rev": self.rev, "created_at": self.created_at, "updated_at": self.updated_at}
        return {**user_fields, **record}
