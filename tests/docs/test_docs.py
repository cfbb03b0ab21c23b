"""The statements in the documents are true."""

import json
import re
from pathlib import Path

import pytest

from shared.llm.catalog.data import list_provider_slugs, load_curated
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_exist(document: Path) -> None:
    """Every relative link names an existing file or folder."""
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        assert "://" in target or (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_that_are_named_exist(document: Path) -> None:
    """Paths such as `shared/…`, `functions/…`, `tests/…` in inline code."""
    named = re.findall(
        r"`((?:shared|functions|clients|contract|tests|docs|deploy|requirements|emulator-config)/[\w./-]*)`",
        document.read_text(),
    )
    missing = [path for path in named if not (ROOT / path).exists()]
    assert not missing


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained(name: str) -> None:
    """With its default."""
    row = re.search(
        rf"^\| `{name.upper()}` \| (.*?) \|", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE
    )
    assert row, f"{name.upper()} is missing"
    default = Settings.model_fields[name].default
    shown = row[1].strip("`")
    if default in (None, ()):
        assert shown == "none" or shown.startswith("from")
    else:
        assert shown == (
            str(default).lower()
            if isinstance(default, bool)
            else f"{default:g}"
            if isinstance(default, float)
            else str(default)
        )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_numbers_beside_a_setting_are_its_default(document: Path) -> None:
    """As in "8 chats with agents (`AGENT_CHATS_AT_ONCE`)"."""
    if document.parent.name == "decisions":
        return  # they record the values at the time of the decision
    named = re.findall(r"(\d[\d,.]*) [a-z ]{1,40}\(`([A-Z_]+)`\)", document.read_text().replace("\n", " "))
    defaults = {name.upper(): field.default for name, field in Settings.model_fields.items()}
    assert [(name, float(number.replace(",", ""))) for number, name in named if name in defaults] == [
        (name, defaults[name]) for _, name in named if name in defaults
    ]


@pytest.mark.parametrize("slug", list_provider_slugs())
def test_every_providers_variables_are_explained(slug: str) -> None:
    """Its keys, and the variable for its address."""
    row = re.search(rf"^\| `{slug}` \|.*$", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE)
    assert row, f"{slug} is missing"
    provider = load_curated(slug)
    for alternative in provider.api_key_env:
        assert any(variable in row[0] for variable in alternative.values())
    assert not provider.base_url_env or any(variable in row[0] for variable in provider.base_url_env)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_json_examples_are_json(document: Path) -> None:
    """Every block that is marked as JSON."""
    for block in re.findall(r"```json\n(.*?)```", document.read_text(), re.DOTALL):
        json.loads(block)
