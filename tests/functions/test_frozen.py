"""An instance that was frozen between two requests answers the next one as if nothing had been."""

from pathlib import Path

import pytest

from tests.functions.frozen import instance

SHORTEST = {"CLOUD_RUN_TIMEOUT_SECONDS": "1"}
"""functions-framework hands it to gunicorn, as the time after which a silent process is killed."""


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
