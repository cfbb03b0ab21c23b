"""Tests that an instance that was frozen between two requests processes the next one normally."""

from pathlib import Path

import pytest

from tests.functions.frozen import Instance, instance

SHORT_TIMEOUT = {"CLOUD_RUN_TIMEOUT_SECONDS": "1"}
"""functions-framework passes this value to gunicorn, which kills a process that was silent for so many seconds."""

CODE = """
async def run(input_dict, tools):
    return {}
"""


@pytest.mark.timeout(90)
def test_gunicorn_does_not_kill_a_frozen_process(tmp_path: Path) -> None:
    """gunicorn does not treat the time in the frozen state as missed heartbeats, for which it would kill the
    process."""
    with instance("meta", tmp_path, SHORT_TIMEOUT) as frozen:
        assert frozen.client.get("/health").status_code == 200
        before = frozen.pids
        frozen.freeze(2.5)
        assert frozen.client.get("/health").status_code == 200
        assert frozen.pids == before
    assert "WORKER TIMEOUT" not in (tmp_path / "meta.log").read_text()


@pytest.fixture
def environ(project: str, firestore_host: str) -> dict[str, str]:
    return {**SHORT_TIMEOUT, "GOOGLE_CLOUD_PROJECT": project, "FIRESTORE_EMULATOR_HOST": firestore_host}


@pytest.mark.timeout(90)
def test_a_resumed_instance_reaches_the_database(tmp_path: Path, environ: dict[str, str]) -> None:
    """After an instance was frozen, its existing channel to the database still works."""
    with instance("users", tmp_path, environ) as target:
        assert target.client.get("/users/me").status_code == 200
        target.freeze(3)
        assert target.client.get("/users/me").status_code == 200


def run_code(target: Instance) -> None:
    response = target.client.post("/agents/run-code", json={"code": CODE, "inputDict": {}})
    assert response.status_code == 200, response.text


@pytest.mark.timeout(90)
def test_prestarted_worker_processes_survive(tmp_path: Path, environ: dict[str, str]) -> None:
    """The sandbox's worker processes that were started in advance are still usable after a freeze."""
    with instance("agents", tmp_path, environ) as target:
        run_code(target)
        target.freeze(2.5)
        run_code(target)
    assert "had ended before it was used" not in target.log.read_text()
