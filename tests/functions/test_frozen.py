"""An instance that was frozen between two requests answers the next one as if nothing had been."""

from pathlib import Path

import pytest

from tests.functions.frozen import Instance, instance

SHORTEST = {"CLOUD_RUN_TIMEOUT_SECONDS": "1"}
"""functions-framework hands it to gunicorn, as the time after which a silent process is killed."""

CODE = """
async def run(input_dict, tools):
    return {}
"""


@pytest.mark.timeout(90)
def test_a_frozen_server_is_not_taken_for_a_dead_one(tmp_path: Path) -> None:
    """gunicorn counts heartbeats by the clock, and would kill the process in the middle of its next request."""
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
    """Through the channel that was there before."""
    with instance("users", tmp_path, environ) as it:
        assert it.client.get("/users/me").status_code == 200
        it.freeze(3)
        assert it.client.get("/users/me").status_code == 200


def run_code(it: Instance) -> None:
    answer = it.client.post("/agents/run-code", json={"code": CODE, "inputDict": {}})
    assert answer.status_code == 200, answer.text


@pytest.mark.timeout(90)
def test_processes_that_wait_are_used(tmp_path: Path, environ: dict[str, str]) -> None:
    """None has to be replaced."""
    with instance("agents", tmp_path, environ) as it:
        run_code(it)
        it.freeze(2.5)
        run_code(it)
    assert "had ended before it was used" not in it.log.read_text()
