"""Sends requests over HTTP that schemathesis generates. Some are valid according to the document, and others are not.

The document must declare the status, media type, headers and body of every response, and no response may be an
internal error. `FUZZ_SEED` selects other requests, and `FUZZ_EXAMPLES` sets their number: see `fuzz.py`.
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
from shared.web import openai_api
from tests.conftest import SECRET_KEY
from tests.contract.composed import ComposedService
from tests.contract.fuzzed import (
    CHECKS,
    SEED,
    SEQUENCE_LENGTH,
    Headers,
    document,
    hypothesis_settings,
    operations,
    report_seed,
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
OPENAI_REQUEST = {"model": "openai/gpt-4.1-mini", "input": "hi", "background": True}
SCHEDULE = {"cron": "0 8 * * *", "input": {"inputText": "Ada"}}
WEBHOOK = {"url": "https://hooks.example/", "events": ["run.completed"]}


@dataclass
class Service:
    """The service under test, and the headers of its callers."""

    url: str
    database: str
    callers: dict[str, Headers]
    existing_ids: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        self.document = document(lambda: self.existing_ids)
        self.session = requests.Session()
        self.session.trust_env = False

    def reset(self) -> None:
        """Deletes all stored data, and creates the resources that requests can refer to."""
        httpx.delete(self.database, trust_env=False).raise_for_status()
        with httpx.Client(base_url=self.url, headers=self.callers["mine"], trust_env=False) as client:

            def send(method: str, path: str, body: Any = None) -> Any:
                response = client.request(method, path, json=body)
                assert response.is_success, response.text
                return response.json()

            agent = send("POST", "/agents", AGENT)["_id"]
            send("POST", f"/agents/{agent}/deploy")
            message = {"role": "user", "content": "hi"}
            self.existing_ids.update(
                agent_id=agent,
                friendly_name="greeter",
                schedule_id=send("POST", "/schedules", {**SCHEDULE, "agentId": agent})["_id"],
                demo_id=send("POST", "/demos", DEMO)["_id"],
                ticket_id=send("POST", "/chat", {**MODEL, "messages": [message]})["ticket_id"],
                webhook_id=send("POST", "/webhooks", WEBHOOK)["_id"],
                run_id=send("POST", "/runs", {"agentId": agent, "input": {"inputText": "hi"}})["run_id"],
                key_id=send("POST", "/users/me/keys", {"name": "k"})["_id"],
                response_id=send("POST", "/v1/responses", OPENAI_REQUEST)["id"],
                session_id=send("POST", "/sessions/s/config", MODEL)["session_id"],
                user_id=send("GET", "/users/me")["_id"],
                provider="openai",
                model="gpt-4.1-mini",
            )


@pytest.fixture(scope="module", params=["local", "firebase"])
def service(
    request: pytest.FixtureRequest, firestore_host: str, _model_server: ModelServer, _cloud_tasks: CloudTasksServer
) -> Iterator[Service]:
    """Serves the service in both modes. If tokens are required, some callers have an invalid token or none."""
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
            "anonymous": {},
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
        _delete_firebase_apps()
        for name in ("WAIT_SECONDS", "HOSTING_WAIT_SECONDS"):  # there is no worker
            patch.setattr(openai_api, name, 0.05)
        server = ComposedService(settings)
        logging.disable(logging.WARNING)
        server.start()
        database = f"http://{firestore_host}/emulator/v1/projects/{project}/databases/(default)/documents"
        yield Service(server.address, database, callers)
        server.stop()
        logging.disable(logging.NOTSET)
        _delete_firebase_apps()


def _delete_firebase_apps() -> None:
    """Deletes firebase-admin's applications, which remain bound to the project that they were first used for."""
    import firebase_admin

    for app in list(firebase_admin._apps.values()):  # pyright: ignore[reportPrivateUsage]
        firebase_admin.delete_app(app)


@pytest.mark.parametrize("label", [pytest.param(label, id=name) for name, label in operations().items()])
def test_every_response_is_declared(service: Service, label: str) -> None:
    """The document declares the responses of an operation to valid and invalid requests from every caller."""
    operation = service.document.find_operation_by_label(label)
    assert operation
    strategies = [operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode]
    main_caller = "admin" if "/admin/" in label else "mine"
    service.reset()

    @seed(SEED)
    @hypothesis_settings()
    @given(case=st.one_of(strategies), caller=st.sampled_from([*[main_caller] * 4, *service.callers]))
    def send(case: Case, caller: str) -> None:
        headers = service.callers[caller]
        case.call_and_validate(service.url, service.session, headers, checks=CHECKS)

    with report_seed():
        send()


def test_every_response_of_a_sequence_is_declared(service: Service) -> None:
    """The document declares every response in a sequence of requests. Sequences follow the document's links: they read,
    change, publish, call and delete what they create.
    """

    headers = {**service.callers["admin"], **service.callers["mine"]}

    class Sequence(service.document.as_state_machine()):
        def setup(self) -> None:
            service.reset()

        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"base_url": service.url, "session": service.session, "headers": headers}

        def validate_response(self, response: Any, case: Case, additional_checks: object = None, **kwargs: Any) -> None:
            case.validate_response(response, checks=CHECKS, transport_kwargs=kwargs)

    with report_seed():
        run_state_machine_as_test(
            seed(SEED)(Sequence), settings=hypothesis_settings(stateful_step_count=SEQUENCE_LENGTH)
        )
