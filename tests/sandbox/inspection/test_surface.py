"""What the look believes of the engine is what the installed engine has, and what `world` hands in."""

import json

import pydantic_monty as monty
import pytest

from shared.sandbox import Program
from shared.sandbox.fast.world import World
from shared.sandbox.inspection.findings import HOST_MODULES
from shared.sandbox.inspection.refresh import found
from shared.sandbox.inspection.surface import FILE, surface
from shared.sandbox.no_abilities import NoAbilities


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
