"""Shared fixtures: the Firestore emulator, which is started once, a separate project for each test, and the doubles."""

import gc
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from deploy.stage.staging import runtimes, stage
from local_platform.firestore_emulator import firestore_emulator
from shared.llm.catalog import Catalog
from shared.log import configure_logging
from shared.models.caller import Caller
from shared.settings import Settings
from shared.store import Database
from tests.doubles.api_server import ApiServer
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.model_server import ModelServer
from tests.stopped_clock import StoppedClock

if TYPE_CHECKING:
    from tests.doubles.mcp_server import McpServer

hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")
Lines = Callable[[], list[dict[str, Any]]]
SECRET_KEY = "sk-test-0123456789abcdef0123456789abcdef"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option `--staged`."""
    parser.addoption("--staged", action="store_true", help="run the end-to-end tests with the staged functions")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sorts fast tests first, and tests that need the whole emulator suite last.

    With several pytest workers, the sandbox's tests come at the very end, so that they use the CPU while one worker
    waits for its suites. The file that takes longest is the first of them, so that no worker is left alone with it.
    """
    items.sort(key=lambda item: [item.get_closest_marker(name) is not None for name in ("e2e", "staged")])
    if hasattr(config, "workerinput"):
        sandbox = config.rootpath / "tests" / "sandbox"
        items.sort(key=lambda item: (item.path.is_relative_to(sandbox), item.path.name != "test_hostile.py"))


class _SuiteScheduling(LoadFileScheduling):
    """Assigns each file to one worker, and all end-to-end tests to the same worker, because the suites use fixed
    ports."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/e2e" if nodeid.startswith("tests/e2e/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Schedules tests for `--dist loadfile`, which `make test` uses."""
    return _SuiteScheduling(config, log)


def pytest_configure() -> None:
    """Delays the collection of old garbage until the end of a file, so that errors are not attributed to other
    tests."""
    threshold_0, threshold_1, _ = gc.get_threshold()
    gc.set_threshold(threshold_0, threshold_1, 1_000_000)


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    """Replaces the service's clock with one that advances only when the test moves it."""
    stopped = StoppedClock()
    monkeypatch.setattr("shared.clock.time", stopped)
    return stopped


@pytest.fixture(scope="module", autouse=True)
def garbage() -> Iterator[None]:
    """Collects garbage at the end of each file, so that errors are attributed to the file.

    The remaining objects are frozen, so that later collections skip them. They are mostly modules, and their number
    only grows.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with a subfolder for each function, as it is deployed."""
    folder = tmp_path_factory.mktemp("staged")
    stage(runtimes(), folder)
    return folder


@pytest.fixture(scope="session")
def firestore_host() -> Iterator[str]:
    """Starts the Firestore emulator. Yields its `host:port`, which is also set in the environment."""
    with firestore_emulator() as host:
        os.environ["FIRESTORE_EMULATOR_HOST"] = host
        yield host
        del os.environ["FIRESTORE_EMULATOR_HOST"]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Returns a function that parses and returns the log lines since its last call. Each line must be JSON."""
    configure_logging()
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def project() -> str:
    """Returns the id of a project that only this test uses."""
    return f"demo-{uuid4().hex[:12]}"


@pytest.fixture
def settings(project: str, firestore_host: str, cloud_tasks: CloudTasksServer) -> Settings:
    """Settings with a database timeout that no test reaches by being slow. Tests of timeouts set a short one."""
    return Settings(
        google_cloud_project=project,
        cloud_tasks_endpoint=cloud_tasks.endpoint,
        lease_seconds=30,
        store_timeout_seconds=120,
    )


@pytest.fixture
async def database(settings: Settings) -> Database:
    return Database(settings)


@pytest.fixture
def caller() -> Caller:
    return Caller(uid=f"user-{uuid4().hex[:8]}")


@pytest.fixture(scope="session")
def _model_server() -> Iterator[ModelServer]:
    server = ModelServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def model_server(_model_server: ModelServer) -> ModelServer:
    _model_server.reset()
    return _model_server


@pytest.fixture
def environ(model_server: ModelServer) -> dict[str, str]:
    """Returns an environment in which the providers `openai` and `local` are the model server's double."""
    return {
        "OPENAI_API_KEY": SECRET_KEY,
        "OPENAI_BASE_URL": model_server.base_url,
        "LOCAL_MODEL_BASE_URL": model_server.base_url,
    }


@pytest.fixture
def catalog(environ: dict[str, str]) -> Catalog:
    return Catalog.load(environ)


@pytest.fixture(scope="session")
def _cloud_tasks() -> Iterator[CloudTasksServer]:
    server = CloudTasksServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def cloud_tasks(_cloud_tasks: CloudTasksServer) -> CloudTasksServer:
    _cloud_tasks.reset()
    return _cloud_tasks


@pytest.fixture(scope="session")
def _api_server() -> Iterator[ApiServer]:
    server = ApiServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def api_server(_api_server: ApiServer) -> ApiServer:
    _api_server.reset()
    return _api_server


@pytest.fixture(scope="session")
def _mcp_server() -> "Iterator[McpServer]":
    from tests.doubles.mcp_server import McpServer  # importing its SDK takes a long time

    server = McpServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mcp_server(_mcp_server: "McpServer") -> "McpServer":
    _mcp_server.reset()
    return _mcp_server
