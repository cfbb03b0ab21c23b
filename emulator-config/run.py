"""Runs the service until a signal arrives. `make run` starts this program after `setup.py` has created `.venv`."""

import sys

from local_platform.console import run_main
from local_platform.launch import launch

if __name__ == "__main__":
    sys.exit(run_main(launch))
