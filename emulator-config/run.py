"""What `make run` starts once `setup.py` has made `.venv`: the service, until Ctrl-C."""

import sys

from local_platform.console import guarded
from local_platform.launch import launch

if __name__ == "__main__":
    sys.exit(guarded(launch))
