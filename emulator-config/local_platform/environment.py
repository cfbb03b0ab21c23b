"""Builds the suite's environment variables, which every function inherits."""

from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from local_platform.app_env import read_app_env
from local_platform.console import step

PROJECT = "demo-agents"
"""The project id. Because it begins with `demo-`, the suite does not call any real service."""

FUNCTION_START_SECONDS = 90
"""How long the suite waits for a function's process. Its default of half a minute is too short on a busy machine."""

ODD_REQUESTS = Path(__file__).with_name("odd_requests.cjs")
"""A script that Node.js loads first, to rewrite requests that the suite's Hosting cannot handle."""

UNDER_WAY = Path(__file__).with_name("under_way.cjs")
"""A script that Node.js loads first, to count the requests under way."""

IGNORED_VARIABLES = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "FIREBASE_TOKEN",
    "FIRESTORE_EMULATOR_HOST",
    "FIREBASE_AUTH_EMULATOR_HOST",
    "CLOUD_TASKS_EMULATOR_HOST",
    "CLOUD_TASKS_ENDPOINT",
    "FIREBASE_CONFIG",
    "VIRTUAL_ENV",
    "PYTHONHOME",
    "DEBUG",
)
"""Variables in the user's shell that the suite must ignore. It sets its own values, or none."""


_OWN_KEY_PREFIX = "fba_"
"""How the service's own API keys begin."""


def without_own_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """Removes the variables with which clients are sent to this service: it must not be its own provider.

    A shell in which OPENAI_API_KEY is one of the service's keys has its address in OPENAI_BASE_URL.
    """
    if not environ.get("OPENAI_API_KEY", "").startswith(_OWN_KEY_PREFIX):
        return dict(environ)
    step("OPENAI_API_KEY is a key of this service, so the service ignores it and OPENAI_BASE_URL")
    return {name: value for name, value in environ.items() if name not in ("OPENAI_API_KEY", "OPENAI_BASE_URL")}


def add_dotenv(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Adds the variables of the `.env` at `root` to `environ`, which takes precedence even with an empty value."""
    from_file = {name: value for name, value in dotenv_values(root / ".env").items() if value is not None}
    return {**from_file, **environ}


def build_environment(
    environ: Mapping[str, str],
    *,
    root: Path | None,
    folder: Path,
    java_home: Path,
    app_env: str | None = None,
    model_url: str | None = None,
    firestore_host: str | None = None,
    firestore_jar: str | None = None,
) -> dict[str, str]:
    """Returns `environ`, adapted for the suite.

    `root` is the folder in which functions find `shared`. It is None if each function has its own copy and must not
    find another. `folder` is for files that the tools would otherwise write to the user's home and to the shared
    temporary folder, where a second suite of the same project would find them. `app_env` overrides `environ`. The
    default is "local".
    """
    cleaned = {name: value for name, value in environ.items() if name not in IGNORED_VARIABLES}
    scratch = folder / "tmp"
    cleaned |= {
        "APP_ENV": app_env or read_app_env(environ),
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "PATH": f"{java_home / 'bin'}:{environ.get('PATH', '')}",
        "JAVA_HOME": str(java_home),
        "TMPDIR": str(scratch),
        "XDG_RUNTIME_DIR": str(scratch),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "NODE_OPTIONS": " ".join(
            [environ.get("NODE_OPTIONS", ""), f'--require "{ODD_REQUESTS}"', f'--require "{UNDER_WAY}"']
        ).strip(),
        "NO_UPDATE_NOTIFIER": "1",
        "NO_COLOR": "1",
        "FORCE_COLOR": "0",
    }
    cleaned.pop("PYTHONPATH", None)
    if root is not None:
        cleaned["PYTHONPATH"] = str(root)
    cleaned.setdefault("SWEEP_AFTER_SECONDS", "60")  # the default of five minutes is too long for a developer
    cleaned.setdefault("FUNCTIONS_DISCOVERY_TIMEOUT", str(FUNCTION_START_SECONDS))
    if cleaned["APP_ENV"] != "firebase":  # with several users, agents must not reach the emulators' ports
        cleaned.setdefault("OUTBOUND_ALLOWED_HOSTS", "localhost,127.0.0.1")  # a developer's own MCP servers and APIs
    if model_url:
        cleaned["LOCAL_MODEL_BASE_URL"] = model_url
    if firestore_host:
        cleaned["FIRESTORE_EMULATOR_HOST"] = firestore_host
    if firestore_jar:
        cleaned["FIRESTORE_EMULATOR_BINARY_PATH"] = firestore_jar
    return cleaned
