"""The HTTP layer that all functions share: `create_app` builds a function's application."""

from shared.web.address import ClientAddress
from shared.web.app import as_response, create_app
from shared.web.body import StrictJsonRoute
from shared.web.dependencies import CurrentSettings

__all__ = [
    "ClientAddress",
    "CurrentSettings",
    "StrictJsonRoute",
    "as_response",
    "create_app",
]
