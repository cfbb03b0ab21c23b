"""Composes the folder in which the emulator suite runs, so that the suite writes nothing to the source tree."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import yaml

from local_platform.console import Problem
from local_platform.layout import Layout
from local_platform.ports import Ports

MAX_LOCAL_DISPATCHES = 20
"""The maximum number of tasks that run locally at the same time. Each needs its own process."""

_DEPLOYMENT_KEYS = ("configDir", "predeploy")

_ACTIVATE = """\
# For each process of a function, the functions emulator starts a shell, which reads this file and would then run
# functions-framework. This file replaces the shell with functions-framework, so that the emulator's signals reach it.
# Otherwise, a reloaded function would leave its old processes behind.
VIRTUAL_ENV={venv}
PATH="$VIRTUAL_ENV/bin:$PATH"
export VIRTUAL_ENV PATH
exec "$VIRTUAL_ENV/bin/python" "$VIRTUAL_ENV/bin/functions-framework"
"""


def compose(
    layout: Layout,
    folder: Path,
    ports: Ports,
    *,
    start_firestore: bool = True,
    ui: bool = False,
    staged: Path | None = None,
) -> list[str]:
    """Rewrites `folder`, except for its logs, and returns the functions' names.

    Functions are links to the sources (or, with `staged`, to the staged folders), so an edit takes effect immediately.
    `functions.yaml` is a copy that is adapted to this machine. The suite reads it only at its start.
    """
    config = json.loads((layout.root / "firebase.json").read_text(encoding="utf-8"))
    names = [Path(function["source"]).name for function in config["functions"]]
    shutil.rmtree(folder / "functions", ignore_errors=True)
    for name in ("tmp", "config"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in names:
        _compose_function(layout, folder, name, staged)
    config["functions"] = [
        {key: value for key, value in function.items() if key not in _DEPLOYMENT_KEYS} | {"source": f"functions/{name}"}
        for function, name in zip(config["functions"], names, strict=True)
    ]
    for shared_file in (config["firestore"]["rules"], config["firestore"]["indexes"], config["hosting"]["public"]):
        _link(folder / shared_file, layout.root / shared_file)
    config["emulators"] = adapt_emulators(config["emulators"], ports, start_firestore=start_firestore, ui=ui)
    (folder / "firebase.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return names


def adapt_emulators(base: dict[str, Any], ports: Ports, *, start_firestore: bool, ui: bool) -> dict[str, Any]:
    """Returns the `emulators` section of `firebase.json` with these ports and parts."""
    numbers = ports.by_name()
    moved: dict[str, Any] = {
        name: {**part, "port": numbers[name]} if name in numbers else part for name, part in base.items()
    }
    moved["firestore"]["websocketPort"] = ports.firestore_websocket
    moved["ui"]["enabled"] = ui
    if not start_firestore:
        del moved["firestore"]
    return moved


def adapt_functions_yaml(functions_yaml: str) -> str:
    """Limits a `functions.yaml` to `MAX_LOCAL_DISPATCHES` concurrent dispatches, and removes its secrets.

    Locally, keys come from the environment. The emulator would query Secret Manager whenever a process starts.
    """
    manifest: dict[str, Any] = yaml.safe_load(functions_yaml)
    for endpoint in manifest["endpoints"].values():
        endpoint.pop("secretEnvironmentVariables", None)
        limits: dict[str, int] = endpoint.get("taskQueueTrigger", {}).get("rateLimits", {})
        if dispatches := limits.get("maxConcurrentDispatches"):
            limits["maxConcurrentDispatches"] = min(dispatches, MAX_LOCAL_DISPATCHES)
    return yaml.safe_dump(manifest, sort_keys=False)


def _compose_function(layout: Layout, folder: Path, name: str, staged: Path | None) -> None:
    source = layout.root / "functions" / name if staged is None else staged / name
    composed = folder / "functions" / name
    requirements = "requirements.in" if staged is None else "requirements.txt"
    for file_name in ("main.py", "functions.yaml", requirements):
        if not (source / file_name).is_file():
            raise Problem(
                f"functions/{name}/{file_name} is missing", "Every function in firebase.json needs this file."
            )
    activate = composed / "venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(_ACTIVATE.format(venv=shlex.quote(str(layout.venv))), encoding="utf-8")
    _link(composed / "main.py", source / "main.py")
    _link(composed / "requirements.txt", source / requirements)
    functions_yaml = (source / "functions.yaml").read_text(encoding="utf-8")
    (composed / "functions.yaml").write_text(adapt_functions_yaml(functions_yaml), encoding="utf-8")


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)
