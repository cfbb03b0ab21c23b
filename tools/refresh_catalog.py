"""`python -m tools.refresh_catalog`: writes litellm's bundled data about each curated model to `generated/`.

A second run writes the same bytes. `curated/` is only read. The catalog never imports litellm; only this tool does.
"""

import json
import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from shared.llm.catalog.data import GENERATED, CuratedProvider, list_provider_slugs, load_curated

Row = Mapping[str, Any]

ABILITIES = (
    "audio_input",
    "computer_use",
    "function_calling",
    "parallel_function_calling",
    "pdf_input",
    "prompt_caching",
    "reasoning",
    "response_schema",
    "url_context",
    "video_input",
    "vision",
    "web_search",
)
_PRICES = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "reasoning": "output_cost_per_reasoning_token",
    "citation": "citation_cost_per_token",
}
_TIERED = ("input", "output", "cached_input", "cache_write")
_TIER = re.compile(r"_above_(\d+)k_tokens$")
_DATED = re.compile(r"\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|-\d{3,}$")
_VERSION = re.compile(r"(\d+)(?:[.-](\d+)(?![\da-z]))?")


def load_litellm_rows() -> Mapping[str, Row]:
    """Returns the data that is bundled with the installed litellm. Nothing is downloaded."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    import litellm

    return cast("Mapping[str, Row]", litellm.model_cost)  # pyright: ignore[reportUnknownMemberType]


def find_row(provider: CuratedProvider, slug: str, rows: Mapping[str, Row]) -> Row | None:
    """Returns a curated model's row, which has the model's `known_as`, its prefixed name, or its plain name."""
    if alias := provider.models[slug].known_as:
        return rows.get(alias)
    if row := rows.get(f"{provider.litellm_provider}/{slug}"):
        return row
    plain = rows.get(slug)
    belongs = plain is not None and str(plain.get("litellm_provider")).startswith(provider.litellm_provider)
    return plain if belongs else None


def make_entry(row: Row) -> dict[str, Any]:
    """Returns one model's entry in `generated/`.

    The entry has `prices` (US dollars per million tokens) only if both input and output have a price.
    """
    prices = _read_prices(row)
    entry = {
        "mode": row["mode"],
        "context_window": _to_int(row.get("max_input_tokens")),
        "max_output_tokens": _to_int(row.get("max_output_tokens")),
        "prices": prices if {"input", "output"} <= prices.keys() else None,
        "abilities": [ability for ability in ABILITIES if row.get(f"supports_{ability}")],
    }
    return {name: value for name, value in entry.items() if value is not None}


def _read_prices(row: Row) -> dict[str, float]:
    """Returns the prices, including those for long prompts. Raises `ValueError` if there is more than one threshold."""
    prices: dict[str, float] = {
        name: to_price_per_million(row[field]) for name, field in _PRICES.items() if row.get(field) is not None
    }
    if prices.get("reasoning") == prices.get("output"):
        prices.pop("reasoning", None)
    thresholds = {int(found[1]) * 1000 for field, price in row.items() if price and (found := _TIER.search(field))}
    if len(thresholds) > 1:
        raise ValueError(f"The prices change at more than one prompt length: {sorted(thresholds)}.")
    for threshold in thresholds:
        prices["above_tokens"] = threshold
        for name in _TIERED:
            price = row.get(f"{_PRICES[name]}_above_{threshold // 1000}k_tokens")
            if price is not None:
                prices[f"{name}_above"] = to_price_per_million(price)
    return prices


def to_price_per_million(price: float) -> float:
    """Converts a price per token. Decimal arithmetic is used, so 3e-07 becomes 0.3 and not 0.30000000000000004."""
    return float(Decimal(str(price)) * 1_000_000)


def _to_int(number: float | None) -> int | None:
    return None if number is None else int(number)


def find_newer_models(slug: str, provider: CuratedProvider, rows: Mapping[str, Row]) -> list[str]:
    """Returns the models that are newer than every curated model in their family, without dated snapshots.

    A model of a new family is included if it is newer than every curated model.
    """
    newest = {
        family: max(v for f, v in _find_families(provider.models) if f == family)
        for family, _ in _find_families(provider.models)
    }
    if not newest:
        return []
    names = [
        name.removeprefix(f"{provider.litellm_provider}/")
        for name, row in rows.items()
        if row.get("litellm_provider") == slug and row.get("mode") in ("chat", "responses")
    ]
    candidates = [name for name in names if name not in provider.models and not re.search("[/:]", name)]
    return sorted(
        {
            name
            for name in candidates
            for family, version in _find_families([name])
            if version > newest.get(family, max(newest.values()))
        }
    )


def _find_families(names: Any) -> Iterator[tuple[str, tuple[int, int]]]:
    for name in names:
        if (found := _VERSION.search(name)) and not _DATED.search(name):
            yield name[: found.start()] + name[found.end() :], (int(found[1]), int(found[2] or 0))


def refresh(into: Path, rows: Mapping[str, Row]) -> list[str]:
    """Writes one file per provider. Returns the curated models that `rows` lacks, as `provider: model`."""
    into.mkdir(parents=True, exist_ok=True)
    missing: list[str] = []
    for slug in list_provider_slugs():
        provider = load_curated(slug)
        known = [model for model, entry in provider.models.items() if entry.known]
        found = {model: row for model in known if (row := find_row(provider, model, rows))}
        missing += [f"{slug}: {model}" for model in known if model not in found]
        text = json.dumps({model: make_entry(found[model]) for model in sorted(found)}, indent=2) + "\n"
        file = into / f"{slug}.json"
        changed = not file.exists() or file.read_text() != text
        file.write_text(text)
        _print(f"{slug}: {len(found)} of {len(provider.models)} models, {'written' if changed else 'unchanged'}")
        if newer := find_newer_models(slug, provider, rows):
            _print(f"  litellm has newer models that are not curated: {', '.join(newer)}")
    for stale in sorted({file.stem for file in into.glob("*.json")} - {*list_provider_slugs()}):
        (into / f"{stale}.json").unlink()
        _print(f"{stale}: removed, because it is no longer curated")
    return missing


def main(read: Callable[[], Mapping[str, Row]] = load_litellm_rows) -> int:
    """Returns the exit code, which is 1 if litellm lacks some curated models. The others are written nevertheless."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=GENERATED, help="the folder to write to")
    into = cast("Path", parser.parse_args().into)
    rows = read()
    _print(f"Writing the data of litellm {metadata.version('litellm')} about the curated models to {into}")
    missing = refresh(into, rows)
    if missing:
        _print(
            "litellm does not know these curated models:\n  " + "\n  ".join(missing) + "\n"
            'Correct their names in curated/, or set "known_as" to litellm\'s name for them. If litellm cannot '
            'know them, set "known": false and enter their "context_window" by hand.'
        )
    return 1 if missing else 0


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
