"""The output of `deploy/bootstrap --dry-run`."""

import re
import shlex
import subprocess

import pytest

from tests.deploy.bootstrapped import KEY, READING_COMMANDS, ROOT, Cloud, Result

pytestmark = pytest.mark.long


def commands(printed: str) -> list[list[str]]:
    """Returns the commands of a dry run as a shell would read them. Of an assignment, returns the inner command."""
    lines = [line for line in printed.splitlines() if line and not line.startswith("#")]
    inner = [re.sub(r"^[A-Z_]+=\$\((.*)\)$", r"\1", line) for line in lines]
    return [shlex.split(line) for line in inner]


def test_a_dry_run_prints_the_commands_of_a_first_run(first_run: tuple[Cloud, Result], cloud: Cloud) -> None:
    """A dry run prints the commands of a first run in the same order, ready to be pasted, and runs none of them."""
    result = cloud.run("--dry-run", "--alert-email", "oncall@example.com")
    assert result.code == 0
    assert not cloud.calls
    values = {"$PROJECT_NUMBER": "123", "$CHANNEL": "channels/1"}
    printed: list[list[str]] = []
    for command in commands(result.output):
        if command[0] in ("for", "echo"):  # these collect the keys' names and write a setting
            continue
        assert command[0] == "gcloud"
        words = [re.sub(r"\$[A-Z_]+", lambda name: values[name[0]], word) for word in command[1:] if "${" not in word]
        if not {*words} & {*READING_COMMANDS}:
            printed.append([word for word in words if word not in ("<<<", "||", "true")])
    assert printed == first_run[0].changes


def test_the_printed_commands_run_in_a_shell(first_run: tuple[Cloud, Result], cloud: Cloud) -> None:
    """If the output of a dry run is pasted into a shell, it creates the same project as a first run."""
    printed = cloud.run("--dry-run", "--alert-email", "oncall@example.com").output
    cloud.settings.unlink()
    environ = {**cloud.environ, "OPENAI_API_KEY": KEY, "DEFAULT_ALLOWANCE": "7.5"}
    done = subprocess.run(
        ["bash", "-eu"], input=printed, text=True, env=environ, cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert cloud.project == first_run[0].project
    assert cloud.settings.read_text() == "DEFAULT_ALLOWANCE=7.5\n"


def test_comments_between_the_commands_have_no_quotes(cloud: Cloud) -> None:
    """Comments contain no quotes. zsh on macOS does not ignore pasted comments, so a quote would begin a string."""
    comments = [line for line in cloud.run("--dry-run").output.splitlines() if line.startswith("#")]
    assert len(comments) > 5
    assert not [line for line in comments if {*line} & {"'", '"', "`"}]


def test_the_shell_expands_only_the_variables_of_the_dry_run() -> None:
    """The output quotes all variables except those that the dry run itself defines."""
    script = "source deploy/bootstrapping/commands.sh; quote echo '$PROJECT_NUMBER' '$CHANNEL' '$HOME'"
    done = subprocess.run(["bash", "-euc", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == 'echo "$PROJECT_NUMBER" "$CHANNEL" \\$HOME'
