"""Imports the modules of `shared` from the bytecode that `deploy/stage` has compiled, if there is any.

Without it, a deployed function compiles its own modules in each process: the build of Cloud Functions replaces
`__pycache__`, and its files are not valid at run time (decision 45).
"""

import marshal
import sys
from collections.abc import Mapping
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType

_PACKAGE = Path(__file__).parent
FILE_NAME = f"shared.{sys.implementation.cache_tag}.bytecode"
"""The file next to `shared`. Its name contains the version of Python, so other versions do not read it."""


def dump(sources: Mapping[str, tuple[str, bytes]]) -> bytes:
    """Returns the content of the file for `sources`: each module's path and source, by the module's name.

    The path is shown in tracebacks. The same sources always result in the same bytes.
    """
    modules = {
        # Later versions of the format depend on the number of references to an object.
        name: marshal.dumps(compile(source, path, "exec", dont_inherit=True, optimize=0), 2)
        for name, (path, source) in sorted(sources.items())
    }
    return MAGIC_NUMBER + marshal.dumps(modules, 2)


def load(file: Path) -> dict[str, bytes]:
    """Returns the compiled modules; none if the file is missing or of another version of Python."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return {}
    if not content.startswith(MAGIC_NUMBER):
        return {}
    modules: dict[str, bytes] = marshal.loads(content[len(MAGIC_NUMBER) :])  # noqa: S302 - deployed with the sources
    return modules


def install() -> None:
    """Makes imports below `shared` use the bytecode. Modules that it lacks are imported from their sources."""
    modules = load(_PACKAGE.with_name(FILE_NAME))
    if not modules:
        return

    class Loader(SourceFileLoader):
        def get_code(self, fullname: str) -> CodeType | None:
            if fullname in modules:
                code: CodeType = marshal.loads(modules.pop(fullname))  # noqa: S302 - deployed with the sources
                return code
            return super().get_code(fullname)

    def find_in(folder: str) -> FileFinder:
        if not Path(folder).is_relative_to(_PACKAGE):
            raise ImportError
        return FileFinder(folder, (Loader, SOURCE_SUFFIXES))

    sys.path_hooks.insert(0, find_in)
    sys.path_importer_cache.pop(str(_PACKAGE), None)
