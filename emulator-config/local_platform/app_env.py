"""Whether ID tokens are demanded."""

from collections.abc import Mapping

from local_platform.console import Problem

APP_ENVS = ("local", "firebase")
"""The first is the default."""


def chosen_app_env(environ: Mapping[str, str]) -> str:
    """What APP_ENV says. Raises `Problem` for what is neither, as a slip would leave every door open."""
    chosen = environ.get("APP_ENV", "").strip() or APP_ENVS[0]
    if chosen not in APP_ENVS:
        raise Problem(
            f"APP_ENV is {chosen!r}, which is neither {' nor '.join(APP_ENVS)}",
            "Set APP_ENV to firebase to demand ID tokens, or leave it out to let everybody in.",
        )
    return chosen
