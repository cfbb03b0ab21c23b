"""The catalog routes."""

import pytest

import functions.providers.main as providers
from tests.conftest import SECRET_KEY
from tests.functions.conftest import Serve


async def test_providers_are_a_map_of_what_can_be_called(serve: Serve) -> None:
    """By slug: those whose key is there, and those that need none. No key, no variable's name."""
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
async def test_every_route_answers_by_every_way(serve: Serve, prefix: str) -> None:
    """Through Hosting, bare, and with the function's name stripped."""
    client = serve(providers)
    everything = (await client.get(prefix or "/")).json()
    one = (await client.get(f"{prefix}/openai")).json()
    models = (await client.get(f"{prefix}/openai/models")).json()
    model = (await client.get(f"{prefix}/openai/models/gpt-4.1-mini")).json()
    assert one == everything["openai"]
    assert models == list(one["models"])
    assert model == one["models"]["gpt-4.1-mini"]


async def test_a_model_whose_slug_has_slashes_is_found(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenRouter's do, plain or percent-encoded."""
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-1")
    client = serve(providers)
    slugs = (await client.get("/providers/openrouter/models")).json()
    slug = next(slug for slug in slugs if "/" in slug)
    for path in (slug, slug.replace("/", "%2F")):
        assert (await client.get(f"/providers/openrouter/models/{path}")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/nobody", "/nobody/models", "/openai/models/nothing", "/nobody/models/nothing", "/anthropic"]
)
async def test_what_is_not_there_is_404_with_a_name(serve: Serve, path: str) -> None:
    """The sentence names what was looked for."""
    response = await serve(providers).get(f"/providers{path}")
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_in_firebase_a_token_is_demanded(serve: Serve) -> None:
    """401, like every route that is somebody's."""
    response = await serve(providers, app_env="firebase").get("/providers")
    assert response.status_code == 401
