"""What `deploy/bootstrap --dry-run` prints."""

import re
import shlex
import subprocess

import pytest

from tests.deploy.bootstrapped import KEY, LOOKS, ROOT, Cloud, Ran

pytestmark = pytest.mark.long


def commands(printed: str) -> list[list[str]]:
    """The commands of a dry run, as a shell would read them; for an assignment, the command inside."""
    lines = [line for line in printed.splitlines() if line and not line.startswith("#")]
    inner = [re.sub(r"^[A-Z_]+=\$\((.*)\)$", r"\1", line) for line in lines]
    return [shlex.split(line) for line in inner]


def test_a_dry_run_calls_nothing_and_prints_all_that_a_first_run_does(ready: tuple[Cloud, Ran], cloud: Cloud) -> None:
    """In the same order, and complete enough to be pasted."""
    ran = cloud.run("--dry-run", "--alert-email", "oncall@example.com")
    assert ran.code == 0
    assert not cloud.calls
    meant = {"$PROJECT_NUMBER": "123", "$CHANNEL": "channels/1"}
    printed: list[list[str]] = []
    for command in commands(ran.output):
        if command[0] in ("for", "echo"):  # these collect the names of keys, and write a setting
            continue
        assert command[0] == "gcloud"
        words = [re.sub(r"\$[A-Z_]+", lambda name: meant[name[0]], word) for word in command[1:] if "${" not in word]
        if not {*words} & {*LOOKS}:
            printed.append([word for word in words if word not in ("<<<", "||", "true")])
    assert printed == ready[0].changes


def test_what_a_dry_run_prints_is_what_a_shell_runs(ready: tuple[Cloud, Ran], cloud: Cloud) -> None:
    """Pasted into a shell, it creates the same project as a first run."""
    printed = cloud.run("--dry-run", "--alert-email", "oncall@example.com").output
    cloud.settings.unlink()
    given = {**cloud.environ, "OPENAI_API_KEY": KEY, "DEFAULT_ALLOWANCE": "7.5"}
    done = subprocess.run(
        ["bash", "-eu"], input=printed, text=True, env=given, cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert cloud.project == ready[0].project
    assert cloud.settings.read_text() == "DEFAULT_ALLOWANCE=7.5\n"


def test_comments_between_the_commands_have_no_quotes(cloud: Cloud) -> None:
    """In a shell that does not ignore comments, such as zsh on macOS, a quote would begin a text."""
    comments = [line for line in cloud.run("--dry-run").output.splitlines() if line.startswith("#")]
    assert len(comments) > 5
    assert not [line for line in comments if {*line} & {"'", '"', "`"}]


def test_only_the_dry_runs_own_variables_are_expanded_when_it_is_pasted() -> None:
    """Everything else is quoted."""
    script = "source deploy/bootstrapping/commands.sh; quoted echo '$PROJECT_NUMBER' '$CHANNEL' '$HOME'"
    done = subprocess.run(["bash", "-euc", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == 'echo "$PROJECT_NUMBER" "$CHANNEL" \\$HOME'
