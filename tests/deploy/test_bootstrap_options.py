"""How `deploy/bootstrap` is called, and what it says when something is missing."""

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
def test_what_is_missing_is_said_with_what_to_do(cloud: Cloud, project: dict[str, Any], said: str) -> None:
    """Before anything is changed."""
    cloud.change(**project)
    ran = cloud.run("--yes")
    assert (ran.code, cloud.changes) == (1, [])
    assert said in ran.output
    assert "gcloud " in ran.output.rpartition(said)[2]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--all"], "--all is no option"),
        (["--project"], "--project needs a value"),
        (["--project", "My_Project"], "My_Project cannot be a project's id"),
        (["--alert-email", 'a" b'], "is no e-mail address"),
        (["--alert-email", "$CHANNEL@example.com"], "is no e-mail address"),
        (["--database-location", "$PROJECT_NUMBER"], "$PROJECT_NUMBER is no place of Firestore's"),
        (["--default-allowance", "$20"], "$20 is no amount of dollars"),
        (["--default-allowance", "-1"], "-1 is no amount of dollars"),
        ([], "There is nobody to ask"),
    ],
)
def test_options_that_make_no_sense_change_nothing(cloud: Cloud, options: list[str], said: str) -> None:
    """And without `--yes` somebody has to be there."""
    ran = cloud.run(*options)
    assert (ran.code, cloud.changes) == (1, [])
    assert said in ran.output


def test_without_gcloud_it_says_so(tmp_path: Path) -> None:
    """Rather than `command not found`."""
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


def test_help_tells_every_option() -> None:
    """That the script knows."""
    told = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"--[a-z-]+(?=\)| \|)", SCRIPT.read_text().partition("# ---- The whole")[2]))
    assert known
    assert known <= set(re.findall(r"--[a-z-]+", told))


def test_what_users_may_spend_is_asked_for_once(cloud: Cloud) -> None:
    """By an option, or a person; what is set stays, with all else in the file, unless the option says otherwise."""
    cloud.settings.unlink()
    ran = cloud.run("--yes")
    assert (ran.code, cloud.changes) == (1, [])
    assert "What a new user may spend on models is not set" in ran.output
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
