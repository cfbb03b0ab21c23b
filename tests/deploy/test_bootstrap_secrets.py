"""The secrets that `deploy/bootstrap` creates and fills."""

import json

import pytest

from shared.llm.catalog.data import list_provider_slugs, load_curated
from shared.settings import Settings
from tests.deploy.bootstrapped import KEY, Cloud, Result

pytestmark = pytest.mark.long


@pytest.mark.parametrize("slug", [slug for slug in list_provider_slugs() if load_curated(slug).api_key_env])
def test_the_secrets_include_every_providers_keys(first_run: tuple[Cloud, Result], slug: str) -> None:
    """For each provider, the secrets include all keys of one way to authenticate, except expiring session tokens."""
    secrets = set(first_run[0].project["secrets"])
    alternatives = [set(keys.values()) - {"AWS_SESSION_TOKEN"} for keys in load_curated(slug).api_key_env]
    assert any(keys <= secrets for keys in alternatives)


def test_every_secret_has_a_version(first_run: tuple[Cloud, Result]) -> None:
    """Every secret has a version, because `firebase deploy` requires one. A blank version counts as not set."""
    secrets = dict(first_run[0].project["secrets"])
    assert secrets.pop("OPENAI_API_KEY") == [f"{KEY}\n"]
    assert secrets.pop("PROVIDER_KEYS") == ["OPENAI_API_KEY\n"]
    assert secrets
    assert set(map(tuple, secrets.values())) == {("\n",)}
    assert Settings.from_environ({"ADMIN_PASSWORD": "\n"}).admin_password is None


def test_secrets_do_not_appear_in_output_or_command_lines(first_run: tuple[Cloud, Result], existing: Cloud) -> None:
    """No output contains a secret, and neither does any command line, which other users of the machine can see."""
    cloud, result = first_run
    assert KEY not in result.output
    assert KEY not in json.dumps(cloud.calls)
    for options in (("--yes",), ("--dry-run",)):
        result = existing.run(*options, OPENAI_API_KEY=f"{KEY}-new", ADMIN_PASSWORD=f"{KEY}-password")
        assert result.code == 0
        assert KEY not in result.output
        assert KEY not in json.dumps(existing.calls)


def test_the_names_of_keys_follow_their_values(existing: Cloud) -> None:
    """PROVIDER_KEYS gets a new version only if a key was added, has become blank, or was set manually."""
    existing.project["secrets"]["GEMINI_API_KEY"] += ["from elsewhere\n"]
    existing.project["secrets"]["OPENAI_API_KEY"] += [" \n"]
    for _ in range(2):
        result = existing.run("--yes", PERPLEXITYAI_API_KEY=KEY, ADMIN_PASSWORD="a password", PROVIDER_KEYS="MINE")
        assert result.code == 0, result.output
        assert existing.project["secrets"]["PROVIDER_KEYS"] == [
            "OPENAI_API_KEY\n",
            "GEMINI_API_KEY,PERPLEXITYAI_API_KEY\n",
        ]
        assert "from elsewhere" not in result.output


def test_the_list_of_key_names_may_be_empty(cloud: Cloud) -> None:
    """Without any keys, PROVIDER_KEYS is a line feed, because Secret Manager refuses an empty value."""
    result = cloud.run("--yes")
    assert result.code == 0, result.output
    assert cloud.project["secrets"]["PROVIDER_KEYS"] == ["\n"]


def test_a_disabled_newest_version_is_reported(existing: Cloud) -> None:
    """The script reports a disabled newest version with a remedy, because functions do not use an older version."""
    existing.change(states={"OPENAI_API_KEY": "DISABLED"})
    result = existing.run("--yes")
    assert result.code == 1
    assert "✗ The newest version of the secret OPENAI_API_KEY is DISABLED" in result.output
    assert "gcloud secrets versions enable 1 --secret=OPENAI_API_KEY" in result.output
    result = existing.run("--yes", OPENAI_API_KEY=KEY)
    assert existing.project["secrets"]["OPENAI_API_KEY"] == [f"{KEY}\n", f"{KEY}\n"]
