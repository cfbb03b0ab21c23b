"""The settings of a deployment, from the environment. The catalog reads the keys of model providers separately."""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

MAX_DOLLARS = 1_000_000_000
"""The highest allowance, in US dollars. JSON numbers up to this are exact to the millionth."""

MAX_DEPLOYMENT_BUDGET = 10_000
"""The highest daily budget of a published agent, in US dollars: more than its calls should ever spend."""
MAX_DEPLOYMENT_RATE = 6_000
"""The highest rate of each caller of a published agent, in calls per minute: a hundred per second."""
MAX_KEY_BUDGET = 100_000
"""The highest budget of an API key, in US dollars per day or month."""


def _split_commas(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s*]+")


def _check_origins(value: tuple[str, ...]) -> tuple[str, ...]:
    """Removes trailing slashes. Raises `ValueError` for a value that no browser sends as an `Origin`."""
    origins = tuple(origin.removesuffix("/").lower() for origin in value)
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is neither an origin, such as https://app.example, nor '*' for all")
    return origins


def _check_networks(value: tuple[str, ...]) -> tuple[str, ...]:
    """Raises `ValueError` for a value that is not a network such as 192.0.2.0/24."""
    for network in value:
        ip_network(network)
    return value


def in_the_cloud(environ: Mapping[str, str]) -> bool:
    """Whether this is a deployed function. Cloud Run sets a service's name, and the suite sets its own flag."""
    emulated = environ.get("FUNCTIONS_EMULATOR", "").strip().lower() in ("1", "true", "yes", "on")
    return bool(environ.get("K_SERVICE")) and not emulated


class Settings(BaseModel):
    """Each field is an environment variable with the same name in capitals.

    Raises `pydantic.ValidationError`, which names the variable, if a value is invalid.
    """

    model_config = ConfigDict(alias_generator=str.upper, populate_by_name=True, frozen=True)

    app_env: str = Field(
        default="local", description="'firebase' requires ID tokens; any other value bypasses authentication"
    )
    google_cloud_project: str = Field(default="demo-agents")
    functions_emulator: bool = Field(default=False, description="set by the Firebase Emulator Suite")
    k_service: str | None = Field(default=None, description="set by Cloud Run")
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_split_commas), AfterValidator(_check_origins)] = Field(
        default=(), description="origins of pages that may call; unset: locally, those of this machine; otherwise none"
    )
    max_body_bytes: int = Field(default=1024 * 1024, gt=0)

    sign_in_check_seconds: float = Field(
        default=300, ge=0, description="how soon revoked tokens and tokens of disabled users are refused; 0: never"
    )

    store_timeout_seconds: float = Field(
        default=20, gt=0, description="the time limit for a read, or for a transaction with its retries"
    )

    default_allowance: float = Field(
        default=100,
        ge=0,
        le=MAX_DOLLARS,
        description="the allowance of a new user, in US dollars; no default in the cloud",
    )
    allowance_ceiling: float | None = Field(
        default=None,
        ge=0,
        le=MAX_DOLLARS,
        description="the amount up to which users may raise their own allowance; unset: the default allowance",
    )
    unpriced_hold: float | None = Field(
        default=None,
        gt=0,
        le=MAX_DOLLARS,
        description="US dollars held for a call to a model that has no price but reports its cost; unset: such models "
        "are refused in a deployment",
    )
    allowance_refill: Literal["monthly", "never"] = Field(
        default="monthly", description="when spent allowances are refilled in Firebase: on the first of the month, UTC"
    )
    chat_rate_per_minute: int = Field(default=600, ge=0, description="per user; 0: no limit")
    usage_reports_per_minute: int = Field(default=600, ge=0, description="per user; 0: no limit")
    public_rate_per_minute: int = Field(
        default=120, ge=0, description="per address, on routes without a token; 0: no limit"
    )
    admin_password_rate_per_minute: int = Field(
        default=60,
        ge=0,
        description="attempts from all addresses together; those that sent the correct password share another limit; "
        "0: no limit",
    )
    trusted_proxies: int = Field(
        default=0,
        ge=0,
        description="the number of proxies in front of a function that append to X-Forwarded-For, without Hosting",
    )
    hosting_edges: Annotated[tuple[str, ...], BeforeValidator(_split_commas), AfterValidator(_check_networks)] = Field(
        default=(), description="the networks from which Hosting calls functions; unset: Google's own"
    )
    admin_panel_enabled: bool = False
    admin_password: SecretStr | None = None
    sweep_after_seconds: float = Field(
        default=300, gt=0, description="how long a ticket may remain unchanged before the sweep takes it up"
    )
    ticket_max_age_seconds: float = Field(
        default=6 * 3600, gt=0, description="the time from its first attempt after which an unfinished ticket fails"
    )
    ticket_max_wait_seconds: float = Field(
        default=24 * 3600, gt=0, description="how long a ticket may wait for its first attempt before it fails"
    )
    agent_chats_at_once: int = Field(
        default=8, ge=0, description="one user's chats with agents that are worked on at a time; 0: no limit"
    )
    model_chats_at_once: int = Field(
        default=10,
        ge=0,
        description="one user's chats with models that are worked on at a time, a quarter of the queue's concurrency; "
        "0: no limit",
    )
    ticket_retention_days: int = Field(
        default=30,
        ge=0,
        le=36_500,
        description="how long a ticket and its messages are stored after its end; 0: forever",
    )

    worker_location: str = "us-central1"
    worker_queue: str = Field(default="worker", description="the queue, and the function that it calls")
    worker_url: str | None = Field(default=None, description="where tasks are sent; unset: derived from the location")
    worker_service_account: str | None = Field(default=None, description="the account that may call the worker")
    sweep_service_account: str | None = Field(default=None, description="the account that may call the sweep")
    worker_timeout_seconds: int = Field(
        default=540,
        ge=15,
        le=1800,
        description="Cloud Tasks' dispatch deadline; the function's own timeout is the same",
    )
    cloud_tasks_emulator_host: str | None = None
    cloud_tasks_endpoint: str | None = Field(default=None, description="host:port of a plain gRPC Cloud Tasks server")

    chat_max_attempts: int = Field(default=5, gt=0)
    lease_seconds: float = Field(
        default=60, gt=0, description="how long a worker keeps a ticket without renewing its lease"
    )
    model_timeout_seconds: float = Field(
        default=300, gt=0, description="the time limit for a model call; must be less than the worker's timeout"
    )

    run_timeout_seconds: float = Field(
        default=50, gt=0, description="the time limit for an agent's run in an HTTP request"
    )
    run_cpu_seconds: float = Field(default=10, gt=0, description="the maximum CPU time of one run, without waiting")
    run_memory_bytes: int = Field(default=64 * 1024 * 1024, gt=0, description="the maximum memory of one run")
    run_log_bytes: int = Field(default=64 * 1024, gt=0, description="the maximum output of a run; the rest is dropped")
    run_result_bytes: int = Field(default=1_000_000, gt=0, description="the maximum size of a run's result, as JSON")
    run_max_calls: int = Field(
        default=100,
        gt=0,
        description="calls to models, tools, agents and HTTP servers by a run and the agents that it calls",
    )
    long_run_max_calls: int = Field(
        default=1000,
        gt=0,
        description="the same for a run that is recorded: one of POST /runs, or in a chat",
    )
    run_max_age_seconds: float = Field(
        default=30 * 24 * 3600,
        gt=0,
        le=30 * 24 * 3600,
        description="how long a run of POST /runs may last, with all its pauses, before it fails",
    )
    run_max_depth: int = Field(default=3, ge=0, description="how many levels deep agents may call agents")
    run_max_cost: float = Field(
        default=5,
        gt=0,
        le=MAX_DOLLARS,
        description="the maximum cost of a run and the agents that it calls, in US dollars",
    )
    runs_at_once: int = Field(
        default=128,
        gt=0,
        description="runs in one process; a caller gets a quarter of them, at most eight; an agent or owner twice that",
    )
    run_seconds_per_minute: float = Field(
        default=3600,
        ge=0,
        description="run time of one user's HTTP requests; 3600 allows sixty continuous runs; 0: no limit",
    )
    max_agents: int = Field(default=1000, gt=0, description="agents that one user may store")
    max_demos: int = Field(default=1000, gt=0, description="demos that one user may store")
    max_sessions: int = Field(default=1000, gt=0, description="sessions that one user may store")
    max_schedules: int = Field(default=100, gt=0, description="schedules that one user may store")
    max_webhooks: int = Field(default=20, gt=0, description="webhooks that one user may store")
    max_api_keys: int = Field(default=50, gt=0, description="API keys that one user may have")
    max_stored_bytes: int = Field(
        default=200 * 1024 * 1024, gt=0, description="the size of one user's agents; the limit for demos is the same"
    )
    max_waiting_chats: int = Field(
        default=1000, gt=0, description="one user's accepted and unfinished chats; more are refused"
    )
    rest_rate_per_minute: int = Field(
        default=600, ge=0, description="calls from one address to one deployment; 0: no limit"
    )
    deployment_budget_per_day: float = Field(
        default=1,
        ge=0,
        le=MAX_DEPLOYMENT_BUDGET,
        description="US dollars that all calls of one deployment may spend per UTC day, unless it has its own budget",
    )

    outbound_allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_split_commas)] = ()
    outbound_timeout_seconds: float = Field(
        default=30, gt=0, description="the time limit for a request with its redirects"
    )
    outbound_max_bytes: int = Field(default=5 * 1024 * 1024, gt=0, description="the maximum size of a response")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Reads `environ`. A variable that is set but empty counts as not set.

        In the cloud, authentication is on unless `APP_ENV=local` turns it off explicitly. Any other value is refused,
        and so are the variables that accept unsigned tokens or private addresses, because a mistake must not expose the
        service. The default allowance must be set there, because the operator pays for it. One proxy is trusted there:
        Google's front end. The accounts that may call the worker and the sweep are those that
        `deploy/bootstrap` creates. The Firebase CLI passes the project in `GCLOUD_PROJECT`.
        """
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        derived: dict[str, str] = {}
        if project := given.get("GCLOUD_PROJECT"):
            derived["GOOGLE_CLOUD_PROJECT"] = project
        if in_the_cloud(given):
            if given.get("APP_ENV", "firebase") not in ("firebase", "local"):
                raise ValueError("APP_ENV must be 'firebase' in the cloud, or 'local' to bypass authentication.")
            if "FIREBASE_AUTH_EMULATOR_HOST" in given:
                raise ValueError("FIREBASE_AUTH_EMULATOR_HOST accepts unsigned tokens: unset it in the cloud.")
            if "OUTBOUND_ALLOWED_HOSTS" in given:
                raise ValueError("OUTBOUND_ALLOWED_HOSTS opens private addresses: unset it in the cloud.")
            if "DEFAULT_ALLOWANCE" not in given:
                raise ValueError(
                    "DEFAULT_ALLOWANCE has no default in the cloud: set what a new user may spend on models in a "
                    "month, in US dollars, in deploy/settings/.env.<project>, as in DEFAULT_ALLOWANCE=20. Then deploy."
                )
            derived |= {"APP_ENV": "firebase", "TRUSTED_PROXIES": "1"}
            if project := given.get("GOOGLE_CLOUD_PROJECT", project):
                derived["WORKER_SERVICE_ACCOUNT"] = f"task-invoker@{project}.iam.gserviceaccount.com"
                derived["SWEEP_SERVICE_ACCOUNT"] = f"scheduler-invoker@{project}.iam.gserviceaccount.com"
        return cls.model_validate(derived | given)

    @property
    def deployed(self) -> bool:
        """Whether this is a deployed function, not one on a developer's machine."""
        return bool(self.k_service) and not self.functions_emulator

    @property
    def worker_address(self) -> str:
        """The address to which tasks are sent, which is also the audience of their tokens."""
        return self.worker_url or self._address_of(self.worker_queue)

    @property
    def sweep_address(self) -> str:
        """The address that the scheduler's job calls, as `deploy/bootstrap` sets it, and the audience of its tokens."""
        return self._address_of("sweep")

    def _address_of(self, function: str) -> str:
        return f"https://{self.worker_location}-{self.google_cloud_project}.cloudfunctions.net/{function}"

    @property
    def authentication_required(self) -> bool:
        """Whether callers must send a Firebase ID token."""
        return self.app_env == "firebase"
