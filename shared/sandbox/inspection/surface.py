"""What the fast engine's Python has, as `refresh` found it by asking: names, modules and their names, types.

Read once; the file says nothing of the environment, so it is as good as code.
"""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FILE = Path(__file__).parent / "fast_surface.json"
FULL_FILE = Path(__file__).parent / "full_surface.json"


class Surface(BaseModel):
    """`builtins`: those it has. `missing_builtins`: those of CPython's that it lacks.

    `modules`: what each module it has offers; `missing`: of types, what CPython's has, and cannot be called on its
    own (`datetime.utcnow()`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: str
    builtins: frozenset[str]
    missing_builtins: frozenset[str]
    modules: dict[str, frozenset[str]]
    missing: dict[str, frozenset[str]]


class FullSurface(BaseModel):
    """`modules`: the standard library's that the full engine has, by their top names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: str
    modules: frozenset[str]


@cache
def full_modules() -> frozenset[str]:
    """The full engine's modules of the standard library."""
    return FullSurface.model_validate_json(FULL_FILE.read_bytes()).modules


@cache
def surface() -> Surface:
    """The fast engine's."""
    return Surface.model_validate_json(FILE.read_bytes())
