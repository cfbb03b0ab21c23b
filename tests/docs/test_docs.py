"""The links, paths, settings and examples in the documents are correct."""

import json
import re
from pathlib import Path

import pytest

from shared.llm.catalog.data import list_provider_slugs, load_curated
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_link_targets_exist(document: Path) -> None:
    """Every relative link names an existing file or folder."""
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        assert "://" in target or (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_exist(document: Path) -> None:
    """Every path in inline code, such as `shared/…` or `tests/…`, exists."""
    named = re.findall(
        r"`((?:shared|functions|clients|contract|tests|docs|deploy|requirements|emulator-config)/[\w./-]*)`",
        document.read_text(),
    )
    missing = [path for path in named if not (ROOT / path).exists()]
    assert not missing


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained(name: str) -> None:
    """The reference lists each setting with its default."""
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
def test_a_number_with_a_setting_is_its_default(document: Path) -> None:
    """A number such as in "8 chats with agents (`AGENT_CHATS_AT_ONCE`)" is the setting's default."""
    if document.parent.name == "decisions":
        return  # decisions record the values of their time
    named = re.findall(r"(\d[\d,.]*) [a-z ]{1,40}\(`([A-Z_]+)`\)", document.read_text().replace("\n", " "))
    defaults = {name.upper(): field.default for name, field in Settings.model_fields.items()}
    assert [(name, float(number.replace(",", ""))) for number, name in named if name in defaults] == [
        (name, defaults[name]) for _, name in named if name in defaults
    ]


@pytest.mark.parametrize("slug", list_provider_slugs())
def test_every_providers_variables_are_explained(slug: str) -> None:
    """The reference lists the variables for each provider's keys and address."""
    row = re.search(rf"^\| `{slug}` \|.*$", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE)
    assert row, f"{slug} is missing"
    provider = load_curated(slug)
    for alternative in provider.api_key_env:
        assert any(variable in row[0] for variable in alternative.values())
    assert not provider.base_url_env or any(variable in row[0] for variable in provider.base_url_env)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_json_examples_are_valid(document: Path) -> None:
    """Every block that is marked as JSON can be parsed."""
    for block in re.findall(r"```json\n(.*?)```", document.read_text(), re.DOTALL):
        json.loads(block)
