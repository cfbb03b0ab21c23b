"""`gcloud builds submit` sends all committed files to Cloud Build, and no files that git ignores."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _lines(*command: str, **environ: str) -> set[str]:
    environment = {**os.environ, **environ}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


@pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the folder is not a git checkout")
def test_all_committed_files_are_sent(tmp_path: Path) -> None:
    """The upload includes `.gitignore`, which tests read, but no `.env` and no Python or Node.js environment."""
    sent = _lines("gcloud", "meta", "list-files-for-upload", CLOUDSDK_CONFIG=str(tmp_path))
    assert sent == _lines("git", "ls-files", "--cached", "--others", "--exclude-per-directory=.gitignore")
