"""`cloudbuild.yaml`: its form, its order, and the shell lines in it."""

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
"""What Cloud Build sets: https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values"""
DEPLOYS = {"rules-and-indexes", "functions", "hosting"}

Duration = Annotated[str, StringConstraints(pattern=r"^\d+s$")]
Strict = ConfigDict(extra="forbid", strict=True)


class Step(BaseModel):
    """https://cloud.google.com/build/docs/build-config-file-schema, as far as it is used here."""

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
    """What a service account of one's own needs, unless there is a bucket for logs."""
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
    """All steps that have to succeed before a step begins, by its id."""
    found: dict[str, set[str]] = {}
    for step in build.steps:
        waited = set(step.wait_for) - {"-"}
        assert waited <= found.keys(), f"{step.id} waits for what is not above it"
        found[step.id] = waited.union(*(found[id_] for id_ in waited))
    return found


def substituted(text: str, values: dict[str, str]) -> str:
    """As Cloud Build does it: `$NAME` and `${NAME}`, and `$$` is a `$`."""

    def value(match: re.Match[str]) -> str:
        name = match["name"] or match["braced"]
        return values[name] if name else "$"

    return re.sub(r"\$(?:\$|(?P<name>[A-Z_]\w*)|\{(?P<braced>[A-Z_]\w*)\})", value, text)


def test_every_step_has_a_name_of_its_own(build: Build) -> None:
    """By which others wait for it."""
    ids = [step.id for step in build.steps]
    assert len(set(ids)) == len(ids)


def test_a_failed_test_deploys_nothing(before: dict[str, set[str]]) -> None:
    """Everything that deploys, and all that comes after, waits for the tests, what was staged, and the dry run."""
    assert before.keys() >= DEPLOYS
    for id_ in DEPLOYS | {"check"}:
        assert {"setup", "region", "allowance", "test", "stage", "preflight"} <= before[id_], id_


def test_what_would_be_refused_late_is_refused_before_anything_is_deployed(
    build: Build, before: dict[str, set[str]]
) -> None:
    """A dry run of everything: rules compile, functions are read, their secrets have values."""
    (preflight,) = [step for step in build.steps if "--dry-run" in step.args]
    assert preflight.id == "preflight"
    assert preflight.args[preflight.args.index("--only") + 1] == "firestore,functions,hosting"
    assert {"--non-interactive", "--project", "${_PROJECT}"} <= {*preflight.args}
    assert before["preflight"] >= {"stage", "test"}


def test_what_others_rely_on_is_deployed_before_them(before: dict[str, set[str]]) -> None:
    """Rules and indexes, then functions, then Hosting with its rewrites; then it is tried."""
    assert "rules-and-indexes" in before["functions"]
    assert "functions" in before["hosting"]
    assert before["check"] >= DEPLOYS


def test_only_steps_that_wait_for_the_tests_deploy(build: Build) -> None:
    """And together they deploy each part of `firebase.json` once."""
    deployed = [step for step in build.steps if "deploy" in step.args and "--dry-run" not in step.args]
    assert {step.id for step in deployed} == DEPLOYS
    assert {step.args[step.args.index("--only") + 1] for step in deployed} == {"firestore", "functions", "hosting"}
    for step in deployed:
        assert step.entrypoint == "node_modules/.bin/firebase"
        assert {"--non-interactive", "--project", "${_PROJECT}"} <= {*step.args}
        assert "--force" not in step.args, "which deletes functions and indexes that are not here"


def test_all_steps_run_in_one_pinned_image(build: Build) -> None:
    """They share what `make setup` installs. A tag of three numbers does not move on to another Node.js."""
    (image,) = {step.name for step in build.steps}
    assert re.fullmatch(r"node:\d+\.\d+\.\d+-bookworm(@sha256:[0-9a-f]{64})?", image)


def test_the_build_ends_in_time(build: Build) -> None:
    """No longer than Cloud Build lets it, a day; and no step is cut off that has time left of its own."""
    times = [int(step.timeout[:-1]) for step in build.steps]
    assert sum(times) <= int(build.timeout[:-1]) <= 24 * 3600


def test_substitutions_are_declared_and_used(build: Build) -> None:
    """Cloud Build refuses a build for either."""
    text = re.sub(r"^\s*#.*$", "", FILE.read_text(), flags=re.MULTILINE).replace("$$", "")
    used = {braced or name for braced, name in re.findall(r"\$\{([A-Z_]\w*)\}|\$([A-Z_]\w*)", text)}
    assert used == set(build.substitutions) | BUILT_IN


def test_the_account_that_deploys_is_the_one_that_the_bootstrap_makes(build: Build) -> None:
    """With what it may do."""
    project = {"PROJECT_ID": "my-project"}
    account = substituted(build.service_account, project).rpartition("/")[2]
    done = subprocess.run(
        [ROOT / "deploy" / "bootstrap", "--project", "my-project", "--dry-run"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"--member=serviceAccount:{account} --role=roles/cloudfunctions.admin" in done.stdout


def moved(folder: Path, region: str) -> Path:
    """All that the step about the region looks at, with another region in it than here."""
    for path in [*ROOT.glob("functions/*/functions.yaml"), ROOT / "firebase.json"]:
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text().replace("us-central1", region))
    for path in (ROOT / "shared/settings.py", ROOT / "deploy/settings/README.md"):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return folder


def analyze_code(build: Build, folder: Path, region: str, id_: str = "region") -> int:
    (step,) = [step for step in build.steps if step.id == id_]
    script = substituted(step.args[-1], {"_REGION": region, "_PROJECT": "my-project"})
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
def test_what_users_may_spend_has_to_be_set(build: Build, tmp_path: Path, name: str, text: str, code: int) -> None:
    """No function would start; the Firebase CLI by hand is stopped for the same reason, by what it runs before."""
    folder = tmp_path / "deploy" / "settings"
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    assert analyze_code(build, tmp_path, "us-central1", "allowance") == code
    if code:
        with pytest.raises(StagingFailed, match="DEFAULT_ALLOWANCE is not set"):
            refuse_missing("my-project", folder)
    else:
        refuse_missing("my-project", folder)


def test_the_region_is_the_functions_own(build: Build) -> None:
    """Another one given on the command line ends the build before it deploys."""
    assert analyze_code(build, ROOT, build.substitutions["_REGION"]) == 0
    assert analyze_code(build, ROOT, "europe-west1") == 1


@pytest.mark.parametrize("settings", [".env", ".env.my-project"])
def test_a_service_that_moves_moves_whole(build: Build, tmp_path: Path, settings: str) -> None:
    """With Hosting's rewrites, and with the place where tasks are handed in, which is a setting."""
    folder = moved(tmp_path, "europe-west1")
    file = folder / "deploy" / "settings" / settings
    assert analyze_code(build, folder, "europe-west1") == 1
    file.write_text("DEFAULT_ALLOWANCE=20\nWORKER_LOCATION=us-central1\n")
    assert analyze_code(build, folder, "europe-west1") == 1
    file.write_text("DEFAULT_ALLOWANCE=20\nWORKER_LOCATION=europe-west1\n")
    assert analyze_code(build, folder, "europe-west1") == 0
    (folder / "firebase.json").write_text((ROOT / "firebase.json").read_text())
    assert analyze_code(build, folder, "europe-west1") == 1


@dataclass(frozen=True)
class Tried:
    """What the step that tries the service did: its exit code, what it said, and for how many seconds it may wait."""

    code: int
    said: str
    asked: int
    seconds: int


GOOD = {"api/health": ["200"], "users/me": ["401"], "worker": ["403"], "sweep": ["403"]}


def tried(build: Build, folder: Path, answers: dict[str, list[str]]) -> Tried:
    """Runs the step with a curl that gives each path's answers one after the other, and the last for ever.

    "" is no connection at all. Nobody really sleeps.
    """
    curl, sleep, calls = folder / "curl", folder / "sleep", folder / "calls"
    for path, given in answers.items():
        (folder / path.rpartition("/")[2]).write_text("\n".join(given) + "\n")
    curl.write_text(f"""#!/bin/bash
echo "$@" >>{calls}
[[ "$*" == *"--max-time 20 "* ]] || exit 2
file={folder}/${{@: -1}}; file={folder}/${{file##*/}}
answer=$(head -n 1 "$file")
[ "$(wc -l <"$file")" -eq 1 ] || sed -i 1d "$file"
[ -n "$answer" ] || {{ printf 000; exit 6; }}
printf '%s' "$answer"
""")
    sleep.write_text(f'#!/bin/bash\necho "$1" >>{folder}/slept\n')
    curl.chmod(0o755)
    sleep.chmod(0o755)
    (check,) = [step for step in build.steps if step.id == "check"]
    script = substituted(check.args[-1], {"_PROJECT": "my-project", "_REGION": "us-central1"})
    environ = {"PATH": f"{folder}:/usr/bin:/bin"}
    done = subprocess.run(["bash", "-euc", script], env=environ, capture_output=True, text=True, check=False)
    asked = len(calls.read_text().splitlines())
    slept = sum(map(int, (folder / "slept").read_text().split())) if (folder / "slept").exists() else 0
    return Tried(done.returncode, done.stdout + done.stderr, asked, slept + 20 * asked)


@pytest.mark.parametrize(
    ("path", "answer", "code"),
    [("api/health", "200", 0), ("api/health", "503", 1), ("users/me", "200", 1), ("sweep", "200", 1)],
)
def test_what_was_deployed_is_tried(build: Build, tmp_path: Path, path: str, answer: str, code: int) -> None:
    """A service that does not answer, is open, or lets anybody run its worker fails the build."""
    result = tried(build, tmp_path, {**GOOD, path: [answer]})
    assert result.code == code, result.said


@pytest.mark.parametrize(
    ("path", "not_yet"),
    [("api/health", ["", "", "404", "503"]), ("users/me", ["404"]), ("worker", ["", "404", "404"])],
)
def test_a_site_that_is_not_up_yet_is_waited_for(build: Build, tmp_path: Path, path: str, not_yet: list[str]) -> None:
    """A new one has no name, no certificate or no page for some minutes."""
    result = tried(build, tmp_path, {**GOOD, path: [*not_yet, *GOOD[path]]})
    assert result.code == 0, result.said
    assert result.asked == 4 + len(not_yet)


def test_it_is_waited_for_only_so_long(build: Build, tmp_path: Path) -> None:
    """Within the step's own time, so that what is wrong is said rather than cut off."""
    result = tried(build, tmp_path, {**GOOD, "users/me": [""]})
    assert result.code == 1
    assert "my-project.web.app/api/users/me has to answer 401, and answered 000" in result.said
    (check,) = [step for step in build.steps if step.id == "check"]
    assert result.seconds <= int(check.timeout[:-1])


def test_what_is_open_is_not_asked_twice(build: Build, tmp_path: Path) -> None:
    """Each time would run it."""
    result = tried(build, tmp_path, {**GOOD, "worker": ["204"]})
    assert result.code == 1
    assert "worker is open" in result.said
    assert result.asked == 3


def test_the_shell_lines_are_sound(build: Build) -> None:
    """shellcheck finds nothing, once Cloud Build has put its values in."""
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert shellcheck, "shellcheck is missing; `make setup` installs it"
    values = {"_PROJECT": "my-project", "_REGION": "us-central1"}
    scripts = [step.args[-1] for step in build.steps if step.entrypoint == "bash"]
    assert len(scripts) >= 4
    for script in scripts:
        text = f"#!/bin/bash\nset -eu\n{substituted(script, values)}"
        done = subprocess.run([shellcheck, "-"], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
