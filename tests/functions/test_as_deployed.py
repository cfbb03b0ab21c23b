"""Runs a function as the platform does: under functions-framework, with the variables that the Firebase CLI sets."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_platform import processes
from local_platform.ports import free_port, http_status

ROOT = Path(__file__).parents[2]
PLATFORM_VARIABLES = {
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
def test_the_log_lines_of_a_function_are_written(tmp_path: Path) -> None:
    """Log lines are written even though functions-framework sets up logging, which can silence existing loggers."""
    port = free_port()
    environ = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        **PLATFORM_VARIABLES,
    }
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("functions-framework"), "--source", ROOT / "functions/meta/main.py"],
            env=environ,
            cwd=tmp_path,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            is_healthy = processes.wait_for(lambda: http_status(port, "/health") == 200, seconds=60)
        finally:
            process.terminate()
            process.wait()
    output = (tmp_path / "out").read_text()
    assert is_healthy, output
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert [(line["message"], line["function"]) for line in lines] == [("GET /health 200", "meta")], output
