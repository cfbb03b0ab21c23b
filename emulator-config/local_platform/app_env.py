"""Reads the setting APP_ENV, which determines whether ID tokens are required."""

from collections.abc import Mapping

from local_platform.console import Problem

APP_ENVS = ("local", "firebase")
"""The first is the default."""


def read_app_env(environ: Mapping[str, str]) -> str:
    """Returns APP_ENV or its default. Raises `Problem` for other values. A typo could disable authentication."""
    app_env = environ.get("APP_ENV", "").strip() or APP_ENVS[0]
    if app_env not in APP_ENVS:
        raise Problem(
            f"APP_ENV is {app_env!r}, which is neither {' nor '.join(APP_ENVS)}",
            "Set APP_ENV to firebase to require ID tokens, or unset it to run all requests as one local user.",
        )
    return app_env
