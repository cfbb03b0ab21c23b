"""The server below a function: gunicorn, which functions-framework starts once it has imported the function's code."""

import os

_WORKER_TIMEOUT = "CLOUD_RUN_TIMEOUT_SECONDS"


def switch_off_heartbeats() -> None:
    """Keeps gunicorn from killing a process that was silent for a while. Call it while `main.py` is imported.

    Cloud Run takes the CPU away from an idle instance. Its heartbeats stop, the clock does not, and gunicorn would
    consider the instance dead and kill it in the middle of the next request. functions-framework hands
    this variable to gunicorn as `timeout`, and has no other way to set it; 0 is what Google's own samples use. Cloud
    Run itself limits the time of a request, by `timeoutSeconds`.
    """
    os.environ[_WORKER_TIMEOUT] = "0"
