"""A function as the platform starts it: under functions-framework, with what the Firebase CLI sets for all of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_platform import processes
from local_platform.ports import free_port, http_status

ROOT = Path(__file__).parents[2]
SET = {
    "GCLOUD_PROJECT": "a-project",
    "FIREBASE_CONFIG": '{"projectId": "a-project"}',
    "FUNCTION_REGION": "us-central1",
    "FUNCTION_TARGET": "meta",
    "K_SERVICE": "meta",
    "DEFAULT_ALLOWANCE": "20",
    "K_REVISION": "meta-00001-abc",
    "LOG_EXECUTION_ID": "true",
}


@pytest.mark.timeout(90)
def test_its_lines_are_written(tmp_path: Path) -> None:
    """Also where the framework is told to set up logging: it would silence every logger that is there."""
    port = free_port()
    environ = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "PORT": str(port), "HOST": "127.0.0.1", **SET}
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("functions-framework"), "--source", ROOT / "functions/meta/main.py"],
            env=environ,
            cwd=tmp_path,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            answered = processes.wait_for(lambda: http_status(port, "/health") == 200, seconds=60)
        finally:
            process.terminate()
            process.wait()
    told = (tmp_path / "out").read_text()
    assert answered, told
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert [(line["message"], line["function"]) for line in lines] == [("GET /health 200", "meta")], told
