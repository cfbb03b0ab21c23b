"""The suite's environment contains the user's variables, then those of `.env`, and none that lead to other services."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local_platform.console import Problem
from local_platform.environment import ODD_REQUESTS, UNDER_WAY, add_dotenv, build_environment, without_own_keys
from local_platform.suite import Suite
from shared.models.caller import KEY_PREFIX
from tests.local_platform.conftest import ROOT


def test_the_environment_overrides_dotenv(tmp_path: Path) -> None:
    """A variable in the environment overrides `.env` even with an empty value, which disables a key for one run."""
    (tmp_path / ".env").write_text("A=file\nB=file\nC='quoted # not a comment'\nEMPTY\n")
    assert add_dotenv(tmp_path, {"A": "shell", "B": ""}) == {"A": "shell", "B": "", "C": "quoted # not a comment"}


def test_without_dotenv_only_the_environment_is_used(tmp_path: Path) -> None:
    """A fresh clone, which has no `.env`, uses only the environment's variables."""
    assert add_dotenv(tmp_path, {"A": "shell"}) == {"A": "shell"}


def _build(environ: dict[str, str], **options: str) -> dict[str, str]:
    return build_environment(
        environ, root=Path("/clone"), folder=Path("/clone/.local/suite"), java_home=Path("/jdk"), **options
    )


def test_authentication_is_bypassed_by_default() -> None:
    """APP_ENV defaults to local. An argument, which tests use, overrides the environment."""
    assert _build({})["APP_ENV"] == "local"
    assert _build({"APP_ENV": "firebase"})["APP_ENV"] == "firebase"
    assert _build({"APP_ENV": "local"}, app_env="firebase")["APP_ENV"] == "firebase"


@pytest.mark.parametrize("typo", ["fierbase", "Firebase", "production"])
def test_a_typo_does_not_disable_authentication(typo: str) -> None:
    """An invalid APP_ENV is rejected before anything starts, and the error names the valid values."""
    with pytest.raises(Problem, match=f"APP_ENV is '{typo}'.* Set APP_ENV to firebase"):
        Suite(environ={"APP_ENV": typo})


@pytest.mark.parametrize("program", ["setup.py", "run.py"])
def test_a_typo_is_rejected_before_anything_is_installed(program: str, tmp_path: Path) -> None:
    """Both programs of `make run` reject an invalid APP_ENV without changing a fresh clone."""
    programs = tmp_path / "emulator-config"
    shutil.copytree(ROOT / "emulator-config", programs, ignore=shutil.ignore_patterns("__pycache__"))
    process = subprocess.run(
        [sys.executable, programs / program],
        env={"PATH": os.environ["PATH"], "APP_ENV": "fierbase", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 1
    assert "✗ APP_ENV is 'fierbase'" in process.stderr
    assert process.stdout == ""
    assert list(tmp_path.iterdir()) == [programs]


def test_variables_of_real_projects_and_other_emulators_are_removed() -> None:
    """The suite ignores credentials and addresses in the user's shell."""
    built = _build(
        {
            "GOOGLE_APPLICATION_CREDENTIALS": "/key.json",
            "FIRESTORE_EMULATOR_HOST": "x:1",
            "GOOGLE_CLOUD_PROJECT": "real",
        }
    )
    assert "GOOGLE_APPLICATION_CREDENTIALS" not in built
    assert "FIRESTORE_EMULATOR_HOST" not in built
    assert built["GOOGLE_CLOUD_PROJECT"] == "demo-agents"


def test_the_service_is_not_its_own_provider(capsys: pytest.CaptureFixture[str]) -> None:
    """A shell that is set up for clients of the service has its key and its address in OpenAI's variables."""
    of_clients = {
        "OPENAI_API_KEY": f"{KEY_PREFIX}4fGh7Jk2Lm9N",
        "OPENAI_BASE_URL": "http://127.0.0.1:8000/v1",
        "A": "b",
    }
    assert without_own_keys(of_clients) == {"A": "b"}
    assert "OPENAI_API_KEY is a key of this service" in capsys.readouterr().out
    of_a_provider = {"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "http://127.0.0.1:9700/v1"}
    assert without_own_keys(of_a_provider) == of_a_provider
    assert capsys.readouterr().out == ""


def test_the_suites_node_hooks_are_added_to_the_users_options() -> None:
    """NODE_OPTIONS loads both hooks after the user's options, and the hooks' files exist."""
    assert ODD_REQUESTS.is_file()
    assert UNDER_WAY.is_file()
    assert _build({})["NODE_OPTIONS"] == f'--require "{ODD_REQUESTS}" --require "{UNDER_WAY}"'
    assert _build({"NODE_OPTIONS": "--trace-warnings"})["NODE_OPTIONS"].startswith("--trace-warnings --require ")


def test_the_suite_uses_its_own_java_and_folders() -> None:
    """The suite writes neither to the user's home nor to the shared temporary folder. Keys are passed on."""
    built = _build({"PATH": "/bin", "OPENAI_API_KEY": "k"}, model_url="http://127.0.0.1:9700/v1")
    assert built["PATH"] == "/jdk/bin:/bin"
    assert built["OPENAI_API_KEY"] == "k"
    assert built["PYTHONPATH"] == "/clone"
    assert built["LOCAL_MODEL_BASE_URL"] == "http://127.0.0.1:9700/v1"
    for name in ("TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        assert built[name].startswith("/clone/.local/suite/")
