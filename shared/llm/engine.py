"""The one place that imports litellm, set up so that it stays offline, quiet and strict.

Importing it takes seconds: import this module only where a model is called.
"""

import logging
import os
import ssl
import warnings

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # the bundled prices; else it fetches newer ones
os.environ.setdefault("LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS", "True")  # the bundled ones, likewise
os.environ.setdefault("LITELLM_MODE", "PRODUCTION")  # else it reads a .env file by itself

import httpx
import litellm
from litellm import exceptions
from litellm.llms.custom_httpx import http_handler

from shared.llm.exchange import ObservedTransport

litellm.suppress_debug_info = True
logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)  # its lines are no JSON, and may quote what was said
warnings.filterwarnings("ignore", module="pydantic")  # likewise, of litellm's own types
litellm.turn_off_message_logging = True
litellm.drop_params = False  # a parameter that a model does not take is an error to be told, not to be dropped


def _create_transport(
    ssl_context: ssl.SSLContext | None = None, ssl_verify: bool | None = None, shared_session: object = None
) -> ObservedTransport:
    """The transport of every client that litellm makes, for whichever provider."""
    verify = ssl_context if ssl_context is not None else ssl_verify is not False
    return ObservedTransport(verify=verify, limits=_LIMITS)


_LIMITS = httpx.Limits(max_keepalive_connections=100)
setattr(http_handler, "AsyncHTTPTransport", ObservedTransport)  # noqa: B010 - of clients that go through a proxy
setattr(http_handler.AsyncHTTPHandler, "create_async_transport", staticmethod(_create_transport))  # noqa: B010

__all__ = ["exceptions", "litellm"]
