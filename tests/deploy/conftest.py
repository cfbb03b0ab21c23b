"""Projects for the tests of `deploy/bootstrap`: an empty one, and one on which it has run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.bootstrapped import KEY, Cloud, Ran


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """An empty project."""
    cloud = Cloud(tmp_path)
    yield cloud
    cloud.gcloud.stop()


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Ran]]:
    """A project on which the script has run once, and its output. Tests must not change it."""
    cloud = Cloud(tmp_path_factory.mktemp("ready"))
    yield cloud, cloud.run("--yes", "--alert-email", "oncall@example.com", OPENAI_API_KEY=KEY)
    cloud.gcloud.stop()


@pytest.fixture
def again(ready: tuple[Cloud, Ran], tmp_path: Path) -> Iterator[Cloud]:
    """A copy of that project that a test may change."""
    cloud = Cloud(tmp_path, ready[0].project)
    yield cloud
    cloud.gcloud.stop()
