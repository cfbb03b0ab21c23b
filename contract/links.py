"""OpenAPI's links: from an operation that creates or names a thing to what can be done with it."""

from typing import Any

_OF_AN_AGENT = {
    "agents_get_agent": {"agent_id": "$response.body#/_id"},
    "agents_update": {"agent_id": "$response.body#/_id"},
    "agents_delete": {"agent_id": "$response.body#/_id"},
    "deployments_deploy": {"agent_id": "$response.body#/_id"},
}
_OF_A_DEMO = {
    "demos_get_demo": {"demo_id": "$response.body#/_id"},
    "demos_replace": {"demo_id": "$response.body#/_id"},
    "demos_delete": {"demo_id": "$response.body#/_id"},
    "demos_open_page": {"demo_id": "$response.body#/_id"},
}
_LINKS: dict[str, dict[str, dict[str, str]]] = {
    "agents_create": _OF_AN_AGENT,
    "agents_get_agent": _OF_AN_AGENT,
    "agents_update": _OF_AN_AGENT,
    "deployments_deploy": {
        "deployments_deployment": {"agent_id": "$request.path.agent_id"},
        "deployments_undeploy": {"agent_id": "$request.path.agent_id"},
        "agents_delete": {"agent_id": "$request.path.agent_id"},
    },
    "deployments_deployment": {
        "deployments_call": {"friendly_name": "$response.body#/friendly_name"},
        "deployments_undeploy": {"agent_id": "$response.body#/agentId"},
        "agents_get_agent": {"agent_id": "$response.body#/agentId"},
    },
    "chat_submit": {"chat_look_up": {"ticket_id": "$response.body#/ticket_id"}},
    "sessions_configure": {
        "sessions_get_config": {"session_id": "$response.body#/session_id"},
        "sessions_delete": {"session_id": "$response.body#/session_id"},
    },
    "demos_create": _OF_A_DEMO,
    "demos_get_demo": _OF_A_DEMO,
    "demos_replace": _OF_A_DEMO,
    "users_me": {"admin_change_user": {"user_id": "$response.body#/_id"}},
}
"""By operation ids: from which, to which, and where the parameters of the second are in the first."""


def links(operation_id: str) -> dict[str, Any]:
    """Those of an operation's success, for its response's `links`."""
    return {
        target: {"operationId": target, "parameters": parameters}
        for target, parameters in _LINKS.get(operation_id, {}).items()
        if target != operation_id
    }
