"""What the provider catalog says of providers and models, as `GET /providers` answers it."""

from typing import Any, Literal

from pydantic import Field

from shared.models.wire import SnakeModel, with_example

GOFANNON = "gofannon"
"""The provider whose models are the published agents."""

ParameterType = Literal["string", "integer", "float", "boolean", "choice", "array", "object"]


class ParameterSpec(SnakeModel):
    """One parameter a model takes: its type, its default and what values it allows.

    `default` None means that nothing is sent unless the caller sets it. `min` and `max` are inclusive,
    None: no bound. `choices` is there for the type "choice", and for an object that has a type. An array is one of
    texts; its `max` says how many. A string's `max` says how many characters.
    """

    type: ParameterType
    description: str
    default: Any = None
    min: int | float | None = None
    max: int | float | None = None
    choices: list[Any] | None = None


class BuiltInTool(SnakeModel):
    """A tool that the provider itself runs, such as web search."""

    id: str
    description: str


class Prices(SnakeModel):
    """US dollars per million tokens of text. None: there is no such price, or it is not known.

    `cached_input` is for prompt tokens that the provider had kept, `cache_write` for those that it keeps.
    `reasoning` is for what the model thinks; None: as `output`. `citation` is for tokens of the sources that it read.
    The prices in `..._above` apply to all of a request whose prompt has more than `above_tokens` tokens.
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
        """The most that a prompt token may cost in a request of so many, whatever the provider keeps of it."""
        above = (self.input_above, self.cache_write_above) if self._is_above(prompt_tokens) else ()
        return max(price for price in (self.input, self.cache_write, *above) if price is not None)

    def highest_output(self, prompt_tokens: int) -> float:
        """The most that a token of the answer may cost, thoughts included, after a prompt of so many tokens."""
        above = (self.output_above,) if self._is_above(prompt_tokens) else ()
        return max(price for price in (self.output, self.reasoning, *above) if price is not None)

    def _is_above(self, prompt_tokens: int) -> bool:
        return self.above_tokens is not None and prompt_tokens > self.above_tokens


class ModelInfo(SnakeModel):
    """One model: how it may be called and what it costs. `prices` None: unknown beforehand."""

    model_config = with_example(
        description="A small model that runs beside the service.",
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
        default=None, description="tokens of prompt the model reads; the answer may count against them"
    )
    max_output_tokens: int | None = None
    prices: Prices | None = None
    abilities: list[str] = Field(default_factory=list[str])
    parameters: dict[str, ParameterSpec] = Field(default_factory=dict[str, ParameterSpec])
    built_in_tools: list[BuiltInTool] = Field(default_factory=list[BuiltInTool])


class ProviderInfo(SnakeModel):
    """One provider and its models, by slug."""

    model_config = with_example(
        name="Local",
        description="A small model that runs beside the service.",
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
