"""A fake gcloud for testing scripts that set up a project. It records its calls, and stores the project in memory.

It is as strict as the real gcloud: existing resources cannot be created again, missing ones cannot be changed, and
calls of a service whose API is disabled fail. The executable is a few lines of bash that call a thread of the test
process. Scripts call it hundreds of times, and starting Python each time would take minutes.
"""

import json
import socketserver
import threading
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[2]
APIS = {
    "artifacts": "artifactregistry",
    "firestore": "firestore",
    "iam": "iam",
    "logging": "logging",
    "monitoring": "monitoring",
    "scheduler": "cloudscheduler",
    "secrets": "secretmanager",
    "tasks": "cloudtasks",
}
COMMAND = r"""#!/usr/bin/env bash
input=""
case " $* " in *" --data-file=- "*) IFS= read -r -d "" input ;; esac
exec 3<>/dev/tcp/127.0.0.1/{port}
printf '%s\0' "$#" "$@" "$input" >&3
IFS= read -r code <&3
IFS= read -r -d "" text <&3
if [ "$code" = 0 ]; then printf '%s' "$text"; else printf '%s' "$text" >&2; fi
exit "$code"
"""


class RefusedError(Exception):
    """The call fails: gcloud prints this message, and exits with status 1."""


def refuse(reason: str) -> NoReturn:
    raise RefusedError(f"ERROR: {reason}\n")


class Project:
    """The resources of a project, by kind and name.

    A call that contains one of the strings in `faults` fails with the message `why`. `unlisted`: the kinds of resources
    whose lists do not contain new resources yet.
    """

    def __init__(self, id_: str) -> None:
        self.data: dict[str, Any] = {"signed in": "me@example.com", "projects": [id_], "billing": "True", "faults": []}

    def resources(self, kind: str) -> dict[str, Any]:
        return self.data.setdefault(kind, {})

    def create(self, kind: str, name: str, resource: Any) -> None:
        if name in self.resources(kind):
            refuse(f"{kind} {name} already exists")
        self.resources(kind)[name] = resource

    def update(self, kind: str, name: str, resource: Any) -> None:
        if name not in self.resources(kind):
            refuse(f"{kind} {name} does not exist")
        self.resources(kind)[name] = resource


def bind(project: Project, group: str, resource: str, flags: dict[str, str]) -> None:
    account = flags["member"].removeprefix("serviceAccount:")
    accounts = {**project.resources("accounts"), "123-compute@developer.gserviceaccount.com": ""}
    if account not in accounts:
        refuse(f"{account} does not exist")
    if group == "iam service-accounts" and resource not in accounts:
        refuse(f"{resource} does not exist")
    if group == "secrets" and resource not in project.resources("secrets"):
        refuse(f"{resource} does not exist")
    lines = project.resources("policies").setdefault(f"{group} {resource}", [])
    lines.append(f"{flags['role']} {flags['member']}")


def unbind(project: Project, resource: str, flags: dict[str, str]) -> None:
    lines = project.resources("policies").get(f"projects {resource}", [])
    if f"{flags['role']} {flags['member']}" not in lines:
        refuse("Policy binding with the specified principal, role, and condition not found!")
    lines.remove(f"{flags['role']} {flags['member']}")


def enable(project: Project, names: list[str]) -> None:
    """Enables APIs. Compute Engine's account gets the editor role, as in a project without an organization."""
    if "compute.googleapis.com" in names:
        bindings = project.resources("policies").setdefault(f"projects {project.data['projects'][0]}", [])
        bindings.append("roles/editor serviceAccount:123-compute@developer.gserviceaccount.com")
    project.resources("services").update(dict.fromkeys(names, ""))


def database(id_: str, flags: dict[str, str]) -> str:
    recovery = "ENABLED" if "enable-pitr" in flags else "DISABLED"
    protection = "ENABLED" if "delete-protection" in flags else "DISABLED"
    name = f"projects/{id_}/databases/{flags['database']}"
    return f"{name} FIRESTORE_NATIVE POINT_IN_TIME_RECOVERY_{recovery} DELETE_PROTECTION_{protection}"


def queue(flags: dict[str, str]) -> str:
    names = ["attempts", "retry-duration", "min", "max", "doublings", "concurrent-dispatches"]
    values = [flags.get(f"{name}-backoff" if name in ("min", "max") else f"max-{name}", "") for name in names]
    return f"RUNNING {' '.join(values)}"


def job(flags: dict[str, str]) -> str:
    names = ("uri", "oidc-service-account-email", "oidc-token-audience", "attempt-deadline", "schedule")
    return " ".join(flags[name] for name in names)


def channel(project: Project, flags: dict[str, str]) -> str:
    """Creates a notification channel, and returns its name, which `--format=value(name)` prints."""
    name = f"channels/{len(project.resources('channels')) + 1}"
    project.create("channels", name, flags["channel-labels"].removeprefix("email_address="))
    return name


def alert(flags: dict[str, str]) -> dict[str, str]:
    """Returns the alert policy after an update. Its file sets no channels and enables it; flags can override both."""
    channels = flags.get("notification-channels") or flags.get("set-notification-channels", "")
    return {"channels": channels, "enabled": str("no-enabled" not in flags)}


def display_name(flags: dict[str, str]) -> str:
    text = (ROOT / (flags.get("policy-from-file") or flags["config-from-file"])).read_text()
    if text.startswith("{"):
        name: str = json.loads(text)["displayName"]
        return name
    return next(line.removeprefix("displayName: ") for line in text.splitlines() if line.startswith("displayName: "))


def run_command(project: Project, words: list[str], flags: dict[str, str], input_: str) -> str:
    """Executes the command, and returns its output."""
    id_ = flags.get("project", "")
    resources = project.resources

    def list_bindings(group: str) -> str:
        """Returns the role and member of each binding. Omits conditional bindings if the filter excludes them."""
        lines = [line.split() for line in resources("policies").get(f"{group} {words[-1]}", [])]
        return "\n".join(
            " ".join(line[:2]) for line in lines if len(line) == 2 or "condition" not in flags.get("filter", "")
        )

    def list_names(kind: str) -> str:
        return "\n".join(f"projects/{id_}/{kind}/{name}|{name}" for name in resources(kind))

    commands: dict[str, Callable[[], Any]] = {
        "auth list": lambda: project.data["signed in"],
        "projects describe": lambda: "123" if words[-1] in project.data["projects"] else refuse("not found"),
        "billing projects describe": lambda: project.data["billing"],
        "services list": lambda: "\n".join(resources("services")),
        "services enable": lambda: enable(project, words[2:]),
        "projects remove-iam-policy-binding": lambda: unbind(project, words[-1], flags),
        "iam service-accounts list": lambda: "\n".join(resources("accounts")),
        "iam service-accounts create": lambda: project.create(
            "accounts", f"{words[-1]}@{id_}.iam.gserviceaccount.com", flags["display-name"]
        ),
        "firestore databases list": lambda: "\n".join(resources("databases").values()),
        "firestore databases create": lambda: project.create("databases", flags["database"], database(id_, flags)),
        "firestore databases update": lambda: project.update("databases", flags["database"], database(id_, flags)),
        "firestore backups schedules list": lambda: "\n".join(resources("schedules")),
        "firestore backups schedules create": lambda: project.create("schedules", flags["recurrence"], ""),
        "firestore fields ttls list": lambda: "\n".join(resources("ttls")),
        "firestore fields ttls update": lambda: project.create(
            "ttls",
            f"projects/{id_}/databases/(default)/collectionGroups/{flags['collection-group']}/fields/{words[-1]}",
            "",
        ),
        "tasks queues list": lambda: "\n".join(resources("queues").values()),
        "tasks queues create": lambda: project.create("queues", words[-1], queue(flags)),
        "tasks queues update": lambda: project.update("queues", words[-1], queue(flags)),
        "scheduler jobs list": lambda: "\n".join(resources("jobs").values()),
        "scheduler jobs create http": lambda: project.create("jobs", words[-1], job(flags)),
        "scheduler jobs update http": lambda: project.update("jobs", words[-1], job(flags)),
        "secrets list": lambda: "\n".join(resources("secrets")),
        "secrets create": lambda: project.create("secrets", words[-1], []),
        "secrets versions list": lambda: (
            f"{len(versions)} {project.data.get('states', {}).get(words[-1], 'ENABLED')}"
            if (versions := resources("secrets")[words[-1]])
            else ""
        ),
        "secrets versions access": lambda: resources("secrets")[flags["secret"]][-1],
        "secrets versions add": lambda: resources("secrets")[words[-1]].append(input_),
        "artifacts repositories list": lambda: "\n".join(resources("repositories")),
        "artifacts repositories create": lambda: project.create("repositories", words[-1], {}),
        "artifacts repositories set-cleanup-policies": lambda: project.update("repositories", words[-1], flags),
        "logging metrics list": lambda: "\n".join(resources("metrics")),
        "logging metrics create": lambda: project.create("metrics", words[-1], flags),
        "logging metrics update": lambda: project.update("metrics", words[-1], flags),
        "beta monitoring channels list": lambda: "\n".join(map(" ".join, resources("channels").items())),
        "beta monitoring channels create": lambda: channel(project, flags),
        "alpha monitoring policies list": lambda: "\n".join(
            f"projects/{id_}/alerts/{name}|{alert['enabled']}|{alert['channels']}|{name}"
            for name, alert in resources("alerts").items()
        ),
        "alpha monitoring policies create": lambda: project.create("alerts", display_name(flags), alert(flags)),
        "alpha monitoring policies update": lambda: project.update("alerts", words[-1].split("/")[-1], alert(flags)),
        "monitoring dashboards list": lambda: list_names("dashboards"),
        "monitoring dashboards create": lambda: project.create("dashboards", display_name(flags), flags),
        "monitoring dashboards describe": lambda: "the-etag",
        "monitoring dashboards update": lambda: project.update("dashboards", words[-1].split("/")[-1], flags),
    }
    for group in ("projects", "iam service-accounts", "secrets"):
        commands[f"{group} get-iam-policy"] = lambda group=group: list_bindings(group)
        commands[f"{group} add-iam-policy-binding"] = lambda group=group: bind(project, group, words[-1], flags)
    for kind in project.data.get("unlisted", []):
        commands[f"beta monitoring {kind} list"] = lambda: ""
    action = next(
        (commands[" ".join(words[:count])] for count in (4, 3, 2) if " ".join(words[:count]) in commands), None
    )
    if action is None:
        refuse(f"the fake gcloud does not have the command: {' '.join(words)}")
    output = action()
    return f"{output}\n" if isinstance(output, str) and output else ""


class Gcloud:
    """The fake gcloud. `calls`: the arguments of each call. `command(folder)` creates a `gcloud` executable in a
    folder."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.calls: list[list[str]] = []
        self._lock = threading.Lock()
        gcloud = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                count = int(self._read_argument())
                arguments = [self._read_argument() for _ in range(count)]
                code, text = gcloud.execute(arguments, self._read_argument())
                self.wfile.write(f"{code}\n{text}".encode())

            def _read_argument(self) -> str:
                argument = b""
                while (byte := self.rfile.read(1)) != b"\0":
                    argument += byte
                return argument.decode()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def command(self, folder: Path) -> Path:
        path = folder / "gcloud"
        path.write_text(COMMAND.replace("{port}", str(self._server.server_address[1])))
        path.chmod(0o755)
        return path

    def execute(self, call: list[str], input_: str) -> tuple[int, str]:
        """Executes a call, and returns its exit code and output."""
        with self._lock:
            self.calls.append(call)
            before = deepcopy(self.project.data)
            try:
                return 0, self._run(call, input_)
            except RefusedError as refusal:
                self.project.data = before
                return 1, str(refusal)

    def _run(self, call: list[str], input_: str) -> str:
        words = [word for word in call if not word.startswith("--")]
        flags: dict[str, str] = {}
        for word in call:
            if word.startswith("--"):
                name, _, flags[name] = word[2:].partition("=")
        if any(fault in " ".join(call) for fault in self.project.data["faults"]):
            refuse(self.project.data.get("why", "the call failed"))
        service = next((word for word in words if word not in ("alpha", "beta")), "")
        if service in APIS and f"{APIS[service]}.googleapis.com" not in self.project.resources("services"):
            refuse(f"the API of {service} is not enabled")
        return run_command(self.project, words, flags, input_)
