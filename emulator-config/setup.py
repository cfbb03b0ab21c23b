"""Installs everything that is needed to run the service: `python3 emulator-config/setup.py`; to test it: `--tests`.

It uses only the standard library, so it works in a fresh clone. Older versions of Python must be able to read this
file, so that they can hand over to a newer one.
"""

import os
import shutil
import sys

OLDEST_PYTHON = (3, 11)


def hand_over():
    """Continues in a newer Python, or exits with an error if there is none."""
    for name in ("python3.13", "python3.12", "python3.11"):
        newer = shutil.which(name)
        if newer:
            os.execv(newer, [newer, *sys.argv])  # noqa: S606
    sys.exit(
        "\n✗ Python %d.%d is too old: Python 3.11 or newer is required.\n"  # noqa: UP031
        "  Install one (python3.11, python3.12 or python3.13), then try again." % sys.version_info[:2]
    )


def main():
    """Runs the set-up and returns the exit code."""
    from local_platform.app_env import read_app_env
    from local_platform.console import run_main
    from local_platform.layout import LAYOUT
    from local_platform.setup_steps import set_up, wants_local_model

    def work() -> int:
        # `make run` starts here, so an invalid value is rejected before an installation that may take minutes.
        read_app_env(os.environ)
        set_up(LAYOUT, os.environ, local_model=wants_local_model(os.environ), tests="--tests" in sys.argv[1:])
        return 0

    return run_main(work)


if __name__ == "__main__":
    if sys.version_info < OLDEST_PYTHON:
        hand_over()
    sys.exit(main())
