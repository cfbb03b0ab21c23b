"""Configures gunicorn, the server that functions-framework starts after it has imported a function's code."""

import os

_WORKER_TIMEOUT = "CLOUD_RUN_TIMEOUT_SECONDS"


def switch_off_heartbeats() -> None:
    """Prevents gunicorn from killing a process that was idle for a while. Must be called while `main.py` is imported.

    Cloud Run withdraws the CPU from an idle instance. The heartbeats then stop while the clock continues, so gunicorn
    would consider the process dead and kill it during the next request. functions-framework passes this variable to
    gunicorn as `timeout`, and offers no other way to set it. Google's own samples also use 0. Cloud Run itself limits
    the duration of a request by `timeoutSeconds`.
    """
    os.environ[_WORKER_TIMEOUT] = "0"
