"""Runs `deploy/bootstrap` with a gcloud double that changes a project in memory."""

import subprocess
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.doubles.gcloud import Gcloud, Project

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "bootstrap"
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/functions.yaml"))
PROJECT = "my-project"
KEY = "sk-very-secret-0123456789"
READING_COMMANDS = ("list", "describe", "get-iam-policy", "access")


def account_of(function: str) -> str:
    """Returns the id of a function's account, in which Google allows no underscores."""
    return f"fn-{function.replace('_', '-')}"


@dataclass
class Result:
    code: int
    output: str


class Cloud:
    """A project, the gcloud double that changes it, and the script."""

    def __init__(self, folder: Path, template: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.gcloud = Gcloud(Project(PROJECT))
        self.gcloud.command(folder)
        self.settings.parent.mkdir()
        self.settings.write_text("DEFAULT_ALLOWANCE=20\n")
        self.change(**deepcopy(template or {}))

    @property
    def project(self) -> dict[str, Any]:
        return self.gcloud.project.data

    def change(self, **data: Any) -> None:
        self.gcloud.project.data |= data

    def run(self, *options: str, **environ: str) -> Result:
        """Clears `calls` and runs the script with `--project`. The default allowance is already set."""
        self.gcloud.calls.clear()
        done = subprocess.run(
            [SCRIPT, "--project", PROJECT, *options],
            env={**self.environ, "BOOTSTRAP_PAUSE_SECONDS": "0", **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            start_new_session=True,
        )
        return Result(done.returncode, done.stdout + done.stderr)

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:/usr/bin:/bin", "BOOTSTRAP_SETTINGS": str(self.settings.parent)}

    @property
    def settings(self) -> Path:
        """The settings file that `firebase deploy` reads for the project."""
        return self.folder / "settings" / f".env.{PROJECT}"

    @property
    def calls(self) -> list[list[str]]:
        return self.gcloud.calls

    @property
    def changes(self) -> list[list[str]]:
        """The calls that change something."""
        return [
            call
            for call in self.calls
            if not {word for word in call if not word.startswith("--")} & {*READING_COMMANDS}
        ]


def roles_of(project: dict[str, Any], account: str) -> set[str]:
    """Returns the account's roles, each with the resource that it applies to."""
    return {
        f"{line.split()[0].removeprefix('roles/')} on {resource.split('@')[0]}"
        for resource, lines in project["policies"].items()
        for line in lines
        if line.split()[1] == f"serviceAccount:{account}@{PROJECT}.iam.gserviceaccount.com"
    }
