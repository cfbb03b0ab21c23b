"""Staging is reproducible, includes only the files that a function needs, and reports clear errors."""

import json
import os
import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import grimp
import pytest
from packaging.utils import canonicalize_name

from deploy.stage.bytecode import add_bytecode
from deploy.stage.folder import FILE_TIME, write
from deploy.stage.problem import StagingFailed
from deploy.stage.requirements import Lock, compile_requirements
from deploy.stage.sources import BUILT, Sources, late_imports
from deploy.stage.staging import ROOT, runtimes, stage
from shared import bytecode

CALL_MODELS = {"worker", "agents", "deployments", "demos"}
RUN_CODE = {"worker", "agents", "deployments"}


def snapshot(folder: Path) -> dict[str, tuple[int, float, bytes]]:
    """Returns the mode, time, and bytes of everything in `folder`."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mode,
            path.stat().st_mtime,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    }


def pins(requirements: Path) -> dict[str, str]:
    """Returns the names and versions in a `requirements.txt`."""
    return dict(re.findall(r"^([^\s=]+)==(\S+)", requirements.read_text(), re.MULTILINE))


def test_the_same_sources_give_the_same_bytes(staged: Path, tmp_path: Path) -> None:
    """The staged bytes do not depend on the folder, the order, the time, or the umask."""
    before = os.umask(0o077)
    try:
        stage(reversed(runtimes()), tmp_path / "again")
    finally:
        os.umask(before)
    first, again = snapshot(staged), snapshot(tmp_path / "again")
    assert again.keys() == first.keys()
    for name in runtimes():  # only the contents of the functions' folders are compared
        expected = {path: state for path, state in first.items() if path.partition("/")[0] == name}
        assert {path: again[path] for path in expected} == expected
        assert {moment for _, moment, _ in expected.values()} == {FILE_TIME}


def test_the_firebase_cli_creates_the_same_upload_twice(staged: Path, tmp_path: Path) -> None:
    """The Firebase CLI creates the same upload twice, so it skips unchanged functions, and deployments can be verified.

    The test ignores the order of the files in the archive, because its writer reads four files concurrently.
    The digest by which the CLI detects changes does not depend on this order.
    """
    stage(["users"], tmp_path)
    script = (
        "const { prepareFunctionsUpload } = require('firebase-tools/lib/deploy/functions/prepareFunctionsUpload');"
        "prepareFunctionsUpload(process.argv[1], process.argv[1], { ignore: ['__pycache__'] }, []).then("
        "(made) => console.log(made.hash, made.pathToSource))"
    )
    uploads: list[tuple[str, dict[str, tuple[object, ...]]]] = []
    for folder, zone in ((staged / "users", "UTC"), (tmp_path / "users", "Asia/Tokyo")):
        command = ["node", "-e", script, str(folder)]
        environ = {**os.environ, "TZ": zone, "TMPDIR": str(tmp_path)}
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
        digest, archive = done.stdout.strip().splitlines()[-1].split(" ", 1)
        uploads.append((digest, _files_in(Path(archive))))
    assert "main.py" in uploads[0][1]
    assert uploads[0] == uploads[1]


def _files_in(archive: Path) -> dict[str, tuple[object, ...]]:
    """Returns the archive's files by name, each with its time, mode, and bytes."""
    with zipfile.ZipFile(archive) as opened:
        return {
            entry.filename: (entry.date_time, entry.external_attr, opened.read(entry)) for entry in opened.infolist()
        }


def test_each_codebase_is_staged_before_its_deployment() -> None:
    """Each codebase is staged separately to its folder. Files that a running function writes there are not uploaded."""
    for codebase in json.loads((ROOT / "firebase.json").read_text())["functions"]:
        name = codebase["codebase"]
        assert codebase["source"] == f"build/functions/{name}"
        assert codebase["predeploy"] == f".venv/bin/python -m deploy.stage {name}"
        assert (ROOT / codebase["configDir"]).is_dir(), "staging would delete settings in its folder"
        assert "__pycache__" in codebase["ignore"]


def test_a_staged_folder_replaces_an_earlier_one(tmp_path: Path) -> None:
    """Staging removes old files, including those that a running function wrote to the folder."""
    write(tmp_path / "chat", {"main.py": b"1", "old/data.json": b"{}"})
    (tmp_path / "chat" / "__pycache__").mkdir()
    assert write(tmp_path / "chat", {"main.py": b"22"}) == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["chat", "main.py"]


def test_every_function_has_the_files_that_the_firebase_cli_needs(staged: Path) -> None:
    """A staged folder contains the files that the Firebase CLI needs, but none that only staging needs."""
    assert sorted(path.name for path in staged.iterdir()) == sorted(runtimes())
    for name in runtimes():
        top = {path.name for path in (staged / name).iterdir()}
        assert {"main.py", "functions.yaml", "requirements.txt", "shared"} <= top
        assert not top & {"__init__.py", "requirements.in", "venv"}
        assert not [path for path in (staged / name).rglob("*") if path.is_symlink() or path.name == "__pycache__"]


def test_a_function_has_the_bytecode_of_its_modules(staged: Path) -> None:
    """Each module of `shared` is compiled, if staging runs on the functions' Python. Otherwise none is."""
    for name, python in runtimes().items():
        folder = staged / name
        modules = {
            ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
            for path in (folder / "shared").rglob("*.py")
        }
        compiled = bytecode.load(folder / bytecode.FILE_NAME)
        assert compiled.keys() == (modules if python == f"{sys.version_info.major}.{sys.version_info.minor}" else set())


def test_no_bytecode_is_added_for_another_python() -> None:
    """A function on another version of Python is staged without bytecode, and compiles its modules itself."""
    files = {"main.py": b"", "shared/__init__.py": b""}
    assert not add_bytecode(files, "3.99")
    assert files.keys() == {"main.py", "shared/__init__.py"}


def test_a_function_has_the_data_that_it_reads(staged: Path) -> None:
    """Functions have their data files: the API's document and page, the catalog, and the agents' interpreter."""
    for part in ("openapi.json", "docs/index.html", "docs/page.js", "docs/vendor/swagger-ui-bundle.js"):
        assert (staged / "meta" / part).is_file()
    for name in ("providers", "chat", *CALL_MODELS):
        catalog = staged / name / "shared/llm/catalog"
        for folder in ("curated", "generated"):
            assert {path.name for path in (catalog / folder).iterdir()} == {
                path.name for path in (ROOT / "shared/llm/catalog" / folder).iterdir()
            }
    for name in runtimes():
        assert {(staged / name / file).is_file() for file in BUILT} == {name in RUN_CODE}


def test_a_function_has_no_code_that_it_does_not_import(staged: Path) -> None:
    """A function contains only code that it imports, so it is deployed again only if this code changes."""
    assert not (staged / "users" / "shared" / "sandbox").exists()
    assert not (staged / "meta" / "shared" / "store").exists()
    for name in runtimes():
        assert (staged / name / "shared/llm/completion.py").exists() == (name in CALL_MODELS)
        assert not (staged / name / "tools").exists()
        assert not (staged / name / "shared/sandbox/guest").exists()


def test_requirements_come_from_the_lock_file(staged: Path) -> None:
    """Requirements have the lock file's versions and hashes but no registry address, because a registry may change."""
    lock = (ROOT / "requirements/lock.txt").read_text()
    for name in runtimes():
        text = (staged / name / "requirements.txt").read_text()
        assert "://" not in text
        for line in text.splitlines():
            assert re.match(r"(\S+==\S+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?)$", line), line
            assert line.split(" \\")[0] in lock
        assert text.count("==") == len(re.findall(r"==.* \\\n    --hash", text))


def test_functions_that_call_no_model_do_not_install_litellm(staged: Path) -> None:
    """Only functions that call models install litellm, which takes 190 MB at run time, and seconds to load."""
    assert {name for name in runtimes() if "litellm" in pins(staged / name / "requirements.txt")} == CALL_MODELS
    assert {name for name in runtimes() if "wasmtime" in pins(staged / name / "requirements.txt")} == RUN_CODE
    for name in runtimes():
        assert not {"pytest", "ruff", "uv"} & pins(staged / name / "requirements.txt").keys()


def test_requirements_include_every_imported_package() -> None:
    """A function's requirements include the package of every library that it imports at its start or later."""
    graph = grimp.build_graph("functions", "shared", include_external_packages=True, cache_dir=None)
    sources, lock = Sources(ROOT), Lock(ROOT / "requirements/lock.txt")
    own = {"functions", "shared", *sys.stdlib_module_names}
    distributions = metadata.packages_distributions()
    for name, python in runtimes().items():
        text = compile_requirements(ROOT / "functions" / name / "requirements.in", lock, python)
        installed = {canonicalize_name(found) for found in re.findall(r"^([^\s=]+)==", text, re.MULTILINE)}
        modules = {*sources.modules(name), f"functions.{name}.main"}
        named = {top for module in modules for top in graph.find_modules_directly_imported_by(module)}
        for module in {top.partition(".")[0] for top in named} - own - {"google"}:  # a namespace of many packages
            providers = {canonicalize_name(found) for found in distributions[module]}
            assert providers & installed, f"{name} imports {module}"


def test_an_import_by_a_computed_name_is_refused(tmp_path: Path) -> None:
    """Staging refuses an import by a computed name, because it would omit the module and the function would fail."""
    file = tmp_path / "late.py"
    file.write_text('await import_late("shared.llm.completion")\n')
    assert list(late_imports(file)) == ["shared.llm.completion"]
    file.write_text("await import_late(name)\n")
    with pytest.raises(StagingFailed, match=r"late\.py, line 1, imports a module whose name is not a literal"):
        list(late_imports(file))


def test_modules_are_imported_by_name_in_one_place() -> None:
    """Only `late_imports` imports modules by name, because staging reads its calls.

    Code inside the sandbox is not staged, and `names` only looks for such calls in agents' code.
    """
    importers = {
        str(path.relative_to(ROOT))
        for path in ROOT.glob("shared/**/*.py")
        if re.search(r"import_module\(|importlib\.import_module|__import__\(", path.read_text())
    }
    assert importers == {
        "shared/late_imports.py",
        "shared/sandbox/analysis/names.py",
        "shared/sandbox/guest/app.py",
        "shared/sandbox/guest/time_zones.py",
    }


def test_an_outdated_lock_is_reported(tmp_path: Path) -> None:
    """Staging reports a package or version that is missing from the lock file, with a remedy."""
    lock = tmp_path / "lock.txt"
    lock.write_text(
        f"six==1.0 ; python_version > '3' \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{'1' * 64}\n"
    )
    assert Lock(lock).narrow(["six==1.0"]).count("--hash") == 2
    for pin in ("six==1.1", "other==1.0"):
        with pytest.raises(StagingFailed, match=rf"{pin} is not in requirements/lock\.txt\. Run `make lock`"):
            Lock(lock).narrow([pin])


def test_an_unknown_function_is_reported(tmp_path: Path) -> None:
    """An unknown function is reported with a message and exit code 1, without a traceback."""
    command = [sys.executable, "-m", "deploy.stage", "--into", str(tmp_path), "nobody"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "✗ firebase.json has no function nobody.\n  It has meta, " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_sizes_are_reported(tmp_path: Path) -> None:
    """Staging reports the sizes of the source and of the installed packages, because both have limits."""
    output: list[str] = []
    stage(["users"], tmp_path, output.append)
    assert len(output) == 1
    assert re.fullmatch(r"  users +\d+ files +\d\.\d MB, +\d+ packages, +\d+ MB installed", output[0])
