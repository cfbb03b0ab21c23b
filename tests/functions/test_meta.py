"""The service itself."""

import pytest

import functions.meta.main as meta
from tests.functions.conftest import Serve


@pytest.mark.parametrize("path", ["/health", "/api/health", "/health/"])
async def test_health_is_what_the_contract_says(serve: Serve, path: str) -> None:
    """To the letter, by every way."""
    response = await serve(meta).get(path)
    assert (response.status_code, response.json()) == (200, {"status": "healthy", "service": "user-service"})


@pytest.mark.parametrize("path", ["/", "/api", "/api/"])
async def test_the_root_names_the_service(serve: Serve, path: str) -> None:
    """A heartbeat."""
    response = await serve(meta).get(path)
    assert response.status_code == 200
    assert response.json()["service"] == "user-service"


@pytest.mark.parametrize("path", ["/nonsense", "/api/nonsense", "/api/agents/1/2/3"])
async def test_a_path_of_no_function_is_404_in_json(serve: Serve, path: str) -> None:
    """Hosting sends here what no other rewrite takes."""
    response = await serve(meta).get(path)
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_health_needs_no_token(serve: Serve) -> None:
    """In Firebase too: probes have none."""
    assert (await serve(meta, app_env="firebase").get("/health")).status_code == 200
