from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Prices")


@_attrs_define
class Prices:
    """US dollars per million tokens of text. None means that the price does not exist or is unknown.

    `cached_input` applies to prompt tokens that the provider reads from its cache, `cache_write` to those that it
    writes there. `reasoning` applies to the model's thoughts; None means the price of `output`. `citation` applies to
    the tokens of the sources that the model read. The prices in `..._above` apply to the whole request if its prompt
    has more than `above_tokens` tokens.

        Attributes:
            input_ (float):
            output (float):
            cached_input (float | None):
            cache_write (float | None):
            reasoning (float | None):
            citation (float | None):
            above_tokens (int | None):
            input_above (float | None):
            output_above (float | None):
            cached_input_above (float | None):
            cache_write_above (float | None):
    """

    input_: float
    output: float
    cached_input: float | None
    cache_write: float | None
    reasoning: float | None
    citation: float | None
    above_tokens: int | None
    input_above: float | None
    output_above: float | None
    cached_input_above: float | None
    cache_write_above: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        input_ = self.input_

        output = self.output

        cached_input: float | None
        cached_input = self.cached_input

        cache_write: float | None
        cache_write = self.cache_write

        reasoning: float | None
        reasoning = self.reasoning

        citation: float | None
        citation = self.citation

        above_tokens: int | None
        above_tokens = self.above_tokens

        input_above: float | None
        input_above = self.input_above

        output_above: float | None
        output_above = self.output_above

        cached_input_above: float | None
        cached_input_above = self.cached_input_above

        cache_write_above: float | None
        cache_write_above = self.cache_write_above

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "input": input_,
                "output": output,
                "cached_input": cached_input,
                "cache_write": cache_write,
                "reasoning": reasoning,
                "citation": citation,
                "above_tokens": above_tokens,
                "input_above": input_above,
                "output_above": output_above,
                "cached_input_above": cached_input_above,
                "cache_write_above": cache_write_above,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        input_ = d.pop("input")

        output = d.pop("output")

        def _parse_cached_input(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        cached_input = _parse_cached_input(d.pop("cached_input"))

        def _parse_cache_write(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        cache_write = _parse_cache_write(d.pop("cache_write"))

        def _parse_reasoning(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        reasoning = _parse_reasoning(d.pop("reasoning"))

        def _parse_citation(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        citation = _parse_citation(d.pop("citation"))

        def _parse_above_tokens(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        above_tokens = _parse_above_tokens(d.pop("above_tokens"))

        def _parse_input_above(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        input_above = _parse_input_above(d.pop("input_above"))

        def _parse_output_above(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        output_above = _parse_output_above(d.pop("output_above"))

        def _parse_cached_input_above(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        cached_input_above = _parse_cached_input_above(d.pop("cached_input_above"))

        def _parse_cache_write_above(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        cache_write_above = _parse_cache_write_above(d.pop("cache_write_above"))

        prices = cls(
            input_=input_,
            output=output,
            cached_input=cached_input,
            cache_write=cache_write,
            reasoning=reasoning,
            citation=citation,
            above_tokens=above_tokens,
            input_above=input_above,
            output_above=output_above,
            cached_input_above=cached_input_above,
            cache_write_above=cache_write_above,
        )

        prices.additional_properties = d
        return prices

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
