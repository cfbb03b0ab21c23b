"""`cloudbuild.yaml`: its schema, the order of its steps, and its shell scripts."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from deploy.stage.problem import StagingFailed
from deploy.stage.settings import refuse_missing

ROOT = Path(__file__).parents[2]
FILE = ROOT / "cloudbuild.yaml"
BUILT_IN = {"PROJECT_ID", "COMMIT_SHA"}
"""The substitutions that Cloud Build sets: https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values"""
DEPLOYING_STEPS = {"rules-and-indexes", "functions", "hosting"}

Duration = Annotated[str, StringConstraints(pattern=r"^\d+s$")]
Strict = ConfigDict(extra="forbid", strict=True)


class Step(BaseModel):
    """The part of https://cloud.google.com/build/docs/build-config-file-schema that is used here."""

    model_config = Strict

    id: str = Field(pattern=r"^[a-z][a-z-]*$")
    name: str
    entrypoint: str
    args: list[str]
    timeout: Duration
    wait_for: list[str] = Field(alias="waitFor", min_length=1)


class Options(BaseModel):
    model_config = Strict

    dynamic_substitutions: Literal[True] = Field(alias="dynamicSubstitutions")
    logging: Literal["CLOUD_LOGGING_ONLY"]
    """Required for a user-specified service account, unless the build has a log bucket."""
    machine_type: Literal["E2_HIGHCPU_8"] = Field(alias="machineType")
    env: list[Annotated[str, StringConstraints(pattern=r"^\w+=")]]


class Build(BaseModel):
    model_config = Strict

    steps: list[Step]
    substitutions: dict[Annotated[str, StringConstraints(pattern=r"^_[A-Z0-9_]+$")], str]
    service_account: str = Field(alias="serviceAccount")
    options: Options
    timeout: Duration


@pytest.fixture(scope="module")
def build() -> Build:
    return Build.model_validate(yaml.safe_load(FILE.read_text()))


@pytest.fixture(scope="module")
def before(build: Build) -> dict[str, set[str]]:
    """For each step's id, the ids of all steps that must succeed before it starts."""
    before: dict[str, set[str]] = {}
    for step in build.steps:
        direct = set(step.wait_for) - {"-"}
        assert direct <= before.keys(), f"{step.id} waits for a step that is not above it"
        before[step.id] = direct.union(*(before[id_] for id_ in direct))
    return before


def substitute(text: str, values: dict[str, str]) -> str:
    """Replaces `$NAME` and `${NAME}` with their values and `$$` with `$`, as Cloud Build does."""

    def value(match: re.Match[str]) -> str:
        name = match["name"] or match["braced"]
        return values[name] if name else "$"

    return re.sub(r"\$(?:\$|(?P<name>[A-Z_]\w*)|\{(?P<braced>[A-Z_]\w*)\})", value, text)


def test_step_ids_are_unique(build: Build) -> None:
    """Step ids are unique, because other steps refer to them."""
    ids = [step.id for step in build.steps]
    assert len(set(ids)) == len(ids)


def test_a_failed_test_deploys_nothing(before: dict[str, set[str]]) -> None:
    """Every step that deploys, and all later steps, wait for the tests, the staging, and the dry run."""
    assert before.keys() >= DEPLOYING_STEPS
    for id_ in DEPLOYING_STEPS | {"check"}:
        assert {"setup", "region", "allowance", "test", "stage", "preflight"} <= before[id_], id_


def test_a_dry_run_precedes_every_deployment(build: Build, before: dict[str, set[str]]) -> None:
    """A dry run checks that the rules compile, that the functions can be read, and that their secrets have values."""
    (preflight,) = [step for step in build.steps if "--dry-run" in step.args]
    assert preflight.id == "preflight"
    assert preflight.args[preflight.args.index("--only") + 1] == "firestore,functions,hosting"
    assert {"--non-interactive", "--project", "${_PROJECT}"} <= {*preflight.args}
    assert before["preflight"] >= {"stage", "test"}


def test_dependencies_are_deployed_first(before: dict[str, set[str]]) -> None:
    """Rules and indexes are deployed first, then functions, then Hosting with its rewrites. The check comes last."""
    assert "rules-and-indexes" in before["functions"]
    assert "functions" in before["hosting"]
    assert before["check"] >= DEPLOYING_STEPS


def test_each_part_is_deployed_once_after_the_tests(build: Build) -> None:
    """The steps that deploy wait for the tests, and together deploy each part of `firebase.json` once."""
    deployed = [step for step in build.steps if "deploy" in step.args and "--dry-run" not in step.args]
    assert {step.id for step in deployed} == DEPLOYING_STEPS
    assert {step.args[step.args.index("--only") + 1] for step in deployed} == {"firestore", "functions", "hosting"}
    for step in deployed:
        assert step.entrypoint == "node_modules/.bin/firebase"
        assert {"--non-interactive", "--project", "${_PROJECT}"} <= {*step.args}
        assert "--force" not in step.args, "it would delete functions and indexes that are not in the sources"


def test_all_steps_run_in_one_pinned_image(build: Build) -> None:
    """All steps use one image, because they share what `make setup` installs. Its tag pins the version of Node.js."""
    (image,) = {step.name for step in build.steps}
    assert re.fullmatch(r"node:\d+\.\d+\.\d+-bookworm(@sha256:[0-9a-f]{64})?", image)


def test_the_build_and_step_timeouts_are_consistent(build: Build) -> None:
    """The build's timeout is within Cloud Build's limit of a day and at least the sum of its steps' timeouts."""
    times = [int(step.timeout[:-1]) for step in build.steps]
    assert sum(times) <= int(build.timeout[:-1]) <= 24 * 3600


def test_substitutions_are_declared_and_used(build: Build) -> None:
    """Cloud Build refuses a build with undeclared or unused substitutions."""
    text = re.sub(r"^\s*#.*$", "", FILE.read_text(), flags=re.MULTILINE).replace("$$", "")
    used = {braced or name for braced, name in re.findall(r"\$\{([A-Z_]\w*)\}|\$([A-Z_]\w*)", text)}
    assert used == set(build.substitutions) | BUILT_IN


def test_the_build_uses_the_account_that_the_bootstrap_creates(build: Build) -> None:
    """The build runs as the account to which `deploy/bootstrap` grants the deployer's roles."""
    project = {"PROJECT_ID": "my-project"}
    account = substitute(build.service_account, project).rpartition("/")[2]
    done = subprocess.run(
        [ROOT / "deploy" / "bootstrap", "--project", "my-project", "--dry-run"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"--member=serviceAccount:{account} --role=roles/cloudfunctions.admin" in done.stdout


def copy_with_region(folder: Path, region: str) -> Path:
    """Copies all files that the step `region` reads to `folder`, and changes their region."""
    for path in [*ROOT.glob("functions/*/functions.yaml"), ROOT / "firebase.json"]:
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text().replace("us-central1", region))
    for path in (ROOT / "shared/settings.py", ROOT / "deploy/settings/README.md"):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return folder


def run_step(build: Build, folder: Path, region: str, id_: str = "region") -> int:
    (step,) = [step for step in build.steps if step.id == id_]
    script = substitute(step.args[-1], {"_REGION": region, "_PROJECT": "my-project"})
    return subprocess.run(["bash", "-euc", script], cwd=folder, capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        (".env.my-project", "DEFAULT_ALLOWANCE=20\n", 0),
        (".env", 'export DEFAULT_ALLOWANCE = "7.5"\n', 0),
        (".env.my-project", "", 1),
        (".env.my-project", "DEFAULT_ALLOWANCE=\n", 1),
        (".env.my-project", "# DEFAULT_ALLOWANCE=20\n", 1),
        (".env.another", "DEFAULT_ALLOWANCE=20\n", 1),
    ],
)
def test_the_default_allowance_must_be_set(build: Build, tmp_path: Path, name: str, text: str, code: int) -> None:
    """Without a default allowance, no function would start, so both the build and a manual deployment stop."""
    folder = tmp_path / "deploy" / "settings"
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    assert run_step(build, tmp_path, "us-central1", "allowance") == code
    if code:
        with pytest.raises(StagingFailed, match="DEFAULT_ALLOWANCE is not set"):
            refuse_missing("my-project", folder)
    else:
        refuse_missing("my-project", folder)


def test_the_region_must_match_the_functions(build: Build) -> None:
    """The build fails before it deploys if its region is not the functions' region."""
    assert run_step(build, ROOT, build.substitutions["_REGION"]) == 0
    assert run_step(build, ROOT, "europe-west1") == 1


@pytest.mark.parametrize("settings", [".env", ".env.my-project"])
def test_a_change_of_region_must_be_complete(build: Build, tmp_path: Path, settings: str) -> None:
    """A change of region must include Hosting's rewrites and the setting for the queue's location."""
    folder = copy_with_region(tmp_path, "europe-west1")
    file = folder / "deploy" / "settings" / settings
    assert run_step(build, folder, "europe-west1") == 1
    file.write_text("DEFAULT_ALLOWANCE=20\nWORKER_LOCATION=us-central1\n")
    assert run_step(build, folder, "europe-west1") == 1
    file.write_text("DEFAULT_ALLOWANCE=20\nWORKER_LOCATION=europe-west1\n")
    assert run_step(build, folder, "europe-west1") == 0
    (folder / "firebase.json").write_text((ROOT / "firebase.json").read_text())
    assert run_step(build, folder, "europe-west1") == 1


@dataclass(frozen=True)
class CheckRun:
    """A run of the step `check`: its exit code, its output, its number of requests, and its maximum duration."""

    code: int
    output: str
    requests: int
    seconds: int


GOOD = {"api/health": ["200"], "users/me": ["401"], "worker": ["403"], "sweep": ["403"]}


def run_check(build: Build, folder: Path, statuses: dict[str, list[str]]) -> CheckRun:
    """Runs the step `check` with a `curl` that returns each path's statuses in turn and then repeats the last one.

    The status "" means a failed connection. The `sleep` of the step does not actually wait.
    """
    curl, sleep, calls = folder / "curl", folder / "sleep", folder / "calls"
    for path, values in statuses.items():
        (folder / path.rpartition("/")[2]).write_text("\n".join(values) + "\n")
    curl.write_text(f"""#!/bin/bash
echo "$@" >>{calls}
[[ "$*" == *"--max-time 20 "* ]] || exit 2
file={folder}/${{@: -1}}; file={folder}/${{file##*/}}
status=$(head -n 1 "$file")
[ "$(wc -l <"$file")" -eq 1 ] || sed -i 1d "$file"
[ -n "$status" ] || {{ printf 000; exit 6; }}
printf '%s' "$status"
""")
    sleep.write_text(f'#!/bin/bash\necho "$1" >>{folder}/slept\n')
    curl.chmod(0o755)
    sleep.chmod(0o755)
    (check,) = [step for step in build.steps if step.id == "check"]
    script = substitute(check.args[-1], {"_PROJECT": "my-project", "_REGION": "us-central1"})
    environ = {"PATH": f"{folder}:/usr/bin:/bin"}
    done = subprocess.run(["bash", "-euc", script], env=environ, capture_output=True, text=True, check=False)
    requests = len(calls.read_text().splitlines())
    slept = sum(map(int, (folder / "slept").read_text().split())) if (folder / "slept").exists() else 0
    return CheckRun(done.returncode, done.stdout + done.stderr, requests, slept + 20 * requests)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("api/health", "200", 0), ("api/health", "503", 1), ("users/me", "200", 1), ("sweep", "200", 1)],
)
def test_the_deployment_is_checked(build: Build, tmp_path: Path, path: str, status: str, code: int) -> None:
    """The build fails if the service is unhealthy, accepts requests without a token, or has a public sweep."""
    result = run_check(build, tmp_path, {**GOOD, path: [status]})
    assert result.code == code, result.output


@pytest.mark.parametrize(
    ("path", "not_yet"),
    [("api/health", ["", "", "404", "503"]), ("users/me", ["404"]), ("worker", ["", "404", "404"])],
)
def test_the_check_waits_for_a_new_site(build: Build, tmp_path: Path, path: str, not_yet: list[str]) -> None:
    """The check waits for a new site, which may have no DNS name, certificate or page for a few minutes."""
    result = run_check(build, tmp_path, {**GOOD, path: [*not_yet, *GOOD[path]]})
    assert result.code == 0, result.output
    assert result.requests == 4 + len(not_yet)


def test_the_wait_is_limited(build: Build, tmp_path: Path) -> None:
    """The check ends before the step's timeout and reports the problem."""
    result = run_check(build, tmp_path, {**GOOD, "users/me": [""]})
    assert result.code == 1
    assert "my-project.web.app/api/users/me must return 401, but last returned 000" in result.output
    (check,) = [step for step in build.steps if step.id == "check"]
    assert result.seconds <= int(check.timeout[:-1])


def test_a_public_worker_is_not_called_twice(build: Build, tmp_path: Path) -> None:
    """The check fails at the first successful call of the worker, because each call would run it."""
    result = run_check(build, tmp_path, {**GOOD, "worker": ["204"]})
    assert result.code == 1
    assert "worker is public" in result.output
    assert result.requests == 3


def test_shellcheck_accepts_the_steps(build: Build) -> None:
    """shellcheck finds no problems in the steps' scripts after Cloud Build's substitutions."""
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert shellcheck, "shellcheck is missing; `make setup` installs it"
    values = {"_PROJECT": "my-project", "_REGION": "us-central1"}
    scripts = [step.args[-1] for step in build.steps if step.entrypoint == "bash"]
    assert len(scripts) >= 4
    for script in scripts:
        text = f"#!/bin/bash\nset -eu\n{substitute(script, values)}"
        done = subprocess.run([shellcheck, "-"], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
