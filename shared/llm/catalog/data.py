"""The catalog's files: the curated ones, and those that `make catalog` writes. They are read when first used.

Nothing here depends on the environment or calls anything. `provider_info` turns the files into the API's responses.
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
    """The base class for data in files. A misspelt field is an error and is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ToolFee(_FromFile):
    """The fee for a use of a tool, in addition to the tokens that the caller sends and reads.

    `per_use`: US dollars. `most_uses`: the highest number of uses per request; None if it is unknown.
    `tokens_per_use`: prompt tokens that a use may add and that are billed; None means that it adds none. They are read
    again, with the prompt, after each later use, unless `read_once` is set. `most_reads`: the highest number of uses
    that add tokens; None means `most_uses`. `limited`: whether `most_uses` is a real limit, because the request sets it
    or the provider enforces it; otherwise it is an assumption. `source`: the provider's documentation of the fee.
    """

    per_use: float = Field(ge=0)
    most_uses: int | None = Field(default=None, ge=1)
    tokens_per_use: int | None = Field(default=None, ge=1)
    most_reads: int | None = Field(default=None, ge=1)
    read_once: bool = False
    limited: bool = False
    source: str = Field(pattern="^https://")


class ImageBound(_FromFile):
    """The most tokens that an image of the allowed size counts as (`MAX_PIXELS` in `shared.models.images`).

    `detail`: the level of detail that is requested for images without one, because the bound holds for no higher one.
    `source`: the provider's documentation.
    """

    tokens: int = Field(ge=1)
    detail: Literal["high"] | None = None
    source: str = Field(pattern="^https://")


class CuratedTool(_FromFile):
    """A built-in tool. `tool` is added to the request's `tools`, `parameter` to the request. `fee`: None if free."""

    description: str
    tool: dict[str, Any] | None = None
    parameter: dict[str, Any] | None = None
    api: Api | None = None
    fee: ToolFee | None = None

    @model_validator(mode="after")
    def _check_has_form(self) -> "CuratedTool":
        if self.tool is None and self.parameter is None:
            raise ValueError("a built-in tool must have a `tool`, a `parameter` or both")
        return self


class Bounds(_FromFile):
    """The inclusive bounds of a parameter's value."""

    min: float | None = None
    max: float | None = None


class Rule(_FromFile):
    """A rule about combinations in one request.

    The rule applies if the parameter `when` is set, and has one of `values` (if given) and none of `unless`. For
    `response_format`, the value is its `type`.

    If the rule applies, no parameter in `excludes` may be set, and parameters in `holds`, if set, must be within the
    bounds. The answer limit, if set, must exceed the number for the value in `more_tokens_than`. `tools` False:
    built-in tools are not allowed. `without_tools`: these tools are not allowed. `begun_answer` False: the last message
    must not be the assistant's. `mentions`: a message must contain this word. `object_at_top`: an answer schema must
    describe an object. `closed`: a strict answer schema must only have closed objects whose properties are all
    required. `blanks` False: if `when` is a list of strings, none may be only white space.
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
    """The order of messages that a model accepts, and the changes that establish it.

    `needs_turns`: a conversation with only system messages is refused. `system_first`: system messages are moved before
    all others, in their order.
    `starts_with_user`, `ends_with_user`: the first and the last of the other messages must be the user's. `alternates`:
    adjacent messages of one role are joined. `trims_answer`: white space is removed from the end of an answer that the
    caller began.
    """

    needs_turns: bool = False
    system_first: bool = False
    starts_with_user: bool = False
    ends_with_user: bool = False
    alternates: bool = False
    trims_answer: bool = False


class CuratedModel(_FromFile):
    """A curated model. Values that are missing here come from `generated`.

    The model accepts the provider's parameters under the names in `parameter_sets`, and follows the rules under these
    names. `defaults`: documented defaults of listed parameters if their sets have none or another. `known_as`: the name
    in litellm's data if it is not the slug. `known` False: litellm's data does not have the model. `request_fee`
    applies to every request; `tool_fees` contains the fees that differ from the provider's. `conversation`, `image` and
    `reports_cost` None: the provider's values apply.
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
    image: ImageBound | None = None
    built_in_tools: list[str] = []
    request_fee: ToolFee | None = None
    tool_fees: dict[str, ToolFee] = {}
    reports_cost: bool | None = None


class CuratedProvider(_FromFile):
    """A provider, its keys and addresses, and its models, newest first.

    `api_key_env`: alternatives that are tried in order. Each maps arguments of the call to environment variables, all
    of which must be set. If the list is empty, no key is needed, and `placeholder_api_key` is sent, so that litellm
    does not send another provider's key. `base_url_on_this_machine` is the default of `base_url_env`, but not in the
    cloud. `reasoning_api`: the interface that returns the reasoning, for calls with a reasoning effort.

    `parameter_sets`: the parameters that models list. `unlisted_parameters`: further parameters that they accept (None
    means the generic parameter of that name). `rules`: the combinations that they refuse. The keys of these three are
    the names in the models' `parameter_sets`. `companions`: by parameter, the fields that are added to a request that
    sets it. `writes_out_references`: whether each `$ref` in an answer schema is replaced by its target. `reports_cost`:
    whether answers state their cost. Models without a known price are then allowed. `image`: the tokens of an image.
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
    parameter_sets: dict[str, dict[str, ParameterSpec]] = {}
    unlisted_parameters: dict[str, dict[str, ParameterSpec | None]] = {}
    rules: dict[str, list[Rule]] = {}
    companions: dict[str, dict[str, Any]] = {}
    writes_out_references: bool = False
    conversation: Conversation = Conversation()
    image: ImageBound | None = None
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
                raise ValueError(f"{slug} uses names that the provider does not define: {', '.join(sorted(missing))}")
        return self


class GeneratedModel(_FromFile):
    """litellm's data about a model: limits in tokens, prices in US dollars per million tokens, and abilities."""

    mode: str
    context_window: int | None = None
    max_output_tokens: int | None = None
    prices: Prices | None = None
    abilities: list[str] = []


_generated_models = TypeAdapter(dict[str, GeneratedModel])
_specs = TypeAdapter(dict[str, ParameterSpec])


@cache
def list_provider_slugs() -> tuple[str, ...]:
    """Returns the slugs of all providers that have a file, in alphabetical order."""
    return tuple(sorted(file.stem for file in CURATED.glob("*.json")))


@cache
def load_curated(provider: str) -> CuratedProvider:
    """Reads a provider's curated file.

    Raises `KeyError` unless `provider` is one of `list_provider_slugs()`, so that user input never becomes a path.
    """
    if provider not in list_provider_slugs():
        raise KeyError(provider)
    return CuratedProvider.model_validate_json((CURATED / f"{provider}.json").read_bytes())


@cache
def load_generated(provider: str) -> dict[str, GeneratedModel]:
    """Returns the models in litellm's data, by slug. Raises the errors of `load_curated`."""
    if provider not in list_provider_slugs():
        raise KeyError(provider)
    return _generated_models.validate_json((GENERATED / f"{provider}.json").read_bytes())


@cache
def load_generic_parameters() -> dict[str, ParameterSpec]:
    """Reads the chat parameters that may be passed to models that do not list them, with the widest sensible bounds."""
    return _specs.validate_json((HERE / "generic_parameters.json").read_bytes())
