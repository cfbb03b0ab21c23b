"""The tools of an MCP server, on the wire."""

from typing import Any, Self

from pydantic import AliasChoices, Field, ModelWrapValidatorHandler, SecretStr, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from shared.models.wire import Address, CamelModel, SnakeModel, with_example

_URL_NAMES = ("mcp_url", "mcpUrl")


class ListToolsRequest(SnakeModel):
    """What `POST /mcp/tools` takes. `auth_token`: sent to the server as a bearer token; an empty one counts as none."""

    model_config = with_example(mcp_url="https://mcp.example.com/mcp")

    mcp_url: Address = Field(validation_alias=AliasChoices(*_URL_NAMES))
    auth_token: SecretStr | None = Field(default=None, validation_alias=AliasChoices("auth_token", "authToken"))

    @model_validator(mode="wrap")
    @classmethod
    def _validate_without_token(cls, data: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Invalid input is shown to the caller, but never the token."""
        try:
            return validate(data)
        except ValidationError as error:
            problems = [
                InitErrorDetails(
                    type=problem["type"],
                    loc=problem["loc"],
                    input=_hide_token(problem["input"], problem["loc"]),
                    ctx=problem.get("ctx", {}),
                )
                for problem in error.errors()
            ]
            raise ValidationError.from_exception_data(error.title, problems, hide_input=True) from None

    @property
    def token(self) -> str | None:
        """The token in plain text, None if there is none or it is empty."""
        return (self.auth_token.get_secret_value() or None) if self.auth_token else None


def _hide_token(value: Any, place: tuple[int | str, ...]) -> Any:
    """The wrong input to show: never the token, nor a body that may contain it under any name."""
    return value if place and place[0] in _URL_NAMES and not isinstance(value, dict | list) else None


class McpTool(CamelModel):
    """A tool as the server describes it. `input_schema` is a JSON Schema that nothing has validated."""

    name: str
    description: str
    input_schema: dict[str, Any]


class ToolList(SnakeModel):
    """What it answers. `mcp_url`: as it was sent, without white space around it."""

    model_config = with_example(
        mcp_url="https://mcp.example.com/mcp",
        tools=[
            {
                "name": "add",
                "description": "Adds two numbers.",
                "inputSchema": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}},
            }
        ],
    )

    mcp_url: str
    tools: list[McpTool]
