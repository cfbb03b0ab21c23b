"""The options of `deploy/bootstrap`, and its messages about missing prerequisites."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.bootstrapped import PROJECT, SCRIPT, Cloud

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("project", "message"),
    [
        ({"signed in": ""}, "No account is signed in to gcloud"),
        ({"projects": []}, "The project my-project does not exist, or you do not have access to it"),
        ({"billing": "False"}, "The project my-project has no billing account"),
    ],
)
def test_a_missing_prerequisite_is_reported_with_a_remedy(cloud: Cloud, project: dict[str, Any], message: str) -> None:
    """The script reports a missing sign-in, project or billing account with a remedy, before it changes anything."""
    cloud.change(**project)
    result = cloud.run("--yes")
    assert (result.code, cloud.changes) == (1, [])
    assert message in result.output
    assert "gcloud " in result.output.rpartition(message)[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--all"], "--all is not a valid option"),
        (["--project"], "--project needs a value"),
        (["--project", "My_Project"], "My_Project is not a valid project id"),
        (["--alert-email", 'a" b'], "is not a valid e-mail address"),
        (["--alert-email", "$CHANNEL@example.com"], "is not a valid e-mail address"),
        (["--database-location", "$PROJECT_NUMBER"], "$PROJECT_NUMBER is not a valid Firestore location"),
        (["--default-allowance", "$20"], "$20 is not an amount in dollars"),
        (["--default-allowance", "-1"], "-1 is not an amount in dollars"),
        ([], "Confirmation is required, but there is no terminal to ask on"),
    ],
)
def test_invalid_options_change_nothing(cloud: Cloud, options: list[str], message: str) -> None:
    """The script reports an invalid option, or a missing terminal for the confirmation, and changes nothing."""
    result = cloud.run(*options)
    assert (result.code, cloud.changes) == (1, [])
    assert message in result.output


def test_a_missing_gcloud_is_reported(tmp_path: Path) -> None:
    """If gcloud is missing, the script reports this instead of failing with `command not found`."""
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
    """The help lists every option that the script accepts."""
    help_text = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, check=True).stdout
    accepted = set(re.findall(r"--[a-z-]+(?=\)| \|)", SCRIPT.read_text().partition("# ---- Main")[2]))
    assert accepted
    assert accepted <= set(re.findall(r"--[a-z-]+", help_text))


def test_the_default_allowance_is_required_once(cloud: Cloud) -> None:
    """The default allowance must be given once. Later runs keep it and all other settings, unless it is passed."""
    cloud.settings.unlink()
    result = cloud.run("--yes")
    assert (result.code, cloud.changes) == (1, [])
    assert "DEFAULT_ALLOWANCE is not set" in result.output
    assert "--default-allowance DOLLARS" in result.output
    assert cloud.run("--yes", "--default-allowance", "7.50").code == 0
    assert cloud.settings.read_text() == "DEFAULT_ALLOWANCE=7.50\n"
    cloud.settings.write_text("CORS_ORIGINS=https://a.example\nDEFAULT_ALLOWANCE=9\nALLOWANCE_REFILL=never\n")
    before = cloud.settings.read_text()
    assert cloud.run("--yes").code == 0
    assert cloud.settings.read_text() == before
    assert cloud.run("--yes", "--default-allowance=10").code == 0
    expected = "CORS_ORIGINS=https://a.example\nALLOWANCE_REFILL=never\nDEFAULT_ALLOWANCE=10\n"
    assert cloud.settings.read_text() == expected
