"""`deploy/bootstrap`, run with a gcloud that keeps a project in a file."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.llm.catalog.data import curated, provider_slugs
from shared.settings import Settings
from tests.deploy.gcloud_commands import flags_of
from tests.doubles.gcloud import Gcloud, Project

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "bootstrap"
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/functions.yaml"))
PROJECT = "my-project"
KEY = "sk-very-secret-0123456789"
LOOKS = ("list", "describe", "get-iam-policy", "access")
AT_ODDS = ("update", "set-cleanup-policies")


@dataclass
class Ran:
    code: int
    output: str


class Cloud:
    """A project, the gcloud that changes it, and the script."""

    def __init__(self, folder: Path, like: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.gcloud = Gcloud(Project(PROJECT))
        self.gcloud.command(folder)
        self.change(**deepcopy(like or {}))

    @property
    def project(self) -> dict[str, Any]:
        return self.gcloud.project.data

    def change(self, **data: Any) -> None:
        self.gcloud.project.data |= data

    def run(self, *options: str, **environ: str) -> Ran:
        """With `--project`; forgets the calls before it."""
        self.gcloud.calls.clear()
        done = subprocess.run(
            [SCRIPT, "--project", PROJECT, *options],
            env={**self.environ, "BOOTSTRAP_PAUSE_SECONDS": "0", **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout + done.stderr)

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:/usr/bin:/bin"}

    @property
    def calls(self) -> list[list[str]]:
        return self.gcloud.calls

    @property
    def changes(self) -> list[list[str]]:
        """The calls that do more than look."""
        return [call for call in self.calls if not {word for word in call if not word.startswith("--")} & {*LOOKS}]


def roles_of(project: dict[str, Any], account: str) -> set[str]:
    """What it may do, on which kind of thing."""
    return {
        f"{line.split()[0].removeprefix('roles/')} on {resource.split('@')[0]}"
        for resource, lines in project["policies"].items()
        for line in lines
        if line.split()[1] == f"serviceAccount:{account}@{PROJECT}.iam.gserviceaccount.com"
    }


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """An empty project."""
    cloud = Cloud(tmp_path)
    yield cloud
    cloud.gcloud.stop()


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Ran]]:
    """A project that the script has run on once, and what it said. For looking at only."""
    cloud = Cloud(tmp_path_factory.mktemp("ready"))
    yield cloud, cloud.run("--yes", "--alert-email", "oncall@example.com", OPENAI_API_KEY=KEY)
    cloud.gcloud.stop()


@pytest.fixture
def again(ready: tuple[Cloud, Ran], tmp_path: Path) -> Iterator[Cloud]:
    """The same, to be changed."""
    cloud = Cloud(tmp_path, ready[0].project)
    yield cloud
    cloud.gcloud.stop()


def test_a_first_run_makes_everything(ready: tuple[Cloud, Ran]) -> None:
    """Accounts, database, queue, secrets, job, images' place, metrics, alerts, dashboard."""
    cloud, ran = ready
    assert ran.code == 0, ran.output
    project = cloud.project
    accounts = {name.partition("@")[0] for name in project["accounts"]}
    assert accounts == {*(f"fn-{name}" for name in FUNCTIONS), "task-invoker", "scheduler-invoker", "deployer"}
    assert project["databases"] == {"(default)": f"projects/{PROJECT}/databases/(default) FIRESTORE_NATIVE"}
    assert list(project["schedules"]) == ["daily"]
    assert project["queues"] == {"worker": "RUNNING 30 21600s 1s 60s 6 200"}
    sweep = f"https://us-central1-{PROJECT}.cloudfunctions.net/sweep"
    invoker = f"scheduler-invoker@{PROJECT}.iam.gserviceaccount.com"
    assert project["jobs"] == {"sweep": f"{sweep} {invoker} {sweep} 300s * * * * *"}
    assert set(project["metrics"]) == {path.stem for path in ROOT.glob("deploy/monitoring/log-metrics/*.yaml")}
    assert len(project["alerts"]) == len(list(ROOT.glob("deploy/monitoring/alerts/*.yaml")))
    assert {alert["notification-channels"] for alert in project["alerts"].values()} == {"the-channel"}
    assert list(project["dashboards"]) == ["Agents"]
    assert list(project["repositories"]) == ["gcf-artifacts"]


def test_the_account_of_a_function_may_do_what_the_function_does(ready: tuple[Cloud, Ran]) -> None:
    """And those that run agent code reach data and models' keys, nothing else."""
    project = ready[0].project
    for name in FUNCTIONS:
        roles = {role for role in roles_of(project, f"fn-{name}") if "secretAccessor" not in role}
        expected = {f"datastore.user on projects {PROJECT}"}
        if name == "meta":
            expected = set()
        if name == "providers":
            expected = {f"datastore.viewer on projects {PROJECT}"}
        if name in ("chat", "sweep"):
            tokens = "iam.serviceAccountUser on iam service-accounts task-invoker"
            expected |= {f"cloudtasks.enqueuer on projects {PROJECT}", tokens}
        assert roles == expected, name


def test_the_queue_and_the_scheduler_open_functions_and_do_nothing_else(ready: tuple[Cloud, Ran]) -> None:
    """Granted on the project: `firebase deploy` takes away what is granted on a private function."""
    for account in ("task-invoker", "scheduler-invoker"):
        assert roles_of(ready[0].project, account) == {f"run.invoker on projects {PROJECT}"}


def test_functions_read_the_secrets_that_their_code_reads(ready: tuple[Cloud, Ran]) -> None:
    """Keys where the catalog of providers is loaded, the administrators' password in `admin`."""
    project = ready[0].project
    keys = set(project["secrets"]) - {"ADMIN_PASSWORD"}
    for name in FUNCTIONS:
        code = (ROOT / "functions" / name / "main.py").read_text()
        expected = keys if "Catalog.load" in code else {"ADMIN_PASSWORD"} if name == "admin" else set[str]()
        readable = {role.rpartition(" ")[2] for role in roles_of(project, f"fn-{name}") if "secretAccessor" in role}
        assert readable == expected, name


@pytest.mark.parametrize("slug", [slug for slug in provider_slugs() if curated(slug).api_key_env])
def test_every_provider_has_its_keys_among_the_secrets(ready: tuple[Cloud, Ran], slug: str) -> None:
    """All that one way to sign in takes; a session's token is nothing for a deployment."""
    secrets = set(ready[0].project["secrets"])
    ways = [set(way.values()) - {"AWS_SESSION_TOKEN"} for way in curated(slug).api_key_env]
    assert any(way <= secrets for way in ways)


def test_secrets_are_kept_and_those_without_a_value_count_as_not_set(ready: tuple[Cloud, Ran]) -> None:
    """Every secret has a version, as `firebase deploy` insists."""
    secrets = dict(ready[0].project["secrets"])
    assert secrets.pop("OPENAI_API_KEY") == [f"{KEY}\n"]
    assert secrets
    assert set(map(tuple, secrets.values())) == {("\n",)}
    assert Settings.from_environ({"ADMIN_PASSWORD": "\n"}).admin_password is None


def test_a_second_run_creates_nothing(again: Cloud) -> None:
    """It only brings what `deploy/monitoring` says up to date, and the policy for images."""
    ran = again.run("--yes", "--alert-email", "oncall@example.com", OPENAI_API_KEY=KEY)
    assert ran.code == 0, ran.output
    assert {next(word for word in call if word in AT_ODDS) for call in again.changes} == {*AT_ODDS}
    assert all(call[call.index("update") - 1] in ("metrics", "policies", "dashboards") for call in again.changes[1:])
    assert "create" not in ran.output


def test_what_differs_is_brought_up_to_date(again: Cloud) -> None:
    """The queue's settings, the job's address, a key that has another value."""
    before = deepcopy(again.project)
    again.change(queues={"worker": "PAUSED 3 0s 1s 60s 6 10"}, jobs={"sweep": "http://elsewhere"})
    ran = again.run("--yes", OPENAI_API_KEY="sk-new")
    assert ran.code == 0, ran.output
    assert "It is PAUSED, and stays so" in ran.output
    assert again.project["jobs"] == before["jobs"]
    assert again.project["queues"] == before["queues"]
    assert again.project["secrets"]["OPENAI_API_KEY"] == [f"{KEY}\n", "sk-new\n"]


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
def test_after_a_failure_it_goes_on_where_it_stopped(cloud: Cloud, ready: tuple[Cloud, Ran], fault: str) -> None:
    """It says which command failed, does nothing after it, and the next run does the rest."""
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


def test_a_look_that_fails_stops_it(again: Cloud) -> None:
    """What could not be seen is not taken for what is not there."""
    again.change(faults=["repositories list"])
    ran = again.run("--yes")
    assert ran.code == 1
    assert "✗ That could not be looked up: gcloud artifacts repositories list" in ran.output
    assert not [call for call in again.changes if "repositories" in call]


def test_alerts_that_are_refused_are_told_and_the_rest_is_done(cloud: Cloud) -> None:
    """A new metric is not known to alerts at once."""
    cloud.change(faults=["alerts/spend.yaml"])
    ran = cloud.run("--yes")
    assert ran.code == 1
    assert "These alerts were refused: deploy/monitoring/alerts/spend.yaml" in ran.output
    assert list(cloud.project["dashboards"]) == ["Agents"]


def test_secrets_are_in_no_output_and_no_command_line(ready: tuple[Cloud, Ran], again: Cloud) -> None:
    """Which others on the machine can see."""
    cloud, ran = ready
    assert KEY not in ran.output
    assert KEY not in json.dumps(cloud.calls)
    for options in (("--yes",), ("--dry-run",)):
        ran = again.run(*options, OPENAI_API_KEY=f"{KEY}-new", ADMIN_PASSWORD=f"{KEY}-password")
        assert ran.code == 0
        assert KEY not in ran.output
        assert KEY not in json.dumps(again.calls)


def commands(printed: str) -> list[list[str]]:
    """The commands of a dry run, as a shell would read them; of an assignment, what is asked for it."""
    lines = [line for line in printed.splitlines() if line and not line.startswith("#")]
    inner = [re.sub(r"^[A-Z_]+=\$\((.*)\)$", r"\1", line) for line in lines]
    return [shlex.split(line) for line in inner]


def test_a_dry_run_calls_nothing_and_prints_all_that_a_first_run_does(ready: tuple[Cloud, Ran], cloud: Cloud) -> None:
    """In its order, complete enough to be pasted."""
    ran = cloud.run("--dry-run", "--alert-email", "oncall@example.com")
    assert ran.code == 0
    assert not cloud.calls
    meant = {"$PROJECT_NUMBER": "123", "$CHANNEL": "the-channel"}
    printed: list[list[str]] = []
    for command in commands(ran.output):
        assert command[0] == "gcloud"
        words = [re.sub(r"\$[A-Z_]+", lambda name: meant[name[0]], word) for word in command[1:] if "${" not in word]
        if not {*words} & {*LOOKS}:
            printed.append([word for word in words if word != "<<<"])
    assert printed == ready[0].changes


def test_what_a_dry_run_prints_is_what_a_shell_runs(ready: tuple[Cloud, Ran], cloud: Cloud) -> None:
    """Pasted, it makes the project that a first run makes."""
    printed = cloud.run("--dry-run", "--alert-email", "oncall@example.com").output
    given = {**cloud.environ, "OPENAI_API_KEY": KEY}
    done = subprocess.run(
        ["bash", "-eu"], input=printed, text=True, env=given, cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert cloud.project == ready[0].project


@pytest.mark.skipif(not flags_of(["secrets", "create"]), reason="there is no gcloud here to ask")
def test_gcloud_has_every_command_and_flag_that_is_used(ready: tuple[Cloud, Ran], again: Cloud) -> None:
    """As far as the gcloud that is installed tells, which knows its own commands by heart."""
    again.run("--yes", "--alert-email", "oncall@example.com", OPENAI_API_KEY=f"{KEY}-new")
    for call in [*ready[0].calls, *again.calls]:
        known = flags_of([word for word in call if not word.startswith("--")])
        assert known, call
        used = {word.partition("=")[0] for word in call if word.startswith("--")}
        assert {flag.replace("--no-", "--") for flag in used} <= known, call


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


def test_what_expires_in_firestore_is_the_same_as_in_the_indexes(ready: tuple[Cloud, Ran]) -> None:
    """`firebase deploy` sets those."""
    overrides = json.loads((ROOT / "firestore.indexes.json").read_text())["fieldOverrides"]
    expected = {f"{field['collectionGroup']}/fields/{field['fieldPath']}" for field in overrides if field.get("ttl")}
    assert {name.partition("collectionGroups/")[2] for name in ready[0].project["ttls"]} == expected


def test_shell_scripts_are_sound() -> None:
    """shellcheck finds nothing."""
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert shellcheck, "shellcheck is missing; `make setup` installs it"
    done = subprocess.run([shellcheck, SCRIPT, ROOT / ".ci" / "run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
