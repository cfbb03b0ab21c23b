"""The provider catalog's description of providers and models, as `GET /providers` returns it."""

from typing import Any, Literal

from pydantic import Field

from shared.models.wire import SnakeModel, with_example

GOFANNON = "gofannon"
"""The provider whose models are the published agents."""

ParameterType = Literal["string", "integer", "float", "boolean", "choice", "array", "object"]


class ParameterSpec(SnakeModel):
    """A parameter of a model: its type, its default and the values that it allows.

    With a `default` of None, nothing is sent unless the caller sets the parameter. `min` and `max` are inclusive; None
    means no bound. `choices` is set for the type "choice", and for an object with a type of its own. An array contains
    strings, and `max` is its maximum length. The `max` of a string is its maximum number of characters.
    """

    type: ParameterType
    description: str
    default: Any = None
    min: int | float | None = None
    max: int | float | None = None
    choices: list[Any] | None = None


class BuiltInTool(SnakeModel):
    """A tool that the provider runs, such as web search."""

    id: str
    description: str


class Prices(SnakeModel):
    """US dollars per million tokens of text. None means that the price does not exist or is unknown.

    `cached_input` applies to prompt tokens that the provider reads from its cache, `cache_write` to those that it
    writes there. `reasoning` applies to the model's thoughts; None means the price of `output`. `citation` applies to
    the tokens of the sources that the model read. The prices in `..._above` apply to the whole request if its prompt
    has more than `above_tokens` tokens.
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    reasoning: float | None = None
    citation: float | None = None
    above_tokens: int | None = None
    input_above: float | None = None
    output_above: float | None = None
    cached_input_above: float | None = None
    cache_write_above: float | None = None

    def highest_input(self, prompt_tokens: int) -> float:
        """Returns the highest price of a token, cached or not, in a prompt of `prompt_tokens` tokens."""
        above = (self.input_above, self.cache_write_above) if self._is_above(prompt_tokens) else ()
        return max(price for price in (self.input, self.cache_write, *above) if price is not None)

    def highest_output(self, prompt_tokens: int) -> float:
        """Returns the highest price of a token of the answer or thoughts after a prompt of `prompt_tokens` tokens."""
        above = (self.output_above,) if self._is_above(prompt_tokens) else ()
        return max(price for price in (self.output, self.reasoning, *above) if price is not None)

    def _is_above(self, prompt_tokens: int) -> bool:
        return self.above_tokens is not None and prompt_tokens > self.above_tokens


class ModelInfo(SnakeModel):
    """A model: how it may be called, and what it costs. `prices` is None if they are not known in advance."""

    model_config = with_example(
        description="A small model that runs next to the service.",
        context_window=8192,
        max_output_tokens=None,
        prices=Prices(input=0, output=0).model_dump(),
        abilities=[],
        parameters={
            "temperature": {
                "type": "float",
                "description": "How freely the model chooses its words.",
                "default": None,
                "min": 0.0,
                "max": 2.0,
                "choices": None,
            }
        },
        built_in_tools=[],
    )

    description: str = ""
    context_window: int | None = Field(
        default=None, description="the most prompt tokens that the model reads; the answer may count against them"
    )
    max_output_tokens: int | None = None
    prices: Prices | None = None
    abilities: list[str] = Field(default_factory=list[str])
    parameters: dict[str, ParameterSpec] = Field(default_factory=dict[str, ParameterSpec])
    built_in_tools: list[BuiltInTool] = Field(default_factory=list[BuiltInTool])


class ProviderInfo(SnakeModel):
    """A provider and its models, by slug."""

    model_config = with_example(
        name="Local",
        description="A small model that runs next to the service.",
        models={
            "smollm2-135m-instruct": {
                "description": "",
                "context_window": 8192,
                "max_output_tokens": None,
                "prices": None,
                "abilities": [],
                "parameters": {},
                "built_in_tools": [],
            }
        },
    )

    name: str
    description: str = ""
    models: dict[str, ModelInfo]
