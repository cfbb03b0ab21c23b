"""`deploy/bootstrap`, run with a gcloud double that stores a project in memory."""

import json
import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from tests.deploy.bootstrapped import FUNCTIONS, KEY, PROJECT, ROOT, SCRIPT, Cloud, Result, account_of
from tests.deploy.gcloud_commands import flags_of

pytestmark = pytest.mark.long

DATABASE = (
    f"projects/{PROJECT}/databases/(default) FIRESTORE_NATIVE POINT_IN_TIME_RECOVERY_ENABLED DELETE_PROTECTION_ENABLED"
)
UPDATING_COMMANDS = ("update", "set-cleanup-policies")


def test_a_first_run_creates_everything(first_run: tuple[Cloud, Result]) -> None:
    """The first run creates accounts, database, queue, job, repository, metrics, alerts and dashboard."""
    cloud, result = first_run
    assert result.code == 0, result.output
    project = cloud.project
    accounts = {name.partition("@")[0] for name in project["accounts"]}
    assert accounts == {*(account_of(name) for name in FUNCTIONS), "task-invoker", "scheduler-invoker", "deployer"}
    assert project["databases"] == {"(default)": DATABASE}
    assert list(project["schedules"]) == ["daily"]
    assert project["queues"] == {"worker": "RUNNING 30 21600s 1s 60s 6 42"}
    sweep = f"https://us-central1-{PROJECT}.cloudfunctions.net/sweep"
    invoker = f"scheduler-invoker@{PROJECT}.iam.gserviceaccount.com"
    assert project["jobs"] == {"sweep": f"{sweep} {invoker} {sweep} 300s * * * * *"}
    assert set(project["metrics"]) == {path.stem for path in ROOT.glob("deploy/monitoring/log-metrics/*.yaml")}
    assert len(project["alerts"]) == len(list(ROOT.glob("deploy/monitoring/alerts/*.yaml")))
    assert project["channels"] == {"channels/1": "oncall@example.com"}
    assert {(alert["channels"], alert["enabled"]) for alert in project["alerts"].values()} == {("channels/1", "True")}
    assert list(project["dashboards"]) == ["Agents"]
    assert list(project["repositories"]) == ["gcf-artifacts"]


def test_a_second_run_creates_nothing(existing: Cloud) -> None:
    """A second run updates only the monitoring resources and the image cleanup policy."""
    result = existing.run("--yes", "--alert-email", "oncall@example.com", OPENAI_API_KEY=KEY)
    assert result.code == 0, result.output
    assert {next(word for word in call if word in UPDATING_COMMANDS) for call in existing.changes} == {
        *UPDATING_COMMANDS
    }
    assert all(call[call.index("update") - 1] in ("metrics", "policies", "dashboards") for call in existing.changes[1:])
    assert " create " not in result.output, "no command creates anything"


def test_changed_resources_are_updated(existing: Cloud) -> None:
    """The script restores the queue's settings and the job's address, and stores a key's new value."""
    before = deepcopy(existing.project)
    existing.change(queues={"worker": "PAUSED 3 0s 1s 60s 6 10"}, jobs={"sweep": "http://elsewhere"})
    result = existing.run("--yes", OPENAI_API_KEY="sk-new")
    assert result.code == 0, result.output
    assert "The queue is PAUSED and stays PAUSED" in result.output
    assert existing.project["jobs"] == before["jobs"]
    assert existing.project["queues"] == before["queues"]
    assert existing.project["secrets"]["OPENAI_API_KEY"] == [f"{KEY}\n", "sk-new\n"]


@pytest.mark.parametrize("protection", ["POINT_IN_TIME_RECOVERY", "DELETE_PROTECTION"])
def test_an_existing_database_is_protected(existing: Cloud, protection: str) -> None:
    """An existing database gets the same protection as one that the script creates."""
    existing.change(databases={"(default)": DATABASE.replace(f"{protection}_ENABLED", f"{protection}_DISABLED")})
    result = existing.run("--yes")
    assert result.code == 0, result.output
    assert existing.project["databases"] == {"(default)": DATABASE}


def test_a_database_in_datastore_mode_is_refused(existing: Cloud) -> None:
    """The script fails if the database is in Datastore mode, because the service cannot use it."""
    existing.change(databases={"(default)": DATABASE.replace("FIRESTORE_NATIVE", "DATASTORE_MODE")})
    result = existing.run("--yes")
    assert result.code == 1
    assert "is in Datastore mode" in result.output


@pytest.mark.parametrize(
    "fault",
    [
        "services enable",
        "service-accounts create fn-mcp",
        "role=roles/run.admin",
        "secrets create OPENAI_API_KEY",
        "secrets versions add GEMINI_API_KEY",
        "jobs create",
    ],
)
def test_a_run_after_a_failure_continues_where_the_script_stopped(
    cloud: Cloud, first_run: tuple[Cloud, Result], fault: str
) -> None:
    """The script stops at a failed command and reports it. The next run completes the setup."""
    options = ("--yes", "--alert-email", "oncall@example.com")
    cloud.change(faults=[fault])
    result = cloud.run(*options, OPENAI_API_KEY=KEY)
    assert result.code == 1
    assert "✗ That command failed" in result.output
    assert fault in " ".join(cloud.calls[-1])
    cloud.change(faults=[])
    result = cloud.run(*options, OPENAI_API_KEY=KEY)
    assert result.code == 0, result.output
    assert set(cloud.project) == set(first_run[0].project)
    for kind, resources in first_run[0].project.items():
        assert set(cloud.project[kind]) == set(resources), kind
    assert cloud.project["policies"] == first_run[0].project["policies"]


@pytest.mark.parametrize("call", ["policies create", "add-iam-policy-binding", "queues list"])
def test_ctrl_c_stops_the_script(cloud: Cloud, tmp_path: Path, call: str) -> None:
    """Ctrl-C stops the script even during commands that may fail, although an interrupted gcloud exits with 1."""
    gcloud, real = tmp_path / "gcloud", tmp_path / "real"
    gcloud.rename(real)
    gcloud.write_text(
        f"""#!/usr/bin/env bash
case "$*" in *"{call}"*)
  trap '' INT
  kill -INT 0
  exit 1 ;;
esac
exec {real} "$@"
"""
    )
    gcloud.chmod(0o755)
    result = cloud.run("--yes")
    assert result.code == 130, result.output
    assert "✗ Stopped. Run this again to continue." in result.output
    after = {
        "policies create": "dashboards",
        "add-iam-policy-binding": "add-iam-policy-binding",
        "queues list": "secrets",
    }
    assert not [seen for seen in cloud.calls if after[call] in seen]


def test_a_failed_read_stops_the_script(existing: Cloud) -> None:
    """The script does not treat a resource that it cannot read as missing."""
    existing.change(faults=["repositories list"])
    result = existing.run("--yes")
    assert result.code == 1
    assert "✗ This command failed: gcloud artifacts repositories list" in result.output
    assert not [call for call in existing.changes if "repositories" in call]


@pytest.mark.skipif(not flags_of(["secrets", "create"]), reason="gcloud is not installed")
def test_the_script_uses_only_known_commands_and_flags(first_run: tuple[Cloud, Result], existing: Cloud) -> None:
    """The installed gcloud knows each command and flag that the script uses, according to its completion data."""
    existing.run("--yes", "--alert-email", "oncall@example.com", OPENAI_API_KEY=f"{KEY}-new")
    for call in [*first_run[0].calls, *existing.calls]:
        known = flags_of([word for word in call if not word.startswith("--")])
        assert known, call
        used = {word.partition("=")[0] for word in call if word.startswith("--")}
        assert {flag.replace("--no-", "--") for flag in used} <= known, call


def test_the_ttl_policies_match_the_indexes(first_run: tuple[Cloud, Result]) -> None:
    """The script sets the same TTL policies as `firebase deploy`, which reads `firestore.indexes.json`."""
    overrides = json.loads((ROOT / "firestore.indexes.json").read_text())["fieldOverrides"]
    expected = {f"{field['collectionGroup']}/fields/{field['fieldPath']}" for field in overrides if field.get("ttl")}
    assert {name.partition("collectionGroups/")[2] for name in first_run[0].project["ttls"]} == expected
    assert not [call for call in first_run[0].calls if "--async" in call], "the policies would not be complete yet"


def test_shellcheck_accepts_the_scripts() -> None:
    """shellcheck finds no problems in the shell scripts."""
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert shellcheck, "shellcheck is missing; `make setup` installs it"
    scripts = ["--external-sources", SCRIPT.relative_to(ROOT), ".ci/run"]
    done = subprocess.run([shellcheck, *scripts], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
