"""An instance that was frozen between two requests answers the next one normally."""

from pathlib import Path

import pytest

from tests.functions.frozen import Instance, instance

SHORTEST = {"CLOUD_RUN_TIMEOUT_SECONDS": "1"}
"""functions-framework passes it to gunicorn, which kills a process after so many seconds of silence."""

CODE = """
async def run(input_dict, tools):
    return {}
"""


@pytest.mark.timeout(90)
def test_a_frozen_server_is_not_taken_for_a_dead_one(tmp_path: Path) -> None:
    """gunicorn would count missed heartbeats, and kill the process during its next request."""
    with instance("meta", tmp_path, SHORTEST) as frozen:
        assert frozen.client.get("/health").status_code == 200
        before = frozen.pids
        frozen.freeze(2.5)
        assert frozen.client.get("/health").status_code == 200
        assert frozen.pids == before
    assert "WORKER TIMEOUT" not in (tmp_path / "meta.log").read_text()


@pytest.fixture
def environ(project: str, firestore_host: str) -> dict[str, str]:
    return {**SHORTEST, "GOOGLE_CLOUD_PROJECT": project, "FIRESTORE_EMULATOR_HOST": firestore_host}


@pytest.mark.timeout(90)
def test_the_database_is_reached_again(tmp_path: Path, environ: dict[str, str]) -> None:
    """The function reuses the existing channel."""
    with instance("users", tmp_path, environ) as target:
        assert target.client.get("/users/me").status_code == 200
        target.freeze(3)
        assert target.client.get("/users/me").status_code == 200


def run_code(target: Instance) -> None:
    response = target.client.post("/agents/run-code", json={"code": CODE, "inputDict": {}})
    assert response.status_code == 200, response.text


@pytest.mark.timeout(90)
def test_waiting_processes_survive(tmp_path: Path, environ: dict[str, str]) -> None:
    """No process has to be replaced."""
    with instance("agents", tmp_path, environ) as target:
        run_code(target)
        target.freeze(2.5)
        run_code(target)
    assert "had ended before it was used" not in target.log.read_text()
