"""The suite runs in a composed folder with linked sources and moved ports, and leaves the source tree unchanged."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_platform.console import Problem
from local_platform.layout import LAYOUT, Layout
from local_platform.ports import Ports
from local_platform.project_folder import MAX_LOCAL_DISPATCHES, adapt_functions_yaml, compose

CONFIG: dict[str, Any] = json.loads((LAYOUT.root / "firebase.json").read_text())


def _files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if ".local" not in path.parts}


def test_the_source_tree_is_not_changed(clone: Layout) -> None:
    """Composing the folder twice adds no file outside of `.local`."""
    before = _files(clone.root)
    compose(clone, clone.local / "suite", Ports())
    compose(clone, clone.local / "suite", Ports())
    assert _files(clone.root) == before


def test_functions_are_links_to_their_sources(clone: Layout) -> None:
    """Sources are linked, so edits take effect immediately. Each folder contains the files that the emulator needs."""
    folder = clone.local / "suite"
    names = compose(clone, folder, Ports())
    assert "worker" in names
    for name in names:
        assert (folder / "functions" / name / "main.py").resolve() == clone.root / "functions" / name / "main.py"
        for file_name in ("functions.yaml", "requirements.txt", "venv/bin/activate"):
            assert (folder / "functions" / name / file_name).is_file()


def test_a_function_of_an_earlier_start_is_removed(clone: Layout) -> None:
    """The folder is rewritten, so a function that no longer exists disappears from it."""
    stale = clone.local / "suite" / "functions" / "removed"
    stale.mkdir(parents=True)
    compose(clone, clone.local / "suite", Ports())
    assert not stale.exists()


def test_every_emulator_listens_on_its_moved_port(clone: Layout) -> None:
    """All ports are moved, including those of the websocket and of the enabled UI."""
    compose(clone, clone.local / "suite", Ports().moved(100), ui=True)
    emulators = json.loads((clone.local / "suite" / "firebase.json").read_text())["emulators"]
    for name, part in CONFIG["emulators"].items():
        if isinstance(part, dict):
            assert emulators[name]["port"] == part["port"] + 100, name
    assert emulators["firestore"]["websocketPort"] == CONFIG["emulators"]["firestore"]["websocketPort"] + 100
    assert emulators["ui"]["enabled"] is True


def test_the_defaults_are_those_of_firebase_json() -> None:
    """The suite uses the same ports if it is started without the launcher."""
    ports = Ports().by_name()
    assert {name: part["port"] for name, part in CONFIG["emulators"].items() if isinstance(part, dict)} == {
        name: port for name, port in ports.items() if name not in ("model", "firestore_websocket")
    }


def test_no_second_firestore_is_started(clone: Layout) -> None:
    """If an emulator is already running, the suite does not start its own."""
    compose(clone, clone.local / "suite", Ports(), start_firestore=False)
    assert "firestore" not in json.loads((clone.local / "suite" / "firebase.json").read_text())["emulators"]


def test_fewer_tasks_run_at_a_time_than_in_the_cloud() -> None:
    """Concurrent tasks are limited locally, because each needs a process. A lower limit is not changed."""
    worker = yaml.safe_load((LAYOUT.root / "functions" / "worker" / "functions.yaml").read_text())
    limits = worker["endpoints"]["worker"]["taskQueueTrigger"]["rateLimits"]
    for cloud, local in ((200, MAX_LOCAL_DISPATCHES), (3, 3)):
        limits["maxConcurrentDispatches"] = cloud
        composed = yaml.safe_load(adapt_functions_yaml(yaml.safe_dump(worker)))["endpoints"]["worker"]
        assert composed["taskQueueTrigger"]["rateLimits"] == {"maxConcurrentDispatches": local}


def test_keys_come_from_the_environment(clone: Layout) -> None:
    """Secrets are removed, because the emulator would query Secret Manager and fail. Nothing else is changed."""
    compose(clone, clone.local / "suite", Ports())
    for name in ("chat", "admin", "users"):
        cloud = yaml.safe_load((clone.root / "functions" / name / "functions.yaml").read_text())
        local = yaml.safe_load((clone.local / "suite" / "functions" / name / "functions.yaml").read_text())
        assert "secretEnvironmentVariables" not in local["endpoints"][name]
        cloud["endpoints"][name].pop("secretEnvironmentVariables", None)
        assert local == cloud


def test_a_local_run_has_no_deployment_steps(clone: Layout) -> None:
    """The composed `firebase.json` names the linked sources and has no deployment steps."""
    names = compose(clone, clone.local / "suite", Ports())
    composed = json.loads((clone.local / "suite" / "firebase.json").read_text())["functions"]
    assert [codebase["source"] for codebase in composed] == [f"functions/{name}" for name in names]
    assert not any({"predeploy", "configDir"} & codebase.keys() for codebase in composed)


def test_staged_functions_can_be_run(clone: Layout) -> None:
    """With `staged`, functions are links to their staged folders."""
    staged = clone.root / "elsewhere"
    for name in (codebase["codebase"] for codebase in CONFIG["functions"]):
        (staged / name).mkdir(parents=True)
        for file in ("main.py", "functions.yaml", "requirements.txt"):
            shutil.copyfile(clone.root / "functions" / name / file.replace(".txt", ".in"), staged / name / file)
    for name in compose(clone, clone.local / "suite", Ports(), staged=staged):
        assert (clone.local / "suite" / "functions" / name / "main.py").resolve() == staged / name / "main.py"


def test_a_missing_source_is_reported(clone: Layout) -> None:
    """The message names the missing file. The emulator would only report that it cannot load a function."""
    (clone.root / "functions" / "chat" / "main.py").unlink()
    with pytest.raises(Problem, match=r"functions/chat/main\.py is missing"):
        compose(clone, clone.local / "suite", Ports())


def test_the_function_replaces_the_shell(clone: Layout) -> None:
    """The emulator's signals for the shell reach the function, even in a folder whose name contains spaces."""
    spaced = Layout(clone.root.with_name("a 'clone'"))
    clone.root.rename(spaced.root)
    (spaced.venv / "bin").mkdir(parents=True)
    framework = spaced.venv / "bin" / "functions-framework"
    framework.write_text("import os; print(os.getpid(), os.environ['VIRTUAL_ENV'])")
    (spaced.venv / "bin" / "python").symlink_to("/usr/bin/env")
    (spaced.venv / "bin" / "python").unlink()
    (spaced.venv / "bin" / "python").write_text(f'#!/bin/sh\nexec {LAYOUT.python} "$@"\n')
    (spaced.venv / "bin" / "python").chmod(0o755)
    compose(spaced, spaced.local / "suite", Ports())
    activate = spaced.local / "suite" / "functions" / "chat" / "venv" / "bin" / "activate"
    shell = subprocess.Popen(["sh", "-c", f'. "{activate}" && functions-framework'], stdout=subprocess.PIPE, text=True)
    output, _ = shell.communicate(timeout=30)
    assert output.strip() == f"{shell.pid} {spaced.venv}"
