"""Checks the settings that functions need to start, so that a missing setting stops a deployment early."""

import re
from pathlib import Path

from deploy.stage.problem import StagingFailed

REQUIRED = {"DEFAULT_ALLOWANCE": "a new user's monthly allowance for models, in US dollars"}
"""The settings that have no default value in the cloud (see `shared/settings.py`)."""


def refuse_missing(project: str, folder: Path) -> None:
    """Checks the files that `firebase deploy` reads for the project. Raises `StagingFailed` if a setting is missing."""
    files = [folder / ".env", folder / f".env.{project}"]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    for name, meaning in REQUIRED.items():
        if not re.search(rf"^\s*(export\s+)?{name}\s*=\s*[\"']?[^\s\"'#]", text, re.MULTILINE):
            raise StagingFailed(
                f"{name} is not set, and functions do not start without it",
                f"Write {name}=… to {files[-1]}: {meaning}. `deploy/bootstrap` can do this for you.",
            )
