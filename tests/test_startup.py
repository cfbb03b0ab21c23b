"""What a process leaves out when it starts, and how it is in order afterwards."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def _run(code: str) -> list[str]:
    process = subprocess.run([sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True, check=True)
    return process.stdout.splitlines()


def test_the_garbage_collector_runs_after_the_startup() -> None:
    """It is off while modules are imported. Afterwards it runs, and leaves the imported objects alone."""
    assert _run(
        "import gc\nfrom shared.startup import finish_startup\nprint(gc.isenabled())\nimport pydantic.main\n"
        "finish_startup()\nfinish_startup()\nprint(gc.isenabled(), gc.get_freeze_count() > 10_000)"
    ) == ["False", "True True"]


def test_models_are_built_when_they_are_first_used() -> None:
    """Importing a model does not build it; using it does."""
    assert _run(
        "import shared.startup\nfrom shared.models.session import ProviderConfig as Model\n"
        "print(Model.__pydantic_complete__)\nModel(provider='openai', model='m')\nprint(Model.__pydantic_complete__)"
    ) == ["False", "True"]


def test_a_body_that_is_built_late_causes_no_warning() -> None:
    """The first request with a body builds its model. What FastAPI does on purpose is then not reported."""
    assert _run(
        "import warnings\nfrom shared.startup import finish_startup\nfrom fastapi import APIRouter\n"
        "from shared.models.chat import ChatRequest as Model\n"
        "def route(body: Model) -> None: ...\n"
        "router = APIRouter()\nrouter.post('/')(route)\nfinish_startup()\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    router.routes[0].body_field.validate({}, {}, loc=())\n"
        "    print([str(each.message) for each in caught])"
    ) == ["[]"]


def test_pydantic_1_can_be_imported_after_the_startup() -> None:
    """Only during the startup do imports of `pydantic.v1` fail. A library that needs it later can import it."""
    assert _run(
        "from shared.startup import finish_startup\n"
        "try:\n    from pydantic import v1\nexcept ImportError:\n    print('none')\n"
        "finish_startup()\nfrom pydantic import v1\nprint(v1.BaseModel.__name__)"
    ) == ["none", "BaseModel"]
