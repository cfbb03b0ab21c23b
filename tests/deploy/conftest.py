"""Provides projects for the tests of `deploy/bootstrap`: an empty one, and ones that the script has already set up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.bootstrapped import KEY, Cloud, Result


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """An empty project."""
    cloud = Cloud(tmp_path)
    yield cloud
    cloud.gcloud.stop()


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Result]]:
    """A project that the script has set up, and the result of that run. Tests must not change the project."""
    cloud = Cloud(tmp_path_factory.mktemp("ready"))
    yield cloud, cloud.run("--yes", "--alert-email", "oncall@example.com", OPENAI_API_KEY=KEY)
    cloud.gcloud.stop()


@pytest.fixture
def existing(first_run: tuple[Cloud, Result], tmp_path: Path) -> Iterator[Cloud]:
    """A copy of the project of `first_run`, which a test may change."""
    cloud = Cloud(tmp_path, first_run[0].project)
    yield cloud
    cloud.gcloud.stop()
