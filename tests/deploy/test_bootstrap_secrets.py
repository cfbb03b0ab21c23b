"""The secrets that `deploy/bootstrap` creates and fills."""

import json

import pytest

from shared.llm.catalog.data import list_provider_slugs, load_curated
from shared.settings import Settings
from tests.deploy.bootstrapped import KEY, Cloud, Ran

pytestmark = pytest.mark.long


@pytest.mark.parametrize("slug", [slug for slug in list_provider_slugs() if load_curated(slug).api_key_env])
def test_every_provider_has_its_keys_among_the_secrets(ready: tuple[Cloud, Ran], slug: str) -> None:
    """All keys that one way to sign in needs; a session token is of no use in a deployment."""
    secrets = set(ready[0].project["secrets"])
    ways = [set(way.values()) - {"AWS_SESSION_TOKEN"} for way in load_curated(slug).api_key_env]
    assert any(way <= secrets for way in ways)


def test_secrets_are_kept_and_those_without_a_value_count_as_not_set(ready: tuple[Cloud, Ran]) -> None:
    """Every secret has a version, because `firebase deploy` requires one."""
    secrets = dict(ready[0].project["secrets"])
    assert secrets.pop("OPENAI_API_KEY") == [f"{KEY}\n"]
    assert secrets.pop("PROVIDER_KEYS") == ["OPENAI_API_KEY\n"]
    assert secrets
    assert set(map(tuple, secrets.values())) == {("\n",)}
    assert Settings.from_environ({"ADMIN_PASSWORD": "\n"}).admin_password is None


def test_secrets_are_in_no_output_and_no_command_line(ready: tuple[Cloud, Ran], again: Cloud) -> None:
    """Other users of the machine can see command lines."""
    cloud, ran = ready
    assert KEY not in ran.output
    assert KEY not in json.dumps(cloud.calls)
    for options in (("--yes",), ("--dry-run",)):
        ran = again.run(*options, OPENAI_API_KEY=f"{KEY}-new", ADMIN_PASSWORD=f"{KEY}-password")
        assert ran.code == 0
        assert KEY not in ran.output
        assert KEY not in json.dumps(again.calls)


def test_the_names_of_keys_follow_their_values(again: Cloud) -> None:
    """For a new key, a key that became blank, and a key that was set by hand; otherwise no version is added."""
    again.project["secrets"]["GEMINI_API_KEY"] += ["from elsewhere\n"]
    again.project["secrets"]["OPENAI_API_KEY"] += [" \n"]
    for _ in range(2):
        ran = again.run("--yes", PERPLEXITYAI_API_KEY=KEY, ADMIN_PASSWORD="a password", PROVIDER_KEYS="MINE")
        assert ran.code == 0, ran.output
        assert again.project["secrets"]["PROVIDER_KEYS"] == [
            "OPENAI_API_KEY\n",
            "GEMINI_API_KEY,PERPLEXITYAI_API_KEY\n",
        ]
        assert "from elsewhere" not in ran.output


def test_the_names_of_keys_may_be_none(cloud: Cloud) -> None:
    """The value is then a line feed: Secret Manager refuses an empty value."""
    ran = cloud.run("--yes")
    assert ran.code == 0, ran.output
    assert cloud.project["secrets"]["PROVIDER_KEYS"] == ["\n"]


def test_a_newest_version_that_cannot_be_read_is_reported(again: Cloud) -> None:
    """With a remedy: neither functions nor the script use an older version instead."""
    again.change(states={"OPENAI_API_KEY": "DISABLED"})
    ran = again.run("--yes")
    assert ran.code == 1
    assert "✗ The newest version of the secret OPENAI_API_KEY is DISABLED" in ran.output
    assert "gcloud secrets versions enable 1 --secret=OPENAI_API_KEY" in ran.output
    ran = again.run("--yes", OPENAI_API_KEY=KEY)
    assert again.project["secrets"]["OPENAI_API_KEY"] == [f"{KEY}\n", f"{KEY}\n"]
