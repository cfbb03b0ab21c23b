"""Tests the catalog routes."""

import pytest

import functions.providers.main as providers
from tests.conftest import SECRET_KEY
from tests.functions.conftest import Serve


async def test_only_available_providers_are_listed(serve: Serve) -> None:
    """Providers that have a key or need none are listed by slug, without their keys or the names of the variables."""
    response = await serve(providers).get("/providers")
    assert response.status_code == 200
    assert set(response.json()) == {"openai", "local", "ollama"}
    assert SECRET_KEY not in response.text
    assert "API_KEY" not in response.text
    parameter = response.json()["openai"]["models"]["gpt-4.1-mini"]["parameters"]["temperature"]
    assert {"type", "default", "min", "max", "choices", "description"} <= set(parameter)
    tool = response.json()["openai"]["models"]["gpt-4.1-mini"]["built_in_tools"][0]
    assert set(tool) == {"id", "description"}


@pytest.mark.parametrize("prefix", ["/api/providers", "/providers", ""])
async def test_every_route_works_at_every_path(serve: Serve, prefix: str) -> None:
    """Hosting's prefix and the function's name are optional in the path."""
    client = serve(providers)
    everything = (await client.get(prefix or "/")).json()
    one = (await client.get(f"{prefix}/openai")).json()
    models = (await client.get(f"{prefix}/openai/models")).json()
    model = (await client.get(f"{prefix}/openai/models/gpt-4.1-mini")).json()
    assert one == everything["openai"]
    assert models == list(one["models"])
    assert model == one["models"]["gpt-4.1-mini"]


async def test_a_model_whose_slug_has_slashes_is_found(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model can be looked up with the slashes in its slug either plain or percent-encoded."""
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-1")
    client = serve(providers)
    slugs = (await client.get("/providers/openrouter/models")).json()
    slug = next(slug for slug in slugs if "/" in slug)
    for path in (slug, slug.replace("/", "%2F")):
        assert (await client.get(f"/providers/openrouter/models/{path}")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/unknown", "/unknown/models", "/openai/models/nothing", "/unknown/models/nothing", "/anthropic"]
)
async def test_an_unknown_provider_or_model_is_404(serve: Serve, path: str) -> None:
    """An unknown provider or model gets a 404 in JSON."""
    response = await serve(providers).get(f"/providers{path}")
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_a_firebase_deployment_requires_a_token(serve: Serve) -> None:
    """In a Firebase deployment, a request without a token gets a 401."""
    response = await serve(providers, app_env="firebase").get("/providers")
    assert response.status_code == 401
