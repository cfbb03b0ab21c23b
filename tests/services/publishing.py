"""Saves and publishes agents, for tests."""

from typing import Any

from shared.models.agent import Agent, CreateAgentRequest, StoredAgent
from shared.models.caller import Caller
from shared.services.agents.agents import AgentService
from shared.services.agents.deployments import DeploymentService
from shared.settings import Settings
from shared.store import Database

ECHO = "async def run(input_dict, tools):\n    return {'outputText': input_dict['inputText']}"
MODEL_CALLER = """
async def run(input_dict, tools):
    content, _ = await call_llm("openai", "gpt-4.1-mini", input_dict["inputText"], {"max_tokens": 100})
    return {"outputText": content}
"""


async def save(database: Database, caller: Caller, code: str = ECHO, **fields: Any) -> Agent:
    body = {"name": "Echo", "description": "Repeats its input.", "code": code, **fields}
    return await AgentService(database).create(caller, CreateAgentRequest.model_validate(body))


async def publish(database: Database, caller: Caller, name: str, code: str = ECHO, **fields: Any) -> Agent:
    agent = await save(database, caller, code, friendlyName=name, **fields)
    await DeploymentService(database, Settings()).deploy(caller, agent.id)
    return agent


async def get_stored(database: Database, agent: Agent) -> StoredAgent:
    stored = await database.agents.get(agent.id)
    assert stored is not None
    return stored
