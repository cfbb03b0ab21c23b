"""`deploy/bootstrap`, run with a gcloud that keeps a project in memory."""

import json
import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from tests.deploy.bootstrapped import FUNCTIONS, KEY, PROJECT, ROOT, SCRIPT, Cloud, Ran
from tests.deploy.gcloud_commands import flags_of

pytestmark = pytest.mark.long

DATABASE = (
    f"projects/{PROJECT}/databases/(default) FIRESTORE_NATIVE POINT_IN_TIME_RECOVERY_ENABLED DELETE_PROTECTION_ENABLED"
)
AT_ODDS = ("update", "set-cleanup-policies")


def test_a_first_run_makes_everything(ready: tuple[Cloud, Ran]) -> None:
    """Accounts, database, queue, secrets, job, image repository, metrics, alerts, dashboard."""
    cloud, ran = ready
    assert ran.code == 0, ran.output
    project = cloud.project
    accounts = {name.partition("@")[0] for name in project["accounts"]}
    assert accounts == {*(f"fn-{name}" for name in FUNCTIONS), "task-invoker", "scheduler-invoker", "deployer"}
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


def test_a_second_run_creates_nothing(again: Cloud) -> None:
    """It only updates metrics, alerts and dashboard from `deploy/monitoring`, and the policy for images."""
    ran = again.run("--yes", "--alert-email", "oncall@example.com", OPENAI_API_KEY=KEY)
    assert ran.code == 0, ran.output
    assert {next(word for word in call if word in AT_ODDS) for call in again.changes} == {*AT_ODDS}
    assert all(call[call.index("update") - 1] in ("metrics", "policies", "dashboards") for call in again.changes[1:])
    assert " create " not in ran.output, "no command creates anything"


def test_what_differs_is_updated(again: Cloud) -> None:
    """The queue's settings, the job's address, and a key with a new value."""
    before = deepcopy(again.project)
    again.change(queues={"worker": "PAUSED 3 0s 1s 60s 6 10"}, jobs={"sweep": "http://elsewhere"})
    ran = again.run("--yes", OPENAI_API_KEY="sk-new")
    assert ran.code == 0, ran.output
    assert "It is PAUSED, and stays PAUSED" in ran.output
    assert again.project["jobs"] == before["jobs"]
    assert again.project["queues"] == before["queues"]
    assert again.project["secrets"]["OPENAI_API_KEY"] == [f"{KEY}\n", "sk-new\n"]


@pytest.mark.parametrize("lacks", ["POINT_IN_TIME_RECOVERY", "DELETE_PROTECTION"])
def test_an_existing_database_is_protected(again: Cloud, lacks: str) -> None:
    """It gets the same protection as a database that the script creates."""
    again.change(databases={"(default)": DATABASE.replace(f"{lacks}_ENABLED", f"{lacks}_DISABLED")})
    ran = again.run("--yes")
    assert ran.code == 0, ran.output
    assert again.project["databases"] == {"(default)": DATABASE}


def test_a_database_in_datastore_mode_ends_it(again: Cloud) -> None:
    """The service cannot use such a database."""
    again.change(databases={"(default)": DATABASE.replace("FIRESTORE_NATIVE", "DATASTORE_MODE")})
    ran = again.run("--yes")
    assert ran.code == 1
    assert "is in Datastore mode" in ran.output


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
def test_after_a_failure_it_continues_where_it_stopped(cloud: Cloud, ready: tuple[Cloud, Ran], fault: str) -> None:
    """It reports the failed command and stops there; the next run does the rest."""
    options = ("--yes", "--alert-email", "oncall@example.com")
    cloud.change(faults=[fault])
    ran = cloud.run(*options, OPENAI_API_KEY=KEY)
    assert ran.code == 1
    assert "✗ That command failed" in ran.output
    assert fault in " ".join(cloud.calls[-1])
    cloud.change(faults=[])
    ran = cloud.run(*options, OPENAI_API_KEY=KEY)
    assert ran.code == 0, ran.output
    assert set(cloud.project) == set(ready[0].project)
    for kind, things in ready[0].project.items():
        assert set(cloud.project[kind]) == set(things), kind
    assert cloud.project["policies"] == ready[0].project["policies"]


@pytest.mark.parametrize("call", ["policies create", "add-iam-policy-binding", "queues list"])
def test_ctrl_c_ends_it(cloud: Cloud, tmp_path: Path, call: str) -> None:
    """Even where a failed command would be retried or skipped: gcloud exits with 1 when it is interrupted."""
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
    ran = cloud.run("--yes")
    assert ran.code == 130, ran.output
    assert "✗ Stopped. Run this again to continue." in ran.output
    after = {
        "policies create": "dashboards",
        "add-iam-policy-binding": "add-iam-policy-binding",
        "queues list": "secrets",
    }
    assert not [seen for seen in cloud.calls if after[call] in seen]


def test_a_failed_read_stops_it(again: Cloud) -> None:
    """A resource that could not be read is not treated as missing."""
    again.change(faults=["repositories list"])
    ran = again.run("--yes")
    assert ran.code == 1
    assert "✗ This command failed: gcloud artifacts repositories list" in ran.output
    assert not [call for call in again.changes if "repositories" in call]


@pytest.mark.skipif(not flags_of(["secrets", "create"]), reason="there is no gcloud here to ask")
def test_gcloud_has_every_command_and_flag_that_is_used(ready: tuple[Cloud, Ran], again: Cloud) -> None:
    """According to the completion data of the installed gcloud."""
    again.run("--yes", "--alert-email", "oncall@example.com", OPENAI_API_KEY=f"{KEY}-new")
    for call in [*ready[0].calls, *again.calls]:
        known = flags_of([word for word in call if not word.startswith("--")])
        assert known, call
        used = {word.partition("=")[0] for word in call if word.startswith("--")}
        assert {flag.replace("--no-", "--") for flag in used} <= known, call


def test_what_expires_in_firestore_is_the_same_as_in_the_indexes(ready: tuple[Cloud, Ran]) -> None:
    """`firebase deploy` sets those."""
    overrides = json.loads((ROOT / "firestore.indexes.json").read_text())["fieldOverrides"]
    expected = {f"{field['collectionGroup']}/fields/{field['fieldPath']}" for field in overrides if field.get("ttl")}
    assert {name.partition("collectionGroups/")[2] for name in ready[0].project["ttls"]} == expected
    assert not [call for call in ready[0].calls if "--async" in call], "they would still be under way then"


def test_shell_scripts_are_sound() -> None:
    """shellcheck finds nothing."""
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert shellcheck, "shellcheck is missing; `make setup` installs it"
    scripts = ["--external-sources", SCRIPT.relative_to(ROOT), ".ci/run"]
    done = subprocess.run([shellcheck, *scripts], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
