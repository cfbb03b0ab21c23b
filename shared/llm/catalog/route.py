"""The data that is needed to call a model, including the key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.llm.catalog.data import Api, Conversation, ImageBound, Rule, ToolFee, load_curated
from shared.models.catalog import ModelInfo, ParameterSpec


@dataclass(frozen=True)
class ModelRoute:
    """The route of one call, built by `Catalog.route`. The tools are copies, which the caller may change.

    `api`: the interface to use, unless a built-in tool or reasoning (`reasoning_api`) needs another. `charged`: False
    if the call is free. `reports_cost`: whether the answer states its cost, with or without known prices. `request_fee`
    applies to every call, and `tool_fees` to calls with the built-in tool.
    `unlisted_parameters` are accepted in addition to those of `info`. `repr` shows neither the key nor the address.
    """

    provider: str
    model: str
    litellm_model: str
    info: ModelInfo = field(repr=False)
    api: Api = "chat"
    reasoning_api: Api | None = None
    charged: bool = True
    reports_cost: bool = False
    request_fee: ToolFee | None = None
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = field(default=None, repr=False)
    arguments: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    tools: Mapping[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]], repr=False)
    parameter_tools: Mapping[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]], repr=False)
    tool_fees: Mapping[str, ToolFee] = field(default_factory=dict[str, ToolFee], repr=False)
    tool_apis: Mapping[str, Api] = field(default_factory=dict[str, Api], repr=False)
    unlisted_parameters: Mapping[str, ParameterSpec] = field(default_factory=dict[str, ParameterSpec], repr=False)
    rules: tuple[Rule, ...] = field(default=(), repr=False)
    companions: Mapping[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]], repr=False)
    writes_out_references: bool = False
    conversation: Conversation = field(default_factory=Conversation, repr=False)
    image: ImageBound | None = field(default=None, repr=False)

    @property
    def provider_name(self) -> str:
        """The provider's name as users see it."""
        return load_curated(self.provider).name

    @property
    def name(self) -> str:
        """The model's full name in results: `provider/model`."""
        return f"{self.provider}/{self.model}"

    def call_arguments(self, api: Api | None = None) -> dict[str, Any]:
        """Returns the arguments for litellm's `acompletion` that select the model, the address and the key.

        They contain secrets. `api` overrides that of the model; "responses" makes litellm use OpenAI's Responses API.
        """
        prefix, _, name = self.litellm_model.partition("/")
        model = f"{prefix}/responses/{name}" if (api or self.api) == "responses" else self.litellm_model
        address = {"api_key": self.api_key, "api_base": self.base_url}
        return {"model": model, **{name: value for name, value in address.items() if value}, **self.arguments}
