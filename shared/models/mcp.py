"""The tools of an MCP server, and the metadata of the service's own MCP server, on the wire."""

from typing import Any, Self

from pydantic import AliasChoices, Field, ModelWrapValidatorHandler, SecretStr, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from shared.models.wire import Address, CamelModel, SnakeModel, with_example

_URL_NAMES = ("mcp_url", "mcpUrl")


class ListToolsRequest(SnakeModel):
    """The request body of `POST /mcp/tools`. `auth_token`: the bearer token for the server; none is sent if empty."""

    model_config = with_example(mcp_url="https://mcp.example.com/mcp")

    mcp_url: Address = Field(validation_alias=AliasChoices(*_URL_NAMES))
    auth_token: SecretStr | None = Field(default=None, validation_alias=AliasChoices("auth_token", "authToken"))

    @model_validator(mode="wrap")
    @classmethod
    def _validate_without_token(cls, data: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Validates the request. Errors show invalid input, but never the token."""
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
        """The token in plain text, or None if it is missing or empty."""
        return (self.auth_token.get_secret_value() or None) if self.auth_token else None


def _hide_token(value: Any, location: tuple[int | str, ...]) -> Any:
    """Returns the invalid input to show: only a URL, because other values may be or contain the token."""
    return value if location and location[0] in _URL_NAMES and not isinstance(value, dict | list) else None


class McpTool(CamelModel):
    """A tool as the server describes it. `input_schema` is a JSON Schema that has not been validated."""

    name: str
    description: str
    input_schema: dict[str, Any]


class ToolList(SnakeModel):
    """The response of `POST /mcp/tools`. `mcp_url`: the requested URL without surrounding white space."""

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


class ProtectedResource(SnakeModel):
    """The metadata of a resource that is protected with OAuth 2.0 (RFC 9728).

    `resource`: the URL of the MCP server. `authorization_servers`: the issuer of the ID tokens that it accepts, none
    if it needs no token.
    """

    model_config = with_example(
        resource="https://demo-agents.web.app/mcp",
        resource_name="Firebase agents",
        authorization_servers=["https://securetoken.google.com/demo-agents"],
        bearer_methods_supported=["header"],
        scopes_supported=["run"],
        resource_documentation="https://demo-agents.web.app/docs",
    )

    resource: str
    resource_name: str
    authorization_servers: list[str]
    bearer_methods_supported: list[str]
    scopes_supported: list[str]
    resource_documentation: str
