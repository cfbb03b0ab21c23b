"""The setting APP_ENV, which says whether ID tokens are required."""

from collections.abc import Mapping

from local_platform.console import Problem

APP_ENVS = ("local", "firebase")
"""The first is the default."""


def chosen_app_env(environ: Mapping[str, str]) -> str:
    """Returns APP_ENV or its default. Raises `Problem` for other values: a typo would disable authentication."""
    chosen = environ.get("APP_ENV", "").strip() or APP_ENVS[0]
    if chosen not in APP_ENVS:
        raise Problem(
            f"APP_ENV is {chosen!r}, which is neither {' nor '.join(APP_ENVS)}",
            "Set APP_ENV to firebase to require ID tokens, or leave it out to run all requests as one local user.",
        )
    return chosen
