"""The services that functions need."""

import os
import re
from pathlib import Path

import psutil
import pytest

from bench.backends import start_backends
from bench.watching import MeasurementFailed, check_processes


def _kill_the_emulator() -> None:
    with start_backends() as backends:
        check_processes()
        port = backends.environ["FIRESTORE_EMULATOR_HOST"].rpartition(":")[2]
        emulator = next(child for child in psutil.Process().children() if port in child.cmdline())
        emulator.kill()
        emulator.wait()
        check_processes()


def test_the_end_of_the_emulator_is_reported() -> None:
    """With the place of its log. The environment is as it was."""
    before = os.environ.get("FIRESTORE_EMULATOR_HOST")
    with pytest.raises(MeasurementFailed, match="the Firestore emulator ended unexpectedly") as caught:
        _kill_the_emulator()
    path = re.fullmatch(r"The emulator's log is (.*)\.", caught.value.__notes__[-1])
    assert path is not None
    Path(path[1]).unlink()
    assert os.environ.get("FIRESTORE_EMULATOR_HOST") == before
