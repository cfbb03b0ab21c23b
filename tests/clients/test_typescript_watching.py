"""Tests how the TypeScript client watches tickets: runs tests in Node.js."""

import shutil
from pathlib import Path

from shared.settings import Settings
from tests.clients.conftest import Host, NodeProject
from tests.clients.speaking import TEXT, speak
from tests.doubles.model_server import ModelServer
from tests.functions.conftest import AuthHeaders

TESTS = Path(__file__).with_name("watching.test.mjs")
DOCUMENT_TESTS = Path(__file__).with_name("stored-answer.test.mjs")


def test_events_are_derived_from_documents(node_project: NodeProject) -> None:
    """The tests in `stored-answer.test.mjs` pass: whatever is late or missing, the deltas are the answer."""
    shutil.copy(DOCUMENT_TESTS, node_project.folder)
    node_project.run("--test", "--test-reporter=spec", DOCUMENT_TESTS.name)


def test_the_typescript_client_watches_tickets(
    host: Host,
    node_project: NodeProject,
    model_server: ModelServer,
    auth_headers: AuthHeaders,
    settings: Settings,
    firestore_host: str,
) -> None:
    """The tests in `watching.test.mjs` pass, through the service's event stream and through Firestore's listeners."""
    for _ in range(9):
        speak(model_server, "watched", pause=0.01)
    speak(model_server, "cut", pause=0.02, cut=True)
    speak(model_server, "cut", pause=0.02)
    speak(model_server, "slow", pause=0.1)
    shutil.copy(TESTS, node_project.folder)
    node_project.run(
        "--test",
        "--test-reporter=spec",
        TESTS.name,
        SERVICE=host().address,
        SECURED_SERVICE=host(app_env="firebase").address,
        TOKEN=auth_headers("user")["Authorization"].removeprefix("Bearer "),
        FIRESTORE=firestore_host,
        PROJECT=settings.google_cloud_project,
        TEXT=TEXT,
    )
