"""Projects for the tests of `deploy/bootstrap`: an empty one, and one that it has run on."""

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
    """A project that the script has run on once, and what it said. For looking at only."""
    cloud = Cloud(tmp_path_factory.mktemp("ready"))
    yield cloud, cloud.run("--yes", "--alert-email", "oncall@example.com", OPENAI_API_KEY=KEY)
    cloud.gcloud.stop()


@pytest.fixture
def again(ready: tuple[Cloud, Ran], tmp_path: Path) -> Iterator[Cloud]:
    """The same, to be changed."""
    cloud = Cloud(tmp_path, ready[0].project)
    yield cloud
    cloud.gcloud.stop()
