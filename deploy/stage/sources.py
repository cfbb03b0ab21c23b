"""Finds the files that a function needs: its folder, and the modules of `shared/` that it imports, with their data.

A function's folder therefore changes only if its own code changes, and the Firebase CLI skips unchanged functions.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import grimp

from deploy.stage.problem import StagingFailed
from shared.sandbox import fork_server
from tools.build_engine import is_built

_ENGINE = "shared.sandbox.fork_server"
BUILT = tuple(f"shared/sandbox/{fork_server.FOLDER}/{name}" for name in (fork_server.COMPILED, fork_server.COMPONENT))
"""The files of the Python interpreter in which agents run. A function needs them if it imports `_ENGINE`."""
_EXCLUDED_FILES = {"__init__.py", "functions.yaml", "requirements.in"}
_EXCLUDED_FOLDERS = {"__pycache__", "venv"}


class Sources:
    """Finds the files of the functions in the clone at `root`, by their paths in the staged folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._graph = grimp.build_graph("functions", "shared", cache_dir=None)
        self._late_imports = {module: set(late_imports(self._file(module))) for module in self._graph.modules}

    def files_of(self, name: str) -> dict[str, Path]:
        """Returns the files of the function `name`, except those that staging creates. Raises `StagingFailed`."""
        folder = self._root / "functions" / name
        if not (folder / "main.py").is_file():
            raise StagingFailed(f"The function {name} does not exist", "Its folder in functions/ needs a main.py.")
        modules = self.modules(name)
        files = {
            str(path.relative_to(folder)): path
            for path in _files_below(folder)
            if str(path.relative_to(folder)) not in _EXCLUDED_FILES
        }
        for path in (*map(self._file, modules), *self._data_of(modules)):
            files[str(path.relative_to(self._root))] = path
        if _ENGINE in modules:
            files |= self._engine()
        return files

    def modules(self, name: str) -> set[str]:
        """Returns the modules of `shared` that the function imports at its start, later, or by name."""
        found: set[str] = set()
        pending = [f"functions.{name}.main"]
        while pending:
            module = pending.pop()
            if module in found:
                continue
            found.add(module)
            pending += self._graph.find_modules_directly_imported_by(module)
            pending += self._late_imports[module]
            if "." in module:
                pending.append(module.rpartition(".")[0])  # importing a module runs its parent packages
        return {module for module in found if module.partition(".")[0] == "shared"}

    def _file(self, module: str) -> Path:
        path = self._root.joinpath(*module.split("."))
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

    def _data_of(self, modules: set[str]) -> Iterator[Path]:
        """Yields the other files in the packages among `modules`, and in their subfolders that are not packages."""
        for path in _files_below(self._root / "shared"):
            if path.suffix not in (".py", ".wit") and path.parent.name != fork_server.FOLDER:
                package = next(folder for folder in path.parents if (folder / "__init__.py").is_file())
                if ".".join(package.relative_to(self._root).parts) in modules:
                    yield path

    def _engine(self) -> dict[str, Path]:
        if not is_built(self._root / "shared" / "sandbox" / fork_server.FOLDER):
            raise StagingFailed("The agents' interpreter is not built from these sources", "Run `make setup`.")
        return {name: self._root / name for name in BUILT}


def _files_below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part in _EXCLUDED_FOLDERS or part.startswith(".") for part in parts):
            yield path


def late_imports(file: Path) -> Iterator[str]:
    """Yields the modules named in calls to `import_late`. Raises `StagingFailed` for a computed name."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "import_late":
            match node.args:
                case [ast.Constant(value=str(name))]:
                    yield name
                case _:
                    raise StagingFailed(
                        f"{file.name}, line {node.lineno}, imports a module whose name is not a literal",
                        'Staging must be able to read the name: write `import_late("shared.…")`.',
                    )
