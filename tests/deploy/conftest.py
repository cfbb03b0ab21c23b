"""The functions, staged once for all tests that look at what was made."""

from pathlib import Path

import pytest

from deploy.stage.staging import runtimes, stage


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that has every function's."""
    folder = tmp_path_factory.mktemp("staged")
    stage(runtimes(), folder)
    return folder
