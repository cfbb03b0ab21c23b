"""Resources that users save and may share: agents and demos."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime

from shared.models.wire import CamelModel, SnakeModel

Visibility = Literal["private", "shared"]
"""`shared`: every signed-in user may read and use the resource. Only its owner may change it."""


F = TypeVar("F", bound=CamelModel)
"""The fields that users set; `visibility` is one of them."""


class Stored(SnakeModel, Generic[F]):
    """An owned resource as it is stored. `rev` changes with every write."""

    id: str
    owner: str
    fields: F
    rev: str
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @property
    def visibility(self) -> Visibility:
        """Who may read and use it."""
        visible: Visibility = getattr(self.fields, "visibility")  # noqa: B009 - see F
        return visible

    def to_answer(self) -> dict[str, Any]:
        """The response's fields, by their Python names."""
        user_fields = {name: getattr(self.fields, name) for name in type(self.fields).model_fields}
        record = {"id": self.id, "rev": self.rev, "created_at": self.created_at, "updated_at": self.updated_at}
        return {**user_fields, **record}
