"""Stages functions: writes the files and packages that `sources` and `requirements` find, and reports their sizes."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from deploy.stage.bytecode import add_bytecode
from deploy.stage.folder import write
from deploy.stage.problem import StagingFailed
from deploy.stage.requirements import Lock, compile_requirements, installed_size
from deploy.stage.sources import Sources

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "build" / "functions"
_SWAGGER_UI = ("docs/vendor/swagger-ui-bundle.js", "docs/vendor/swagger-ui.css", "docs/vendor/favicon-32x32.png")
_MB = 1_000_000


def runtimes() -> dict[str, str]:
    """Returns the Python version of each function, such as "3.11", by its name, in the order of `firebase.json`."""
    config: dict[str, Any] = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    return {
        Path(codebase["source"]).name: re.sub(r"^python(\d)(\d+)$", r"\1.\2", codebase["runtime"])
        for codebase in config["functions"]
    }


def stage(names: Iterable[str], into: Path = BUILT, report: Callable[[str], None] = lambda _line: None) -> None:
    """Writes these functions' folders to `into` and passes a line about each to `report`. Raises `StagingFailed`."""
    pythons = runtimes()
    sources = Sources(ROOT)
    lock = Lock(ROOT / "requirements" / "lock.txt")
    for name in names:
        if name not in pythons:
            raise StagingFailed(f"firebase.json has no function {name}", f"It has {', '.join(pythons)}.")
        files = {place: path.read_bytes() for place, path in sources.files_of(name).items()}
        if name == "meta" and (missing := [part for part in _SWAGGER_UI if part not in files]):
            raise StagingFailed(f"functions/meta/{missing[0]} is missing", "Run `make setup` first.")
        folder = ROOT / "functions" / name
        requirements = compile_requirements(folder / "requirements.in", lock, pythons[name])
        files["requirements.txt"] = requirements.encode()
        note = "" if add_bytecode(files, pythons[name]) else f"; NOT compiled, which needs Python {pythons[name]}"
        files["functions.yaml"] = (folder / "functions.yaml").read_bytes()
        size = write(into / name, files)
        packages = requirements.count("==")
        installed = installed_size(requirements)
        suffix = "" if installed is None else f", {installed / _MB:4.0f} MB installed"
        report(f"  {name:12} {len(files):4} files {size / _MB:6.1f} MB, {packages:3} packages{suffix}{note}")
