"""The catalog matches the installed litellm, which runs in a separate process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.llm.catalog.data import GENERATED, list_provider_slugs, load_curated
from tools import refresh_catalog
from tools.refresh_catalog import find_newer_models, find_row, make_entry, refresh, to_price_per_million

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=180
    )


def test_the_known_files_are_current(tmp_path: Path):
    """The generator would write the same files in `generated/`. Otherwise, `make catalog` must be run."""
    done = run("-m", "tools.refresh_catalog", "--into", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    written = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert written == {file.name: file.read_text() for file in GENERATED.iterdir()}, "run: make catalog"


def test_models_that_litellm_lacks_are_returned(tmp_path: Path):
    """The generator writes all files and returns the missing models, except those that litellm cannot know."""
    missing = refresh(tmp_path, {})
    assert "openai: gpt-4.1" in missing
    assert not [text for text in missing if text.startswith(("local:", "ollama:"))]
    assert {file.stem for file in tmp_path.iterdir()} == {*list_provider_slugs()}


def test_a_missing_model_is_reported_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """If a model is missing, the command names a remedy, and its exit code stops a build."""
    monkeypatch.setattr(sys, "argv", ["refresh_catalog", "--into", str(tmp_path)])
    assert refresh_catalog.main(read=dict) == 1
    assert "litellm does not know these curated models:\n  anthropic: claude-" in (output := capsys.readouterr().out)
    assert '"known": false' in output


def test_the_file_of_a_removed_provider_is_deleted(tmp_path: Path):
    """The generator deletes the file of a provider that is no longer curated."""
    (tmp_path / "removed.json").write_text("{}")
    refresh(tmp_path, {})
    assert not (tmp_path / "removed.json").exists()


@pytest.mark.parametrize(
    ("per_token", "expected"),
    [(3e-07, 0.3), (1e-06, 1.0), (1.5e-05, 15.0), (7.5e-08, 0.075), (0, 0.0), (0.000168, 168.0)],
)
def test_prices_are_per_million_without_rounding_errors(per_token: float, expected: float):
    """Prices have no binary rounding errors, so a second run writes the same files."""
    assert to_price_per_million(per_token) == expected
    assert repr(to_price_per_million(per_token)) == repr(expected)


def test_only_known_facts_are_written():
    """Only known facts are written. An input price without an output price is omitted."""
    row = {"mode": "chat", "max_input_tokens": 10.0, "input_cost_per_token": 1e-06, "supports_vision": True}
    assert make_entry(row) == {"mode": "chat", "context_window": 10, "abilities": ["vision"]}


def test_all_relevant_prices_are_read():
    """Prices for caching, reasoning and long prompts are read, but not those for batches or priority calls."""
    row = {
        "mode": "chat",
        "input_cost_per_token": 1e-06,
        "output_cost_per_token": 2e-06,
        "cache_read_input_token_cost": 1e-07,
        "cache_creation_input_token_cost": 1.25e-06,
        "output_cost_per_reasoning_token": 3e-06,
        "input_cost_per_token_above_200k_tokens": 2e-06,
        "output_cost_per_token_above_200k_tokens": 3e-06,
        "input_cost_per_token_above_200k_tokens_priority": 9e-06,
        "output_cost_per_token_batches": 1e-06,
    }
    assert make_entry(row)["prices"] == {
        "input": 1.0,
        "output": 2.0,
        "cached_input": 0.1,
        "cache_write": 1.25,
        "reasoning": 3.0,
        "above_tokens": 200000,
        "input_above": 2.0,
        "output_above": 3.0,
    }


def test_two_price_thresholds_are_an_error():
    """More than one price threshold is an error. The catalog can store only one, so the holds would be too small."""
    row = {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}
    thresholds = {f"input_cost_per_token_above_{length}k_tokens": 2e-06 for length in (100, 200)}
    with pytest.raises(ValueError, match=r"more than one prompt length: \[100000, 200000\]"):
        make_entry({**row, **thresholds})


def test_an_unqualified_name_matches_only_its_provider():
    """An unqualified name is ignored if it belongs to another provider, whose prices are different."""
    openai = load_curated("openai")
    assert find_row(openai, "gpt-4.1", {"gpt-4.1": {"litellm_provider": "azure"}}) is None
    row = {"litellm_provider": "openai"}
    assert find_row(openai, "gpt-4.1", {"gpt-4.1": row}) is row


def test_newer_models_are_listed():
    """Newer versions and generations are listed, but not snapshots, older models or models of other providers."""
    names = ["gpt-99", "gpt-99-2026-01-01", "gpt-4.2-mini", "gpt-4.0-mini", "gpt-5.6-tiny", "gpt-audio", "ft:gpt-99"]
    rows = {name: {"litellm_provider": "openai", "mode": "chat"} for name in names}
    rows["gpt-98"] = {"litellm_provider": "azure", "mode": "chat"}
    rows["gpt-97"] = {"litellm_provider": "openai", "mode": "embedding"}
    assert find_newer_models("openai", load_curated("openai"), rows) == ["gpt-99"]
