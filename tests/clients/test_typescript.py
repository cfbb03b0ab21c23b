"""Tests the TypeScript client against the service over HTTP: runs `service.test.mjs` in Node.js."""

import shutil
from pathlib import Path

from tests.clients.conftest import Host, NodeProject
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.functions.conftest import AuthHeaders

TESTS = Path(__file__).with_name("service.test.mjs")


def test_the_typescript_client_works_in_node(
    host: Host, node_project: NodeProject, model_server: ModelServer, auth_headers: AuthHeaders
) -> None:
    """The tests in `service.test.mjs` pass. They check what `test_python.py` checks for the Python client."""
    model_server.script("slow", Answer("At last.", delay=0.5, prompt_tokens=10, completion_tokens=5))
    model_server.script("refused", Fail(401, "Incorrect API key provided."))
    model_server.script("endless", Answer("Here.", delay=1.5))
    model_server.script("abandoned", Answer("Nobody heard.", delay=0.5))
    shutil.copy(TESTS, node_project.folder)
    node_project.run(
        "--test",
        "--test-reporter=spec",
        TESTS.name,
        SERVICE=host().address,
        SECURED_SERVICE=host(app_env="firebase").address,
        TOKEN=auth_headers("user")["Authorization"].removeprefix("Bearer "),
    )
