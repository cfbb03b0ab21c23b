"""`gcloud builds submit` sends everything that is committed to Cloud Build, and nothing that git ignores."""

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


@pytest.mark.skipif(not shutil.which("gcloud"), reason="there is no gcloud here to ask")
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout")
def test_all_that_is_committed_is_sent(tmp_path: Path) -> None:
    """Including `.gitignore`, which tests read; but no `.env`, and no environment of Python or Node.js."""
    sent = _lines("gcloud", "meta", "list-files-for-upload", CLOUDSDK_CONFIG=str(tmp_path))
    assert sent == _lines("git", "ls-files", "--cached", "--others", "--exclude-per-directory=.gitignore")
