"""The sentences of the API's specification, in order, each with its check or the reason why it needs none.

Sentences are verbatim. Lines with several sentences are split. Bullets and empty lines are omitted.
"""

from dataclasses import dataclass

from tests.e2e.sentences import agents, chats, others, service, users
from tests.e2e.sentences.context import Check


@dataclass(frozen=True)
class NoCheck:
    """The reason why a sentence needs no check: it does not promise anything that could be checked."""

    reason: str


HEADING = NoCheck("a heading")
ROUTE_NAME = NoCheck("the name of the route that the next sentences describe")

SENTENCES: list[tuple[str, Check | NoCheck]] = [
    ("Skip to main content", NoCheck("a link on the page from which the specification was copied")),
    ("User Service API", NoCheck("the title")),
    ("This document describes the HTTP surface of the user-service FastAPI app.", service.describes_itself),
    (
        "The service powers provider discovery, chat orchestration, agent lifecycle management, demo "
        "generation, and deployment management.",
        NoCheck("a summary of the following sentences"),
    ),
    ("All routes are relative to the service root (e.g., http://localhost:8000).", service.relative_to_the_root),
    ("Authentication and headers", HEADING),
    (
        'In non-Firebase environments (APP_ENV != "firebase"), authentication is bypassed and requests run as'
        " local-dev-user.",
        service.bypasses_authentication_locally,
    ),
    ("In Firebase deployments, send Authorization: Bearer <ID token>;", service.accepts_a_token),
    (
        "the token is verified with Firebase and the decoded user is attached to request.state.user.",
        service.token_is_verified,
    ),
    ("Most routes rely on dependency injection for authorization;", service.authorized_by_route),
    ("admin-only routes require require_admin_access.", service.admins_only),
    ("Error handling", HEADING),
    (
        'Standard FastAPI error responses are returned with a JSON body shaped as {"detail": <message>} when '
        "validation or downstream services fail.",
        service.errors_have_a_detail,
    ),
    (
        "Background tasks (e.g., chat processing) store status and errors in the database;",
        service.tickets_have_status_and_errors,
    ),
    ("clients should poll for completion.", service.polling_ends),
    ("Endpoint summary", HEADING),
    ("Service metadata: GET /, GET /health", service.routes("GET /", "GET /health")),
    ("Logging: POST /log/client", service.routes("POST /log/client")),
    (
        "Provider catalog: GET /providers, /providers/{provider}, /providers/{provider}/models, "
        "/providers/{provider}/models/{model}",
        service.routes(
            "GET /providers",
            "GET /providers/{provider}",
            "GET /providers/{provider}/models",
            "GET /providers/{provider}/models/{model}",
        ),
    ),
    (
        "User profile & usage: GET /users/me, PUT /users/me/monthly-allowance, PUT "
        "/users/me/allowance-reset-date, PUT /users/me/spend-remaining, POST /users/me/usage, POST "
        "/users/me/reset-allowance",
        service.routes(
            "GET /users/me",
            "PUT /users/me/monthly-allowance",
            "PUT /users/me/allowance-reset-date",
            "PUT /users/me/spend-remaining",
            "POST /users/me/usage",
            "POST /users/me/reset-allowance",
        ),
    ),
    (
        "Admin users: GET /admin/users, PUT /admin/users/{user_id}",
        service.routes("GET /admin/users", "PUT /admin/users/{user_id}"),
    ),
    ("Chat: POST /chat, GET /chat/{ticket_id}", service.routes("POST /chat", "GET /chat/{ticket_id}")),
    (
        "Session configuration: POST /sessions/{session_id}/config, GET /sessions/{session_id}/config, DELETE"
        " /sessions/{session_id}",
        service.routes(
            "POST /sessions/{session_id}/config", "GET /sessions/{session_id}/config", "DELETE /sessions/{session_id}"
        ),
    ),
    (
        "Agents: CRUD at /agents plus POST /agents/generate-code, POST /agents/run-code",
        service.routes(*service.crud("/agents", "{agent_id}"), "POST /agents/generate-code", "POST /agents/run-code"),
    ),
    (
        "Deployments: POST /agents/{agent_id}/deploy, DELETE /agents/{agent_id}/undeploy, GET "
        "/agents/{agent_id}/deployment, GET /deployments, POST /rest/{friendly_name}",
        service.routes(
            "POST /agents/{agent_id}/deploy",
            "DELETE /agents/{agent_id}/undeploy",
            "GET /agents/{agent_id}/deployment",
            "GET /deployments",
            "POST /rest/{friendly_name}",
        ),
    ),
    ("MCP connectors: POST /mcp/tools", service.routes("POST /mcp/tools")),
    ("Specs: POST /specs/fetch", service.routes("POST /specs/fetch")),
    (
        "Demos: POST /demos/generate-code, CRUD at /demos",
        service.routes(*service.crud("/demos", "{demo_id}"), "POST /demos/generate-code"),
    ),
    ("Endpoint details", HEADING),
    ("Service metadata", HEADING),
    ("GET / → Simple heartbeat payload with service name.", service.heartbeat),
    ('GET /health{ "status": "healthy", "service": "user-service" } for readiness probes.', service.health),
    ("Logging", HEADING),
    ("POST /log/client", ROUTE_NAME),
    (
        'Body: { "eventType": string, "message": string, "level": "INFO"|"WARN"|..., "metadata": object? }',
        service.accepts_a_client_log,
    ),
    (
        "Behavior: Enriches metadata with client_host and user_agent, then writes to observability service.",
        service.writes_a_client_log,
    ),
    ('Returns { "status": "logged" }.', service.confirms_a_client_log),
    ("Provider catalog", HEADING),
    ("GET /providers → Map of provider configurations keyed by provider slug.", service.provider_map),
    ("GET /providers/{provider} → Provider config, 404 if missing.", service.one_provider),
    ("GET /providers/{provider}/models → List of model slugs for the provider.", service.model_slugs),
    (
        "GET /providers/{provider}/models/{model} → Model configuration, 404 if provider or model missing.",
        service.one_model,
    ),
    ("User profile & usage", HEADING),
    ("GET /users/me → Current user profile (User schema with basicInfo, billingInfo, usageInfo).", users.profile),
    ("PUT /users/me/monthly-allowance", ROUTE_NAME),
    (
        'Body: { "monthlyAllowance": number }',
        users.accepts_a_number("/users/me/monthly-allowance", "monthlyAllowance", 50),
    ),
    (
        "Effect: Updates allowance limit.",
        users.stores_a_number("/users/me/monthly-allowance", "monthlyAllowance", 50, 0, 99.5),
    ),
    ("PUT /users/me/allowance-reset-date", ROUTE_NAME),
    (
        'Body: { "allowanceResetDate": number }',
        users.accepts_a_number("/users/me/allowance-reset-date", "allowanceResetDate", users.FAR),
    ),
    (
        "Effect: Updates reset timestamp.",
        users.stores_a_number("/users/me/allowance-reset-date", "allowanceResetDate", users.FAR, 0),
    ),
    ("PUT /users/me/spend-remaining", ROUTE_NAME),
    ('Body: { "spendRemaining": number }', users.accepts_a_number("/users/me/spend-remaining", "spendRemaining", 12.5)),
    (
        "Effect: Updates remaining spend.",
        users.stores_a_number("/users/me/spend-remaining", "spendRemaining", 12.5, 0, 99.5),
    ),
    ("POST /users/me/usage", ROUTE_NAME),
    ('Body: { "responseCost": number, "metadata"?: object }', users.reports_usage),
    ("Effect: Appends usage entry and updates spend remaining.", users.usage_is_appended_and_charged),
    ("POST /users/me/reset-allowance → Resets usage tracking for the current user.", users.resets),
    ("Admin users", HEADING),
    ("GET /admin/users → Lists all users (admin-only dependency).", users.lists_users),
    ("PUT /admin/users/{user_id}", ROUTE_NAME),
    (
        "Body: any combination of monthlyAllowance, allowanceResetDate, spendRemaining.",
        users.changes_a_user(*users.COMBINATIONS),
    ),
    ("Effect: Updates targeted user's usage info (admin-only).", users.only_admins_change_users),
    ("Chat", HEADING),
    ("POST /chat", ROUTE_NAME),
    (
        "Body: ChatRequest containing messages (role user|assistant|system), provider, model, optional "
        "parameters, and builtInTools.",
        chats.accepts_a_chat,
    ),
    (
        'Effect: Queues background chat processing and returns { "ticket_id": <uuid>, "status": "pending" }.',
        chats.queues_the_chat,
    ),
    (
        "GET /chat/{ticket_id}ChatResponse with status, result, and error once processing completes.",
        chats.ticket_has_the_outcome,
    ),
    ("Session configuration", HEADING),
    ("POST /sessions/{session_id}/config", ROUTE_NAME),
    ("Body: ProviderConfig (provider, model, parameters).", chats.configures_a_session),
    ("Effect: Creates or updates session document and returns confirmation.", chats.session_is_created_and_updated),
    ("GET /sessions/{session_id}/config → Stored provider_config for the session.", chats.session_is_read),
    (
        'DELETE /sessions/{session_id} → Deletes session and returns { "message": "Session deleted" }.',
        chats.session_is_deleted,
    ),
    ("Agents", HEADING),
    ("POST /agents", ROUTE_NAME),
    (
        "Body: CreateAgentRequest (name, description, code, optional friendlyName, tool metadata, schemas, "
        "invokable models, composer metadata).",
        agents.accepts_an_agent,
    ),
    ("Effect: Persists agent and returns saved Agent with _id and _rev.", agents.stores_an_agent),
    ("GET /agents → List of all agents.", agents.lists_agents),
    ("GET /agents/{agent_id} → Single agent document.", agents.one_agent),
    ("PUT /agents/{agent_id}", ROUTE_NAME),
    (
        "Body: UpdateAgentRequest (partial updates across the same fields as creation).",
        agents.accepts_any_field_of_an_agent,
    ),
    (
        "Effect: Merges with existing document, preserves creation metadata, returns updated agent.",
        agents.merges_an_agent,
    ),
    ("DELETE /agents/{agent_id} → Deletes agent, 204 on success.", agents.deletes_an_agent),
    ("POST /agents/generate-code", ROUTE_NAME),
    (
        "Body: GenerateCodeRequest (description, tools, input/output schemas, composer modelConfig, optional "
        "swagger specs and invokable models).",
        agents.accepts_a_description_of_code,
    ),
    ("Effect: Returns generated agent code and metadata.", agents.returns_code),
    ("POST /agents/run-code", ROUTE_NAME),
    ("Body: RunCodeRequest (code, inputDict, tools, optional gofannonAgents).", agents.accepts_code_to_run),
    ("Effect: Executes code in sandbox;", agents.runs_in_a_sandbox),
    ("response contains result or raises with logged failure details.", agents.runs_code_or_explains_the_failure),
    ("Deployments", HEADING),
    ("POST /agents/{agent_id}/deploy → Registers agent for REST exposure; 201 with deployment info.", agents.deploys),
    ("DELETE /agents/{agent_id}/undeploy → Removes deployment; 204 on success.", agents.undeploys),
    (
        "GET /agents/{agent_id}/deployment → Deployment metadata for the agent, or 404 if not deployed.",
        agents.describes_a_deployment,
    ),
    ("GET /deployments → List of deployed APIs (DeployedApi objects).", agents.lists_deployments),
    (
        "POST /rest/{friendly_name} → Runs a deployed agent by its public name using the JSON body as input_dict.",
        agents.calls_by_name,
    ),
    ("Specs", HEADING),
    ("POST /specs/fetch", ROUTE_NAME),
    ('Body: { "url": string }', others.accepts_a_url),
    ("Effect: Fetches and returns OpenAPI/Swagger spec content from a remote URL.", others.fetches_a_spec),
    ("MCP connectors", HEADING),
    ("POST /mcp/tools", ROUTE_NAME),
    ('Body: { "mcp_url": string, "auth_token"?: string }', others.accepts_an_mcp_server),
    ('Effect: Connects to a remote MCP server and returns { "mcp_url": ..., "tools": [...] }.', others.lists_tools),
    ("Demo apps", HEADING),
    ("POST /demos/generate-code", ROUTE_NAME),
    (
        "Body: GenerateDemoCodeRequest (user prompt, selected deployed APIs, composer modelConfig, optional "
        "builtInTools).",
        others.accepts_a_prompt,
    ),
    ("Effect: Returns generated html, css, js, and optional thoughts.", others.returns_a_page),
    ("POST /demos", ROUTE_NAME),
    (
        "Body: CreateDemoAppRequest (name, description, selected APIs, composer config, prompt, generated "
        "code, optional composer thoughts).",
        others.accepts_a_demo,
    ),
    ("Effect: Saves a demo app and returns the stored DemoApp.", others.stores_a_demo),
    ("GET /demos → List of saved demo apps.", others.lists_demos),
    ("GET /demos/{demo_id} → Single demo app.", others.one_demo),
    ("PUT /demos/{demo_id} → Replace demo app content using the same schema as creation.", others.replaces_a_demo),
    ("DELETE /demos/{demo_id} → Deletes demo app, 204 on success.", others.deletes_a_demo),
]
