"""Tests chats with the generated clients and a real ID token, in the whole suite."""

import pytest

from firebase_agents_client import connect, unwrap, wait_for_ticket
from firebase_agents_client.generated.api.chat import chat_submit
from firebase_agents_client.generated.models import ChatRequest, Message
from local_platform.suite import Suite
from tests.clients.conftest import NodeProject
from tests.clients.conftest import node_project as node_project
from tests.doubles.model_server import Answer, ModelServer
from tests.e2e.test_authentication import sign_up

pytestmark = pytest.mark.e2e

NODE_PROGRAM = """
import { connect, unwrap, waitForTicket } from "firebase-agents-client";

const client = connect("ADDRESS", () => "TOKEN");
const messages = [{ role: "user" as const, content: "by node" }];
const body = { provider: "openai", model: "gpt-4.1-mini", messages };
const { ticket_id } = unwrap(await client.POST("/chat", { body }));
console.log((await waitForTicket(client, ticket_id, { timeoutMs: 60_000 })).content);
"""


def test_a_chat_with_the_python_client(firebase_suite: Suite, model_server: ModelServer) -> None:
    """A chat works through Hosting and at the function's own address."""
    token = sign_up(firebase_suite)
    for address in (f"{firebase_suite.url}/api", firebase_suite.function_url("chat")):
        model_server.script("by python", Answer("Hello, Python.", delay=0.5))
        chat = ChatRequest([Message(role="user", content="by python")], "openai", "gpt-4.1-mini")
        with connect(address, lambda: token) as client:
            accepted = unwrap(chat_submit.sync_detailed(client=client, body=chat))
            assert wait_for_ticket(client, accepted.ticket_id, timeout=60).content == "Hello, Python."


def test_a_chat_with_the_typescript_client(
    firebase_suite: Suite, model_server: ModelServer, node_project: NodeProject
) -> None:
    """A chat works through Hosting and at the function's own address."""
    token = sign_up(firebase_suite)
    for address in (f"{firebase_suite.url}/api", firebase_suite.function_url("chat")):
        model_server.script("by node", Answer("Hello, Node.", delay=0.5))
        program = node_project.compile("chat", NODE_PROGRAM.replace("ADDRESS", address).replace("TOKEN", token))
        assert node_project.run(program) == "Hello, Node.\n"
