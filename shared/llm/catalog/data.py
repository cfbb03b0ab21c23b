"""The catalog's files, as they are: what people curated, and what `make catalog` wrote. Read when first used.

Nothing here depends on the environment, and nothing is called. `info` makes of these what the wire shows.
"""

from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from shared.models.catalog import ParameterSpec, Prices

HERE = Path(__file__).parent
CURATED = HERE / "curated"
GENERATED = HERE / "generated"

Api = Literal["chat", "responses"]


class _FromFile(BaseModel):
    """A misspelt field in a file is an error, not a field that is quietly ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ToolFee(_FromFile):
    """What a use of something costs beside the tokens that the caller sends and reads.

    `per_use`: US dollars. `most_uses`: how many there may be in one request; None: one cannot say.
    `tokens_per_use`: prompt tokens that a use may add, and that are billed as such; None: none are. They are read
    again, with the prompt, after each later use, unless they are `read_once`. `most_reads`: how many times there may
    be something to read, where that is not with each use that is paid for; None: `most_uses`.
    `limited`: `most_uses` is a bound, because the request carries it or the provider stops there; otherwise it is
    what is assumed. `source`: where the provider says so.
    """

    per_use: float = Field(ge=0)
    most_uses: int | None = Field(default=None, ge=1)
    tokens_per_use: int | None = Field(default=None, ge=1)
    most_reads: int | None = Field(default=None, ge=1)
    read_once: bool = False
    limited: bool = False
    source: str = Field(pattern="^https://")


class CuratedTool(_FromFile):
    """A built-in tool: `tool` joins the request's `tools`, `parameter` the request itself. `fee` None: it is free."""

    description: str
    tool: dict[str, Any] | None = None
    parameter: dict[str, Any] | None = None
    api: Api | None = None
    fee: ToolFee | None = None

    @model_validator(mode="after")
    def _check_has_form(self) -> "CuratedTool":
        if self.tool is None and self.parameter is None:
            raise ValueError("a built-in tool has a `tool`, a `parameter` or both")
        return self


class Bounds(_FromFile):
    """What a parameter's value is held to. Inclusive."""

    min: float | None = None
    max: float | None = None


class Rule(_FromFile):
    """What cannot go together in one request, or has to.

    It holds when the parameter `when` is set, to one of `values` where these are given, and to none of `unless`.
    For `response_format`, the value is its `type`.

    Then none of `excludes` may be set, and what `holds` names must, if set, be within its bounds. The longest answer,
    if set, must have more tokens than `more_tokens_than` has for the value. `tools` False: no built-in tools;
    `without_tools`: none of these.
    `begun_answer` False: the last message may not be the assistant's. `mentions`: some message has this word.
    `object_at_top`: a schema of the answer is one of an object. `closed`: one that is to be kept to strictly has closed
    objects only, all properties required. `blanks` False: where `when` is a list of texts, none may be white space
    alone.
    """

    when: str
    values: list[str] | None = None
    unless: list[str] = []
    excludes: list[str] = []
    holds: dict[str, Bounds] = {}
    more_tokens_than: dict[str, int] = {}
    tools: bool = True
    without_tools: list[str] = []
    begun_answer: bool = True
    mentions: str | None = None
    object_at_top: bool = False
    closed: bool = False
    blanks: bool = True


class Conversation(_FromFile):
    """Which order of messages is taken, and what is done for it to be so.

    `needs_turns`: not system messages alone. `system_first`: these are moved before all others, in their order.
    `starts_with_user`, `ends_with_user`: the first and the last of the others have to be. `alternates`: neighbours of
    one role are joined. `trims_answer`: an answer that the caller began loses the white space at its end.
    """

    needs_turns: bool = False
    system_first: bool = False
    starts_with_user: bool = False
    ends_with_user: bool = False
    alternates: bool = False
    trims_answer: bool = False


class CuratedModel(_FromFile):
    """A model as people describe it. What is left out here comes from `generated`.

    It takes what the provider has under the names of its `parameter_sets`, and must keep the rules there.
    `defaults`: what its maker documents, for those of its listed parameters whose sets have none or another.
    `conversation` None: as the provider has it.
    `known_as` is what litellm's data calls it, where that is not the slug; `known` False: it is not there.
    `request_fee` comes with every request, whatever tools it has; `tool_fees` holds those that differ from the
    provider's. `reports_cost` None: as the provider.
    """

    description: str
    api: Api = "chat"
    known: bool = True
    known_as: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    abilities: list[str] | None = None
    parameter_sets: list[str] = []
    parameters: dict[str, ParameterSpec] = {}
    defaults: dict[str, Any] = {}
    conversation: Conversation | None = None
    built_in_tools: list[str] = []
    request_fee: ToolFee | None = None
    tool_fees: dict[str, ToolFee] = {}
    reports_cost: bool | None = None


class CuratedProvider(_FromFile):
    """A provider, how it is reached, and its models, newest first.

    `api_key_env` holds alternatives, tried in order; each maps arguments of the call to the variables that give
    them, all of which must be set. An empty list: no key is needed; `placeholder_api_key` is sent instead, so that
    no other provider's key is. `base_url_on_this_machine` stands in for `base_url_env`, but not in the cloud.
    `reasoning_api`: what a call that asks for reasoning has to go through, for the reasoning to be told.
    `streams`: a stream of it shows whether it came to its end, so that answers may be read that way.
    `parameter_sets` are what models list, `unlisted_parameters` what they take besides (None: as the generic one of
    that name), and `rules` what they refuse; each by the names that models have in their own `parameter_sets`.
    `companions`: by parameter, what joins a request that sets it.
    `writes_out_references`: a schema of the answer is sent with what each `$ref` stands for in its place.
    `reports_cost`: each answer says what it cost, so that a model may have no price beforehand.
    """

    name: str
    description: str
    litellm_provider: str
    api_key_env: list[dict[str, str]]
    placeholder_api_key: str | None = None
    optional_env: dict[str, list[str]] = {}
    base_url_env: list[str] = []
    base_url_required: bool = False
    base_url_on_this_machine: str | None = None
    charged: bool = True
    reports_cost: bool = False
    reasoning_api: Api | None = None
    streams: bool = False
    parameter_sets: dict[str, dict[str, ParameterSpec]] = {}
    unlisted_parameters: dict[str, dict[str, ParameterSpec | None]] = {}
    rules: dict[str, list[Rule]] = {}
    companions: dict[str, dict[str, Any]] = {}
    writes_out_references: bool = False
    conversation: Conversation = Conversation()
    built_in_tools: dict[str, CuratedTool] = {}
    models: dict[str, CuratedModel]

    @model_validator(mode="after")
    def _check_names(self) -> "CuratedProvider":
        sets = self.parameter_sets.keys() | self.unlisted_parameters.keys() | self.rules.keys()
        for slug, model in self.models.items():
            missing = (
                {*model.parameter_sets} - sets
                | {*model.built_in_tools} - self.built_in_tools.keys()
                | model.tool_fees.keys() - {*model.built_in_tools}
            )
            if missing:
                raise ValueError(f"{slug} names what the provider does not define: {', '.join(sorted(missing))}")
        return self


class GeneratedModel(_FromFile):
    """What litellm's data says of a model: tokens, US dollars per million tokens, abilities."""

    mode: str
    context_window: int | None = None
    max_output_tokens: int | None = None
    prices: Prices | None = None
    abilities: list[str] = []


_generated_models = TypeAdapter(dict[str, GeneratedModel])
_specs = TypeAdapter(dict[str, ParameterSpec])


@cache
def list_provider_slugs() -> tuple[str, ...]:
    """Every provider that has a file, in alphabetical order."""
    return tuple(sorted(file.stem for file in CURATED.glob("*.json")))


@cache
def load_curated(provider: str) -> CuratedProvider:
    """Raises `KeyError` unless `provider` is one of `list_provider_slugs()`: no caller's text becomes a path."""
    if provider not in list_provider_slugs():
        raise KeyError(provider)
    return CuratedProvider.model_validate_json((CURATED / f"{provider}.json").read_bytes())


@cache
def load_generated(provider: str) -> dict[str, GeneratedModel]:
    """By slug; a model that litellm's data does not have is not in it. Raises as `curated` does."""
    if provider not in list_provider_slugs():
        raise KeyError(provider)
    return _generated_models.validate_json((GENERATED / f"{provider}.json").read_bytes())


@cache
def load_generic_parameters() -> dict[str, ParameterSpec]:
    """Chat parameters that may be passed on to models which do not list them, with the widest sensible values."""
    return _specs.validate_json((HERE / "generic_parameters.json").read_bytes())
