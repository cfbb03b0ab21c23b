"""OpenAPI links, which lead from an operation that creates or names a resource to the operations on it."""

from typing import Any

_AGENT_LINKS = {
    "agents_get_agent": {"agent_id": "$response.body#/_id"},
    "agents_update": {"agent_id": "$response.body#/_id"},
    "agents_delete": {"agent_id": "$response.body#/_id"},
    "deployments_deploy": {"agent_id": "$response.body#/_id"},
}
_DEMO_LINKS = {
    "demos_get_demo": {"demo_id": "$response.body#/_id"},
    "demos_replace": {"demo_id": "$response.body#/_id"},
    "demos_delete": {"demo_id": "$response.body#/_id"},
    "demos_open_page": {"demo_id": "$response.body#/_id"},
}
_SCHEDULE_LINKS = {
    "schedules_get_schedule": {"schedule_id": "$response.body#/_id"},
    "schedules_update": {"schedule_id": "$response.body#/_id"},
    "schedules_delete": {"schedule_id": "$response.body#/_id"},
}
_WEBHOOK_LINKS = {
    "schedules_get_webhook": {"webhook_id": "$response.body#/_id"},
    "schedules_update_webhook": {"webhook_id": "$response.body#/_id"},
    "schedules_rotate_secret": {"webhook_id": "$response.body#/_id"},
    "schedules_delete_webhook": {"webhook_id": "$response.body#/_id"},
}
_TICKET_LINKS = {
    "chat_look_up": {"ticket_id": "$response.body#/ticket_id"},
    "chat_watch": {"ticket_id": "$response.body#/ticket_id"},
    "chat_cancel": {"ticket_id": "$response.body#/ticket_id"},
    "chat_delete": {"ticket_id": "$response.body#/ticket_id"},
}
_RESPONSE_LINKS = {
    "openai_retrieve": {"response_id": "$response.body#/id"},
    "openai_input_items": {"response_id": "$response.body#/id"},
    "openai_cancel": {"response_id": "$response.body#/id"},
    "openai_delete": {"response_id": "$response.body#/id"},
}
_RUN_LINKS = {
    "runs_look_up": {"run_id": "$response.body#/run_id"},
    "runs_list_steps": {"run_id": "$response.body#/run_id"},
    "runs_watch": {"run_id": "$response.body#/run_id"},
    "runs_answer": {"run_id": "$response.body#/run_id"},
    "runs_cancel": {"run_id": "$response.body#/run_id"},
}
_KEY_LINKS = {"api_keys_revoke": {"key_id": "$response.body#/_id"}}
_LINKS: dict[str, dict[str, dict[str, str]]] = {
    "agents_create": _AGENT_LINKS,
    "agents_get_agent": _AGENT_LINKS,
    "agents_update": _AGENT_LINKS,
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
    "runs_start": _RUN_LINKS,
    "runs_look_up": _RUN_LINKS,
    "chat_submit": _TICKET_LINKS,
    "chat_look_up": _TICKET_LINKS,
    "chat_cancel": _TICKET_LINKS,
    "openai_respond": _RESPONSE_LINKS,
    "openai_retrieve": _RESPONSE_LINKS,
    "openai_cancel": _RESPONSE_LINKS,
    "sessions_configure": {
        "sessions_get_config": {"session_id": "$response.body#/session_id"},
        "sessions_delete": {"session_id": "$response.body#/session_id"},
    },
    "demos_create": _DEMO_LINKS,
    "demos_get_demo": _DEMO_LINKS,
    "demos_replace": _DEMO_LINKS,
    "api_keys_create": _KEY_LINKS,
    "schedules_create": _SCHEDULE_LINKS,
    "schedules_get_schedule": _SCHEDULE_LINKS,
    "schedules_update": _SCHEDULE_LINKS,
    "schedules_create_webhook": _WEBHOOK_LINKS,
    "schedules_get_webhook": _WEBHOOK_LINKS,
    "schedules_update_webhook": _WEBHOOK_LINKS,
    "users_me": {"admin_change_user": {"user_id": "$response.body#/_id"}},
}
"""Maps an operation to the operations that its response leads to, and each of their parameters to its source."""


def links(operation_id: str) -> dict[str, Any]:
    """Returns the `links` of an operation's successful response."""
    return {
        target: {"operationId": target, "parameters": parameters}
        for target, parameters in _LINKS.get(operation_id, {}).items()
        if target != operation_id
    }
