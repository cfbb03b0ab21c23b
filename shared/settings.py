"""What a deployment can set, from the environment. Keys of model providers are not here: the catalog reads those."""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

MAX_DOLLARS = 1_000_000_000
"""More than any allowance, and small enough for a JSON number to represent to the millionth."""

MAX_DEPLOYMENT_BUDGET = 10_000
"""US dollars a day, of one published agent: more than a day's calls should ever be trusted with."""


def _split_commas(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s*]+")


def _check_origins(value: tuple[str, ...]) -> tuple[str, ...]:
    """Raises `ValueError` for what no browser sends as an `Origin`. A trailing slash is removed."""
    origins = tuple(origin.removesuffix("/").lower() for origin in value)
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is not an origin such as https://app.example, nor '*' for all")
    return origins


def _check_networks(value: tuple[str, ...]) -> tuple[str, ...]:
    """Raises `ValueError` for what is not a network such as 192.0.2.0/24."""
    for network in value:
        ip_network(network)
    return value


def in_the_cloud(environ: Mapping[str, str]) -> bool:
    """Whether this is a deployed function: Cloud Run names its services, and the emulator suite says what it is."""
    emulated = environ.get("FUNCTIONS_EMULATOR", "").strip().lower() in ("1", "true", "yes", "on")
    return bool(environ.get("K_SERVICE")) and not emulated


class Settings(BaseModel):
    """Every field is an environment variable of the same name in capitals.

    Raises `pydantic.ValidationError`, which names the variable, when a value does not fit.
    """

    model_config = ConfigDict(alias_generator=str.upper, populate_by_name=True, frozen=True)

    app_env: str = Field(
        default="local", description="'firebase' demands ID tokens; anything else bypasses authentication"
    )
    google_cloud_project: str = Field(default="demo-agents")
    functions_emulator: bool = Field(default=False, description="set by the Firebase Emulator Suite")
    k_service: str | None = Field(default=None, description="set by Cloud Run")
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_split_commas), AfterValidator(_check_origins)] = Field(
        default=(), description="of pages that browsers may call from; locally any of this machine's, else none"
    )
    max_body_bytes: int = Field(default=1024 * 1024, gt=0)

    sign_in_check_seconds: float = Field(
        default=300, ge=0, description="after which a disabled user's tokens, and revoked ones, are refused; 0: never"
    )

    store_timeout_seconds: float = Field(default=20, gt=0, description="one read, or one transaction with its retries")

    default_allowance: float = Field(
        default=100, ge=0, le=MAX_DOLLARS, description="US dollars, of a new user; no default in the cloud"
    )
    allowance_ceiling: float | None = Field(
        default=None,
        ge=0,
        le=MAX_DOLLARS,
        description="what users may raise their own to; the default allowance's amount",
    )
    unpriced_hold: float | None = Field(
        default=None,
        gt=0,
        le=MAX_DOLLARS,
        description="US dollars held for a call of a model that has no price but reports its cost; unset: refused in a"
        " deployment",
    )
    allowance_refill: Literal["monthly", "never"] = Field(
        default="monthly", description="when what was spent comes back in Firebase: on the first of the month, UTC"
    )
    chat_rate_per_minute: int = Field(default=600, ge=0, description="per user; 0 is no limit")
    usage_reports_per_minute: int = Field(default=600, ge=0, description="per user; 0: no limit")
    public_rate_per_minute: int = Field(
        default=120, ge=0, description="per address, on routes without a token; 0: none"
    )
    admin_password_rate_per_minute: int = Field(
        default=60,
        ge=0,
        description="attempts at it, of all addresses together; those that the right one has come from count apart; "
        "0: no limit",
    )
    trusted_proxies: int = Field(
        default=0, ge=0, description="how many in front of us append to X-Forwarded-For, Hosting not counted"
    )
    hosting_edges: Annotated[tuple[str, ...], BeforeValidator(_split_commas), AfterValidator(_check_networks)] = Field(
        default=(), description="the networks from which Hosting calls functions; Google's own"
    )
    admin_panel_enabled: bool = False
    admin_password: SecretStr | None = None
    sweep_after_seconds: float = Field(default=300, gt=0, description="how long a ticket may lie untouched")
    ticket_max_age_seconds: float = Field(
        default=6 * 3600, gt=0, description="from its first attempt; after it an unfinished ticket is given up"
    )
    ticket_max_wait_seconds: float = Field(
        default=24 * 3600, gt=0, description="how long a ticket may wait for its first attempt before it is given up"
    )
    agent_chats_at_once: int = Field(
        default=8, ge=0, description="chats with agents of one user that are worked on at a time; 0: no limit"
    )
    model_chats_at_once: int = Field(
        default=10,
        ge=0,
        description="chats with models of one user that are worked on at a time, a quarter of what the queue hands "
        "out; 0: no limit",
    )
    ticket_retention_days: int = Field(
        default=30, ge=0, le=36_500, description="a ticket and its messages are kept so long after its end; 0: for good"
    )

    worker_location: str = "us-central1"
    worker_queue: str = Field(default="worker", description="the queue, and the function that it calls")
    worker_url: str | None = Field(default=None, description="where tasks are sent; derived when not set")
    worker_service_account: str | None = Field(default=None, description="whose OIDC token opens the worker")
    sweep_service_account: str | None = Field(default=None, description="whose OIDC token opens the sweep")
    worker_timeout_seconds: int = Field(
        default=540,
        ge=15,
        le=1800,
        description="Cloud Tasks' dispatch deadline; the function's own timeout is the same",
    )
    cloud_tasks_emulator_host: str | None = None
    cloud_tasks_endpoint: str | None = Field(default=None, description="host:port of a plain gRPC Cloud Tasks server")

    chat_max_attempts: int = Field(default=5, gt=0)
    lease_seconds: float = Field(default=60, gt=0, description="how long a silent worker keeps a ticket")
    model_timeout_seconds: float = Field(default=300, gt=0, description="one call of a model; below the worker's")

    run_timeout_seconds: float = Field(default=50, gt=0, description="an agent's run behind an HTTP request")
    run_cpu_seconds: float = Field(default=10, gt=0, description="of one run, waiting not counted")
    run_memory_bytes: int = Field(default=64 * 1024 * 1024, gt=0, description="of one run")
    run_log_bytes: int = Field(default=64 * 1024, gt=0, description="what a run may print; the rest is dropped")
    run_result_bytes: int = Field(default=1_000_000, gt=0, description="the longest result of a run, as JSON")
    run_max_calls: int = Field(default=100, gt=0, description="of models, tools, agents and HTTP, by a run and its own")
    run_max_depth: int = Field(default=3, ge=0, description="how deep agents may call agents")
    run_max_cost: float = Field(default=5, gt=0, le=MAX_DOLLARS, description="US dollars, of a run and its own")
    runs_at_once: int = Field(
        default=128,
        gt=0,
        description="in one process; of one caller a quarter of them, eight at most; of one agent or owner twice that",
    )
    run_seconds_per_minute: float = Field(
        default=3600,
        ge=0,
        description="of one user's runs behind HTTP requests, all together; 3600: sixty that never end; 0: no limit",
    )
    max_agents: int = Field(default=1000, gt=0, description="that one user may keep")
    max_demos: int = Field(default=1000, gt=0, description="that one user may keep")
    max_sessions: int = Field(default=1000, gt=0, description="that one user may keep")
    max_stored_bytes: int = Field(
        default=200 * 1024 * 1024, gt=0, description="of one user's agents, and as many of the demos"
    )
    max_waiting_chats: int = Field(
        default=1000, gt=0, description="of one user, accepted and not finished; more are refused"
    )
    rest_rate_per_minute: int = Field(default=600, ge=0, description="of one address, for one deployment; 0: none")
    deployment_budget_per_day: float = Field(
        default=1,
        ge=0,
        le=MAX_DEPLOYMENT_BUDGET,
        description="US dollars that callers of one deployment may have it spend on a UTC day, unless it has its own",
    )

    outbound_allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_split_commas)] = ()
    outbound_timeout_seconds: float = Field(default=30, gt=0, description="one fetch, with its redirects")
    outbound_max_bytes: int = Field(default=5 * 1024 * 1024, gt=0, description="the longest answer that is read")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Reads `environ`; a variable that is set but empty counts as not set.

        In the cloud, authentication is on unless `APP_ENV=local` switches it off explicitly, and any other value is
        refused, as are the variables that accept unsigned tokens or private addresses: a mistake must not open the
        service. What users may spend must be set there, because the operator pays for it. There, too, Google's front
        end stands before us, and the accounts that open the worker and the sweep are those that `deploy/bootstrap`
        makes. The Firebase CLI names the project `GCLOUD_PROJECT`.
        """
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        derived: dict[str, str] = {}
        if project := given.get("GCLOUD_PROJECT"):
            derived["GOOGLE_CLOUD_PROJECT"] = project
        if in_the_cloud(given):
            if given.get("APP_ENV", "firebase") not in ("firebase", "local"):
                raise ValueError("APP_ENV must be 'firebase' in the cloud, or 'local' to let everyone in.")
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
        """Where tasks are sent, which is what their tokens are for."""
        return self.worker_url or self._address_of(self.worker_queue)

    @property
    def sweep_address(self) -> str:
        """Where the scheduler's job calls, as `deploy/bootstrap` makes it, which is what its tokens are for."""
        return self._address_of("sweep")

    def _address_of(self, function: str) -> str:
        return f"https://{self.worker_location}-{self.google_cloud_project}.cloudfunctions.net/{function}"

    @property
    def authentication_required(self) -> bool:
        """Whether callers must send a Firebase ID token."""
        return self.app_env == "firebase"
