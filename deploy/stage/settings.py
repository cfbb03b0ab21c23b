"""Settings that functions do not start without: refused before anything is deployed, rather than found in a log."""

import re
from pathlib import Path

from deploy.stage.problem import StagingFailed

REQUIRED = {"DEFAULT_ALLOWANCE": "what a new user may spend on models in a month, in US dollars"}
"""Those without a default in the cloud: `shared/settings.py`."""


def refuse_missing(project: str, folder: Path) -> None:
    """Looks at the files that `firebase deploy` reads for the project. Raises `StagingFailed`."""
    files = [folder / ".env", folder / f".env.{project}"]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    for name, meaning in REQUIRED.items():
        if not re.search(rf"^\s*(export\s+)?{name}\s*=\s*[\"']?[^\s\"'#]", text, re.MULTILINE):
            raise StagingFailed(
                f"{name} is not set, and functions do not start without it",
                f"Write {name}=… into {files[-1]}: {meaning}. `deploy/bootstrap` does it, too.",
            )
