"""The only module that imports litellm. It makes litellm stay offline, quiet and strict.

The import takes seconds, so only code that calls a model imports this module.
"""

import logging
import os
import ssl
import warnings

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # bundled prices; otherwise it downloads newer ones
os.environ.setdefault("LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS", "True")  # bundled headers, for the same reason
os.environ.setdefault("LITELLM_MODE", "PRODUCTION")  # otherwise it reads a .env file

import litellm
from litellm import exceptions
from litellm.llms.custom_httpx import http_handler

from shared.llm.exchange import ObservedTransport

litellm.suppress_debug_info = True
logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)  # its log lines are not JSON, and may quote chats
warnings.filterwarnings("ignore", module="pydantic")  # warnings about litellm's own types may also quote chats
litellm.turn_off_message_logging = True
litellm.drop_params = False  # an unsupported parameter must be reported as an error, not dropped


def _create_transport(
    ssl_context: ssl.SSLContext | None = None, ssl_verify: bool | None = None, shared_session: object = None
) -> ObservedTransport:
    """Creates the transport for each client that litellm creates, whatever the provider."""
    verify = ssl_context if ssl_context is not None else ssl_verify is not False
    return ObservedTransport(verify=verify)


setattr(http_handler, "AsyncHTTPTransport", ObservedTransport)  # noqa: B010 - for clients that use a proxy
setattr(http_handler.AsyncHTTPHandler, "create_async_transport", staticmethod(_create_transport))  # noqa: B010

__all__ = ["exceptions", "litellm"]
