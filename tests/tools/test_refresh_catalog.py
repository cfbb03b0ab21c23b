"""The catalog against the installed litellm. litellm runs in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.llm.catalog.data import KNOWN, list_provider_slugs, load_curated
from tools import refresh_catalog
from tools.refresh_catalog import facts, known_row, newer_main_models, per_million, refresh

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=180
    )


def test_the_known_files_are_what_the_generator_writes(tmp_path: Path):
    """After a new litellm or a newly curated model, `make catalog` must have been run."""
    done = run("-m", "tools.refresh_catalog", "--into", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    written = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert written == {file.name: file.read_text() for file in KNOWN.iterdir()}, "run: make catalog"


def test_models_that_litellm_lacks_are_named(tmp_path: Path):
    """The generator writes what it can, and returns what is missing, but for those that litellm cannot know."""
    missing = refresh(tmp_path, {})
    assert "openai: gpt-4.1" in missing
    assert not [text for text in missing if text.startswith(("local:", "ollama:"))]
    assert {file.stem for file in tmp_path.iterdir()} == {*list_provider_slugs()}


def test_a_missing_model_fails_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A plain sentence, and an exit code that stops a build."""
    monkeypatch.setattr(sys, "argv", ["refresh_catalog", "--into", str(tmp_path)])
    assert refresh_catalog.main(read=dict) == 1
    assert "litellm does not know these curated models:\n  anthropic: claude-" in (said := capsys.readouterr().out)
    assert '"known": false' in said


def test_a_file_that_is_no_longer_curated_goes(tmp_path: Path):
    """Its provider's facts would be read by nothing."""
    (tmp_path / "gone.json").write_text("{}")
    refresh(tmp_path, {})
    assert not (tmp_path / "gone.json").exists()


@pytest.mark.parametrize(
    ("per_token", "expected"),
    [(3e-07, 0.3), (1e-06, 1.0), (1.5e-05, 15.0), (7.5e-08, 0.075), (0, 0.0), (0.000168, 168.0)],
)
def test_prices_are_per_million_and_round(per_token: float, expected: float):
    """No binary dust, so that the files do not change by themselves."""
    assert per_million(per_token) == expected
    assert repr(per_million(per_token)) == repr(expected)


def test_a_row_becomes_facts():
    """Only what is known is written; a price for input alone is no price."""
    row = {"mode": "chat", "max_input_tokens": 10.0, "input_cost_per_token": 1e-06, "supports_vision": True}
    assert facts(row) == {"mode": "chat", "context_window": 10, "abilities": ["vision"]}


def test_all_that_costs_is_read():
    """What is kept, what is thought, and what long prompts cost; not what other ways of calling cost."""
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
    assert facts(row)["prices"] == {
        "input": 1.0,
        "output": 2.0,
        "cached_input": 0.1,
        "cache_write": 1.25,
        "reasoning": 3.0,
        "above_tokens": 200000,
        "input_above": 2.0,
        "output_above": 3.0,
    }


def test_two_steps_of_the_price_are_an_error():
    """The catalog has room for one: prices that are known by half would hold too little."""
    row = {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}
    steps = {f"input_cost_per_token_above_{length}k_tokens": 2e-06 for length in (100, 200)}
    with pytest.raises(ValueError, match=r"more than one prompt length: \[100000, 200000\]"):
        facts({**row, **steps})


def test_a_plain_name_counts_only_for_its_own_provider():
    """Another provider's model of the same name has other prices."""
    openai = load_curated("openai")
    assert known_row(openai, "gpt-4.1", {"gpt-4.1": {"litellm_provider": "azure"}}) is None
    row = {"litellm_provider": "openai"}
    assert known_row(openai, "gpt-4.1", {"gpt-4.1": row}) is row


def test_newer_models_are_hinted_at():
    """A newer version in a family, or a newer generation; not snapshots, older ones, or another provider's."""
    names = ["gpt-99", "gpt-99-2026-01-01", "gpt-4.2-mini", "gpt-4.0-mini", "gpt-5.6-tiny", "gpt-audio", "ft:gpt-99"]
    rows = {name: {"litellm_provider": "openai", "mode": "chat"} for name in names}
    rows["gpt-98"] = {"litellm_provider": "azure", "mode": "chat"}
    rows["gpt-97"] = {"litellm_provider": "openai", "mode": "embedding"}
    assert newer_main_models("openai", load_curated("openai"), rows) == ["gpt-99"]
