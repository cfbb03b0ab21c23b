"""Configures gunicorn, the server that functions-framework starts after it has imported a function's code."""

import os

_WORKER_TIMEOUT = "CLOUD_RUN_TIMEOUT_SECONDS"


def switch_off_heartbeats() -> None:
    """Keeps gunicorn from killing a process that was idle for a while. Must be called while `main.py` is imported.

    Cloud Run withdraws the CPU from an idle instance. Its heartbeats stop but the clock does not, so gunicorn would
    consider the instance dead and kill it in the middle of the next request. functions-framework passes this variable
    to gunicorn as `timeout`, and offers no other way to set it. Google's own samples also use 0. Cloud Run itself
    limits the duration of a request by `timeoutSeconds`.
    """
    os.environ[_WORKER_TIMEOUT] = "0"
