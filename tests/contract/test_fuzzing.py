"""Requests that the document describes, and ones that break it, made up by schemathesis and sent over real HTTP.

Whatever is sent, an answer is one that the document tells: its status, its media type, its headers and its body; and
none says that the fault is ours. `FUZZ_SEED` chooses other requests, `FUZZ_EXAMPLES` how many: see `fuzz.py`.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
import requests
import schemathesis
from hypothesis import given, seed
from hypothesis import strategies as st
from pydantic import SecretStr
from schemathesis.generation.stateful import run_state_machine_as_test

from shared.settings import Settings
from tests.conftest import SECRET_KEY
from tests.contract.composed import Composed
from tests.contract.fuzzed import (
    CHECKS,
    SEED,
    STEPS,
    Headers,
    document,
    hypothesis_settings,
    operations,
    telling_the_seed,
)
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.model_server import ModelServer
from tests.tokens import token

Case = schemathesis.Case[Any]
PASSWORD = "correct horse"
AGENT = {
    "name": "Greeter",
    "code": "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText']}",
    "friendlyName": "greeter",
    "inputSchema": {"inputText": "string"},
}
MODEL = {"provider": "openai", "model": "gpt-4.1-mini"}
DEMO = {
    "name": "Greeting",
    "selectedApis": [],
    "modelConfig": MODEL,
    "userPrompt": "Greet.",
    "generatedCode": {"html": "<p>", "css": "", "js": ""},
}


@dataclass
class Service:
    """The service, and who may call it."""

    url: str
    database: str
    callers: dict[str, Headers]
    known: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        self.document = document(lambda: self.known)
        self.session = requests.Session()
        self.session.trust_env = False

    def refresh(self) -> None:
        """Forgets all that is stored, and makes what is to be found."""
        httpx.delete(self.database, trust_env=False).raise_for_status()
        with httpx.Client(base_url=self.url, headers=self.callers["mine"], trust_env=False) as client:

            def made(method: str, path: str, body: Any = None) -> Any:
                answer = client.request(method, path, json=body)
                assert answer.is_success, answer.text
                return answer.json()

            agent = made("POST", "/agents", AGENT)["_id"]
            made("POST", f"/agents/{agent}/deploy")
            message = {"role": "user", "content": "hi"}
            self.known.update(
                agent_id=agent,
                friendly_name="greeter",
                demo_id=made("POST", "/demos", DEMO)["_id"],
                ticket_id=made("POST", "/chat", {**MODEL, "messages": [message]})["ticket_id"],
                session_id=made("POST", "/sessions/s/config", MODEL)["session_id"],
                user_id=made("GET", "/users/me")["_id"],
                provider="openai",
                model="gpt-4.1-mini",
            )


@pytest.fixture(scope="module", params=["local", "firebase"])
def service(
    request: pytest.FixtureRequest, firestore_host: str, _model_server: ModelServer, _cloud_tasks: CloudTasksServer
) -> Iterator[Service]:
    """In both modes; where tokens are demanded, some callers have a wrong one, or none."""
    project = f"demo-{uuid4().hex[:12]}"
    settings = Settings(
        app_env=request.param,
        google_cloud_project=project,
        cloud_tasks_endpoint=_cloud_tasks.endpoint,
        admin_panel_enabled=True,
        admin_password=SecretStr(PASSWORD),
        chat_rate_per_minute=0,
        public_rate_per_minute=0,
        rest_rate_per_minute=0,
        outbound_timeout_seconds=1,
        run_timeout_seconds=3,
        run_cpu_seconds=2,
    )
    callers: dict[str, Headers] = {"mine": {}, "admin": {"X-Admin-Password": PASSWORD}}
    if request.param == "firebase":
        callers = {
            "mine": {"Authorization": f"Bearer {token(project, 'mine')}"},
            "other": {"Authorization": f"Bearer {token(project, 'other')}"},
            "admin": {"Authorization": f"Bearer {token(project, 'boss', admin=True)}"},
            "wrong": {"Authorization": "Bearer wrong"},
            "nobody": {},
        }
    environ = {
        "OPENAI_API_KEY": SECRET_KEY,
        "OPENAI_BASE_URL": _model_server.base_url,
        "LOCAL_MODEL_BASE_URL": _model_server.base_url,
        "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.endswith(("_API_KEY", "_BASE_URL", "_API_BASE")):
                patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        _forget_firebase()
        server = Composed(settings)
        logging.disable(logging.WARNING)
        server.start()
        database = f"http://{firestore_host}/emulator/v1/projects/{project}/databases/(default)/documents"
        yield Service(server.address, database, callers)
        server.stop()
        logging.disable(logging.NOTSET)
        _forget_firebase()


def _forget_firebase() -> None:
    """firebase-admin keeps the first project that it was asked about."""
    import firebase_admin

    for app in list(firebase_admin._apps.values()):  # pyright: ignore[reportPrivateUsage]
        firebase_admin.delete_app(app)


@pytest.mark.parametrize("label", [pytest.param(label, id=name) for name, label in operations().items()])
def test_every_answer_is_told(service: Service, label: str) -> None:
    """One operation: bodies and parameters that fit its schemas, and such as do not; from each caller."""
    operation = service.document.find_operation_by_label(label)
    assert operation
    strategies = [operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode]
    mostly = "admin" if "/admin/" in label else "mine"
    service.refresh()

    @seed(SEED)
    @hypothesis_settings()
    @given(case=st.one_of(strategies), who=st.sampled_from([*[mostly] * 4, *service.callers]))
    def ask(case: Case, who: str) -> None:
        headers = service.callers[who]
        case.call_and_validate(service.url, service.session, headers, checks=CHECKS)

    with telling_the_seed():
        ask()


def test_every_answer_of_a_sequence_is_told(service: Service) -> None:
    """From answer to answer by the document's links: what is made is read, changed, published, called and deleted."""

    headers = {**service.callers["admin"], **service.callers["mine"]}

    class Sequence(service.document.as_state_machine()):
        def setup(self) -> None:
            service.refresh()

        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"base_url": service.url, "session": service.session, "headers": headers}

        def validate_response(self, response: Any, case: Case, additional_checks: object = None, **kwargs: Any) -> None:
            case.validate_response(response, checks=CHECKS, transport_kwargs=kwargs)

    with telling_the_seed():
        run_state_machine_as_test(seed(SEED)(Sequence), settings=hypothesis_settings(stateful_step_count=STEPS))
