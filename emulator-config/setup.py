"""Installs everything that running and testing need, in a fresh clone, too: `python3 emulator-config/setup.py`.

Standard library only. Only this file must be readable by older Pythons, so
that they can hand over to a newer one.
"""

import os
import shutil
import sys

OLDEST = (3, 11)


def hand_over():
    """Continues in a newer Python, or reports that there is none."""
    for name in ("python3.13", "python3.12", "python3.11"):
        newer = shutil.which(name)
        if newer:
            os.execv(newer, [newer, *sys.argv])  # noqa: S606
    sys.exit(
        "\n✗ Python %d.%d is too old: 3.11 or newer is needed.\n"  # noqa: UP031
        "  Install one (python3.11, python3.12 or python3.13), then try again." % sys.version_info[:2]
    )


def main():
    """Sets up; returns the exit code."""
    from local_platform.app_env import chosen_app_env
    from local_platform.console import guarded
    from local_platform.layout import LAYOUT
    from local_platform.setup_steps import local_model_wanted, set_up

    def work() -> int:
        chosen_app_env(
            os.environ
        )  # `make run` starts here: an invalid value is refused before minutes are spent on installing
        set_up(LAYOUT, os.environ, local_model=local_model_wanted(os.environ))
        return 0

    return guarded(work)


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        hand_over()
    sys.exit(main())
