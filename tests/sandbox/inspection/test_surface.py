"""What the look believes of the engine is what the installed engine has, and what `world` hands in."""

import json

import pydantic_monty as monty
import pytest

from shared.models.wire import JsonObject
from shared.sandbox import Program
from shared.sandbox.fast.world import World
from shared.sandbox.full.engine import FullEngine
from shared.sandbox.inspection.findings import FULL_HOST_MODULES, HOST_MODULES
from shared.sandbox.inspection.refresh import asked, found
from shared.sandbox.inspection.surface import FILE, FULL_FILE, surface
from shared.sandbox.no_abilities import NoAbilities
from tests.sandbox.conftest import LIMITS


def test_the_file_is_what_the_engine_says() -> None:
    """Whoever changes the engine's version refreshes the file: `python -m shared.sandbox.inspection.refresh`."""
    with monty.Monty() as pool:
        assert json.loads(FILE.read_text()) == found(pool)


def test_the_look_knows_the_modules_that_are_handed_in() -> None:
    """Each module of `HOST_MODULES` is there with just those names, and there is no other."""
    handed = World(NoAbilities(), Program("", {})).modules()
    there: dict[str, frozenset[str]] = {}

    def collect(path: str, module: monty.ExternalModule) -> None:
        inner = {name: item for name, item in module.attrs.items() if isinstance(item, monty.ExternalModule)}
        own = frozenset(module.attrs) - set(inner)
        if own:
            there[path] = own
        for name, item in inner.items():
            collect(f"{path}.{name}", item)

    for name, module in handed.items():
        assert isinstance(module, monty.ExternalModule)
        collect(name, module)
    assert there == HOST_MODULES


@pytest.mark.parametrize("name", HOST_MODULES)
def test_no_module_of_ours_hides_one_of_the_engine(name: str) -> None:
    """Else the surface would name what cannot be reached."""
    assert name.split(".")[0] not in {module.split(".")[0] for module in surface().modules}


async def test_the_modules_are_those_of_the_full_engine(full_engine: FullEngine) -> None:
    """As `refresh` found them; what is handed in beside them has the names that the look knows."""
    assert await asked(full_engine) == json.loads(FULL_FILE.read_text())
    code = (
        "import httpx, litellm, agent_factory.remote_mcp_client\n"
        "async def run(input_dict, tools):\n"
        "    import sys\n"
        "    return {name: [n for n in names if hasattr(sys.modules[name], n)] for name, names in input_dict.items()}"
    )
    names: JsonObject = {name: [*sorted(there)] for name, there in FULL_HOST_MODULES.items()}
    outcome = await full_engine.run(Program(code, names), NoAbilities(), LIMITS)
    assert (outcome.failure, outcome.result) == (None, names)
