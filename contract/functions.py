"""Finds the functions and their routes in the sources."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from fastapi import APIRouter, FastAPI

ROOT = Path(__file__).resolve().parents[1]
PRIVATE = ("worker", "sweep")
"""The functions that only the queue and the scheduler may call. They are not in the document."""


@dataclass(frozen=True)
class Function:
    """One function: its name, its module, and the module's description."""

    name: str
    module: ModuleType

    @property
    def router(self) -> APIRouter:
        router: APIRouter = self.module.router
        return router

    @property
    def app(self) -> FastAPI:
        app: FastAPI = self.module.app
        return app

    @property
    def about(self) -> str:
        """The first line of the module's docstring."""
        return (self.module.__doc__ or "").partition("\n")[0]


def functions() -> list[Function]:
    """Lists all functions by name."""
    names = sorted(path.parent.name for path in ROOT.glob("functions/*/main.py"))
    return [Function(name, importlib.import_module(f"functions.{name}.main")) for name in names]
