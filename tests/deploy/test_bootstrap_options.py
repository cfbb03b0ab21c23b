"""The options of `deploy/bootstrap`, and its messages when something is missing."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.bootstrapped import PROJECT, SCRIPT, Cloud

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("project", "said"),
    [
        ({"signed in": ""}, "Nobody is signed in to gcloud"),
        ({"projects": []}, "There is no project my-project, or you may not see it"),
        ({"billing": "False"}, "The project my-project has no billing account"),
    ],
)
def test_what_is_missing_is_reported_with_a_remedy(cloud: Cloud, project: dict[str, Any], said: str) -> None:
    """Before anything is changed."""
    cloud.change(**project)
    ran = cloud.run("--yes")
    assert (ran.code, cloud.changes) == (1, [])
    assert said in ran.output
    assert "gcloud " in ran.output.rpartition(said)[2]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--all"], "--all is not an option"),
        (["--project"], "--project needs a value"),
        (["--project", "My_Project"], "My_Project is not a valid project id"),
        (["--alert-email", 'a" b'], "is not a valid e-mail address"),
        (["--alert-email", "$CHANNEL@example.com"], "is not a valid e-mail address"),
        (["--database-location", "$PROJECT_NUMBER"], "$PROJECT_NUMBER is not a Firestore location"),
        (["--default-allowance", "$20"], "$20 is not an amount in dollars"),
        (["--default-allowance", "-1"], "-1 is not an amount in dollars"),
        ([], "This needs a confirmation, but there is no terminal"),
    ],
)
def test_invalid_options_change_nothing(cloud: Cloud, options: list[str], said: str) -> None:
    """Without `--yes`, a terminal is needed for the confirmation."""
    ran = cloud.run(*options)
    assert (ran.code, cloud.changes) == (1, [])
    assert said in ran.output


def test_without_gcloud_it_says_so(tmp_path: Path) -> None:
    """The script reports it, rather than failing with `command not found`."""
    for tool in ("dirname", "sed", "sort", "tr", "cat", "bash", "env"):
        found = shutil.which(tool)
        assert found
        (tmp_path / tool).symlink_to(found)
    done = subprocess.run(
        [SCRIPT, "--project", PROJECT, "--yes"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "gcloud is not on the PATH" in done.stderr


def test_help_lists_every_option() -> None:
    """Every option that the script accepts is in its help."""
    shown = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"--[a-z-]+(?=\)| \|)", SCRIPT.read_text().partition("# ---- Main")[2]))
    assert known
    assert known <= set(re.findall(r"--[a-z-]+", shown))


def test_what_users_may_spend_is_asked_for_once(cloud: Cloud) -> None:
    """An option or a person sets it. It stays, like all other settings in the file, unless the option changes it."""
    cloud.settings.unlink()
    ran = cloud.run("--yes")
    assert (ran.code, cloud.changes) == (1, [])
    assert "DEFAULT_ALLOWANCE is not set" in ran.output
    assert "--default-allowance DOLLARS" in ran.output
    assert cloud.run("--yes", "--default-allowance", "7.50").code == 0
    assert cloud.settings.read_text() == "DEFAULT_ALLOWANCE=7.50\n"
    cloud.settings.write_text("CORS_ORIGINS=https://a.example\nDEFAULT_ALLOWANCE=9\nALLOWANCE_REFILL=never\n")
    before = cloud.settings.read_text()
    assert cloud.run("--yes").code == 0
    assert cloud.settings.read_text() == before
    assert cloud.run("--yes", "--default-allowance=10").code == 0
    expected = "CORS_ORIGINS=https://a.example\nALLOWANCE_REFILL=never\nDEFAULT_ALLOWANCE=10\n"
    assert cloud.settings.read_text() == expected
